/** Which paths a pattern finds, and below which folder all of them lie. */
export function matching(pattern: string): { readonly folder: string; readonly matches: (path: string) => boolean } {
  const parts = pattern.split('/')
  const wild = parts.findIndex(part => /[*?]/.test(part))
  const fixed = wild < 0 ? parts.slice(0, -1) : parts.slice(0, wild)
  const whole = new RegExp(`^${parts.map((part, place) => expressionOf(part, place === parts.length - 1)).join('')}$`, 'su')
  return { folder: fixed.join('/'), matches: path => whole.test(path) }
}

/** A part with what stands behind it. */
function expressionOf(part: string, isLast: boolean): string {
  if (part === '**') return isLast ? '(?:(?![._])[^/]*/)*(?![._])[^/]*' : '(?:(?![._])[^/]*/)*'
  const hidden = /^[*?]/.test(part) ? '(?![._])' : ''
  const own = part.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*').replaceAll('?', '[^/]')
  return `${hidden}${own}${isLast ? '' : '/'}`
}
