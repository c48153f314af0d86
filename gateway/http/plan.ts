import type { Read } from '../../resolvers/context.ts'

/** One system asked for an answer. */
export interface PlanStep {
  readonly engine: string
  /** Region, view or table. */
  readonly table: string
  /** Why it was this one, in a sentence. */
  readonly reason: string
  /** How often it was asked, and for how many rows in all. */
  readonly reads: number
  readonly rows: number
}

/** The engines asked, in the order each first was. */
export function planOf(reads: readonly Read[]): { readonly steps: readonly PlanStep[] } {
  const steps = Map.groupBy(reads, ({ engine, from, name, outdated }) => JSON.stringify([engine, from, name, outdated]))
  return {
    steps: [...steps.values()].flatMap(same => {
      const [read] = same
      return read ? [{ engine: read.engine, table: read.name, reason: reasonOf(read), reads: same.length, rows: same.reduce((sum, { rows }) => sum + rows, 0) }] : []
    }),
  }
}

function reasonOf({ from, name, engine, outdated }: Read): string {
  if (engine === 'result cache') return `A result of endpoint "${name}" for these parameters is kept and not too old.`
  if (outdated) return `What the hub holds of "${name}" was older than the read allows; it was read anew.`
  if (from === 'source') return `The region does not hold these rows; they were read from "${name}".`
  if (from === 'view') return name === 'statement' ? `The caller's own statement was run by ${engine}.` : `View "${name}" is not kept in memory; ${engine} computed its rows.`
  return engine === 'duckdb' || engine === 'trino' ? `The question about "${name}" goes through a relation or an endpoint's statement; ${engine} answered it over the regions.` : `Region "${name}" holds the rows and is asked first.`
}
