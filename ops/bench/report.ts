import { cpus, loadavg, totalmem } from 'node:os'
import type { Figures } from './load.ts'

/** One scenario's figures on the hub, where it ran, and on the bare server. */
export interface Measured {
  readonly name: string
  /** What the CPU time is divided by. */
  readonly unit: 'request' | 'message'
  readonly hub?: Figures
  readonly bare: Figures
}

const header = ['scenario', 'ratio', 'hub µs', 'bare µs', 'hub p50', 'hub p99', 'bare p50', 'bare p99', 'bytes', 'errors', 'per']

/** The figures as a table for a terminal: CPU in microseconds of the server's process, latency in milliseconds, the ratio of the two CPU figures first. */
export function table(measured: readonly Measured[]): string {
  const rows = measured.map(({ name, unit, hub, bare }) => [
    name, hub ? `${(hub.cpuMicros / bare.cpuMicros).toFixed(1)}×` : '–', hub?.cpuMicros.toFixed(1) ?? '–', bare.cpuMicros.toFixed(1),
    hub?.p50Ms.toFixed(2) ?? '–', hub?.p99Ms.toFixed(2) ?? '–', bare.p50Ms.toFixed(2), bare.p99Ms.toFixed(2), String(bare.bytes), String((hub?.errors ?? 0) + bare.errors), unit,
  ])
  return grid(header, rows)
}

/** Rows under their header, in columns as wide as what they hold; the first to the left, the others to the right. */
export function grid(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) => cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')
  return [line(header), widths.map(width => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}

/** The same for a document. */
export function markdownGrid(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

/** Where it was measured, and what else went on there. */
export function machine(): string {
  return `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB; load average at the end ${loadavg().map(value => value.toFixed(1)).join(', ')}`
}

/** What was found, for a terminal and for a section of the results file. */
export interface Findings {
  /** Title of the section. */
  readonly name: string
  readonly about: string
  readonly tables: readonly { readonly title: string; readonly header: readonly string[]; readonly rows: readonly (readonly string[])[] }[]
  /** Sentences below the tables. */
  readonly notes: readonly string[]
}

export function findingsText({ about, tables, notes }: Findings): string {
  return [about, ...tables.map(({ title, header, rows }) => `${title}\n${grid(header, rows)}`), notes.join('\n')].join('\n\n')
}

export function findingsMarkdown({ about, tables, notes }: Findings): string {
  return [about, ...tables.map(({ title, header, rows }) => `### ${title}\n\n${markdownGrid(header, rows)}`), notes.map(note => `- ${note}`).join('\n')].join('\n\n')
}
