import type { Json } from '../../schema/values.ts'
import type { Scope } from '../ports/scope.ts'
import { parseTrino } from '../statements/ast.ts'
import { Stop } from '../statements/stop.ts'
import type { TrinoClient, TrinoResult } from '../trino/client.ts'
import { EditedText } from '../trino/edits.ts'
import { failureOf } from '../trino/failures.ts'
import { checkCount } from '../trino/parameters.ts'
import { type Rewriting, rewrite } from '../trino/rewrite.ts'
import { readable } from '../trino/tokens.ts'

/** Statements of one run in Trino, all of one moment. They end with the run's signal or deadline. Failures are those of `SqlEngine`. */
export class TrinoStatements {
  readonly #client: TrinoClient
  readonly #scope: Scope
  readonly #stop: Stop
  readonly #momentMs: number
  #peak = 0

  constructor(client: TrinoClient, scope: Scope) {
    this.#client = client
    this.#scope = scope
    this.#stop = new Stop(scope, scope.clock, undefined)
    this.#momentMs = scope.clock.now()
  }

  /** Aborts when they have to end, with a HubError that says why. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** The most that one of them had, as far as Trino told. */
  get peakMemoryBytes(): number {
    return this.#peak
  }

  /** Runs a SELECT over what is mounted, up to its first page; `around` makes another statement of it. */
  async select(sql: string, over: Omit<Rewriting, 'momentMs' | 'limit'>): Promise<TrinoResult> {
    const parsed = parseTrino(readable(sql))
    checkCount({ sql }, parsed)
    const { edited, tables } = rewrite({ sql }, parsed, { ...over, momentMs: this.#momentMs })
    return this.#run(edited.text, this.#stop.signal, error => failureOf(error, tables, { text: edited, ahead: 0, immediate: false }))
  }

  /** Runs a statement in Trino's own names to its end and answers its rows. With a signal of its own it also runs when the others have to end. */
  async rows(sql: string, signal: AbortSignal = this.#stop.signal): Promise<(readonly Json[])[]> {
    return rowsOf(await this.#run(sql, signal, error => failureOf(error, new Map(), { text: new EditedText(sql, []), ahead: 0, immediate: false })))
  }

  end(): void {
    this.#stop.end()
  }

  async #run(sql: string, signal: AbortSignal, failure: (error: unknown) => unknown): Promise<TrinoResult> {
    const told = async <T>(work: Promise<T>): Promise<T> => {
      try {
        return await work
      } catch (error) {
        signal.throwIfAborted()
        throw failure(error)
      }
    }
    signal.throwIfAborted()
    const result = await told(this.#client.run({ sql, signal, later: work => this.#scope.later(work) }))
    const look = () => {
      this.#peak = Math.max(this.#peak, result.stats?.peakMemoryBytes ?? 0)
    }
    return {
      id: result.id, columns: result.columns, get stats() { return result.stats }, end: () => result.end(),
      next: () => told(result.next()).finally(look),
    }
  }
}

/** All rows of a result that is small. */
export async function rowsOf(result: TrinoResult): Promise<(readonly Json[])[]> {
  const rows: (readonly Json[])[] = []
  for (let page = await result.next(); page !== undefined; page = await result.next()) rows.push(...page)
  return rows
}
