import { isDeepStrictEqual } from 'node:util'
import { asHubError } from '../../schema/errors.ts'
import type { Clock, Log, Scope } from '../../connectors/ports/scope.ts'
import type { SourceConnector, SourceTable } from '../../connectors/ports/source-connector.ts'
import type { Assembled } from './assemble.ts'
import { dependents } from './dependents.ts'
import type { ModelParts } from './model.ts'
import type { OpenSource } from './sources.ts'

export interface SourceWatchParts {
  readonly clock: Clock
  readonly log: Log
  readonly later: (work: () => Promise<void>) => void
  readonly scope: (what: string, limitMs: number) => Scope
  readonly tablesOf: ModelParts['tablesOf']
  /** The assembly that serves now. */
  readonly serving: () => Assembled
  /** Reads the rows of one region or kept view anew, from what its sources hold. */
  readonly load: (scope: Scope, assembled: Assembled, name: string) => Promise<void>
  /** Makes a graph of the same catalog anew, for tables of other columns. */
  readonly recompose: () => Promise<void>
}

/** Time between two looks. Nobody waits for one. */
const lookEveryMs = 1_000
/** How long one may take. What it began to read goes on, and is found by a later one. */
const lookLimitMs = 10_000
/** How long all that is made from changed tables may take to load. */
const loadLimitMs = 15 * 60_000

/** Looks after sources that keep rows themselves, as files do: what differs there is loaded into the regions and kept views made from it. */
export class SourceWatch {
  readonly #parts: SourceWatchParts
  /** Tables as what is loaded was made from them. */
  readonly #loaded = new WeakMap<SourceConnector, Map<string, SourceTable>>()
  readonly #troubles = new WeakMap<SourceConnector, ReadonlyMap<string, string>>()
  #cancel = () => {}

  constructor(parts: SourceWatchParts) {
    this.#parts = parts
  }

  /** Looks at the sources of this assembly from now on, and at those of no other. */
  follow({ sources }: Pick<Assembled, 'sources'>): void {
    this.stop()
    const watched = sources.filter(({ connector }) => connector.look !== undefined)
    for (const { connector, tables } of watched) if (!this.#loaded.has(connector)) this.#loaded.set(connector, new Map(tables.map(table => [table.name, table])))
    if (watched.length > 0) this.#arm(watched)
  }

  stop(): void {
    this.#cancel()
    this.#cancel = () => {}
  }

  /** A table as it was last read; undefined where the source keeps no rows itself. */
  table(connector: SourceConnector, name: string): SourceTable | undefined {
    return this.#loaded.get(connector)?.get(name)
  }

  /** Why tables of the source keep old rows; undefined when none do. */
  trouble(connector: SourceConnector): string | undefined {
    const messages = [...(this.#troubles.get(connector)?.values() ?? [])]
    return messages.length > 0 ? `${messages.join(' ')} The rows read before go on serving.` : undefined
  }

  #arm(watched: readonly OpenSource[]): void {
    let stopped = false
    const cancel = this.#parts.clock.after(lookEveryMs, () => {
      this.#parts.later(async () => {
        for (const one of watched) if (!stopped) await this.#look(one)
        if (!stopped) this.#arm(watched)
      })
    })
    this.#cancel = () => {
      stopped = true
      cancel()
    }
  }

  async #look({ source, connector }: OpenSource): Promise<void> {
    const scope = this.#parts.scope(`look at ${source.name}`, lookLimitMs)
    try {
      const { tables, troubles } = (await connector.look?.(scope)) ?? { tables: [], troubles: [] }
      this.#tell(source.name, connector, new Map(troubles.map(({ table, message }) => [table, message])))
      const loaded = this.#loaded.get(connector)
      const changed = tables.filter(table => loaded?.get(table.name) !== table)
      if (!loaded || changed.length === 0) return
      const isOther = changed.some(({ name, columns }) => !isDeepStrictEqual(loaded.get(name)?.columns, columns))
      // Noted first: a load that fails is told once, not every second.
      for (const table of changed) loaded.set(table.name, table)
      this.#parts.log.info(`Files of source "${source.name}" changed and were read again.`, { source: source.name, tables: changed.map(({ name }) => name) })
      if (isOther) await this.#parts.recompose()
      await this.#load(this.#parts.scope(`change of ${source.name}`, loadLimitMs), changed.map(({ name }) => `${source.name}.${name}`))
    } catch (error) {
      const { code, message: reason } = asHubError(error)
      // A hub that stops ends its looks.
      if (code === 'SHUTTING_DOWN') return
      this.#parts.log.warn(`What changed in source "${source.name}" could not be taken over; the rows loaded before stay.`, { source: source.name, code, reason })
    }
  }

  async #load(scope: Scope, tables: readonly string[]): Promise<void> {
    const assembled = this.#parts.serving()
    for (const name of dependents(assembled.catalog, tables, this.#parts.tablesOf)) {
      const entity = assembled.model.entities.find(one => one.name === name)
      if (!entity?.complete || entity.writable || !assembled.held.has(name)) continue
      try {
        await this.#parts.load(scope, assembled, name)
      } catch (error) {
        scope.signal.throwIfAborted()
        const { code, message: reason } = asHubError(error)
        this.#parts.log.warn(`"${name}" could not be loaded again; its old rows stay.`, { name, code, reason })
      }
    }
  }

  #tell(source: string, connector: SourceConnector, troubles: ReadonlyMap<string, string>): void {
    const before = this.#troubles.get(connector)
    this.#troubles.set(connector, troubles)
    for (const [table, reason] of troubles) if (before?.get(table) !== reason) this.#parts.log.warn(`Table "${table}" of source "${source}" keeps its old rows.`, { source, table, reason })
    for (const table of before?.keys() ?? []) if (!troubles.has(table)) this.#parts.log.info(`Table "${table}" of source "${source}" can be read again.`, { source, table })
  }
}
