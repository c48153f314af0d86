import { unsupported } from '../../statements/ast.ts'

/** Trino's JSON path (`$.a['b'][0]`, also after `lax`) in DuckDB's spelling, every name quoted: `$."a"."b"[0]`. What else a path can say is refused. */
export function jsonPath(path: string): string {
  const lax = path.replace(/^\s*lax\s+/i, '').trim()
  const steps = [...lax.slice(1).matchAll(/\.([A-Za-z_][A-Za-z0-9_]*)|\."((?:[^"\\])*)"|\['([^'\\]*)'\]|\["([^"\\]*)"\]|\[(\d+)\]/gy)]
  if (!lax.startsWith('$') || steps.reduce((sum, step) => sum + step[0].length, 1) !== lax.length) {
    throw unsupported(`the JSON path '${path}'`, 'It takes members and positions, as in $.a["b c"][0].')
  }
  return `$${steps.map(([, plain, dotted, single, double, index]) => (index === undefined ? `."${plain ?? dotted ?? single ?? double}"` : `[${index}]`)).join('')}`
}
