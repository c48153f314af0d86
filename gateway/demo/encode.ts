import type { Cell, DemoRow } from './tables.ts'

/** Rows as the text of a file, by the ending of its name: `.csv` with a header, `.ndjson`, `.json` as one array. Longs keep every digit. */
export function encode(file: string, rows: Iterable<DemoRow>): string {
  const all = [...rows]
  if (file.endsWith('.csv')) {
    const names = Object.keys(all[0] ?? {})
    return `${[names.join(','), ...all.map(row => names.map(name => csvCell(row[name] ?? null)).join(','))].join('\n')}\n`
  }
  const objects = all.map(jsonRow)
  return file.endsWith('.ndjson') ? `${objects.join('\n')}\n` : `[\n${objects.join(',\n')}\n]\n`
}

function csvCell(value: Cell): string {
  if (value === null) return ''
  const text = String(value)
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function jsonRow(row: DemoRow): string {
  return `{${Object.entries(row).map(([name, value]) => `${JSON.stringify(name)}:${typeof value === 'bigint' ? value : JSON.stringify(value)}`).join(',')}}`
}
