import type { RegionEntry, ViewEntry } from '../../schema/catalog.ts'
import { asHubError, HubError } from '../../schema/errors.ts'
import type { Clock, Log, Scope } from '../../connectors/ports/scope.ts'
import type { RegionStore } from '../../connectors/ports/region-store.ts'
import type { Assembled } from './assemble.ts'
import { loadRegion } from './regions.ts'
import type { OpenSource } from './sources.ts'
import { Turns } from './turns.ts'

export interface RefresherParts {
  readonly clock: Clock
  readonly log: Log
  readonly store: RegionStore
  readonly later: (work: () => Promise<void>) => void
  readonly scope: (what: string) => Scope
}

/** Keeps the rows of materialised views and loaded regions as young as they were declared to be. A refresh that fails leaves the old rows, whose age goes on growing in plain sight. */
export class Refresher {
  readonly #parts: RefresherParts
  #timers: (() => void)[] = []
  readonly #turns = new Turns()

  constructor(parts: RefresherParts) {
    this.#parts = parts
  }

  /** Refreshes what this assembly keeps from now on, and nothing of another. */
  follow(assembled: Assembled): void {
    this.stop()
    for (const entry of [...assembled.catalog.views, ...assembled.catalog.regions]) {
      const everyMs = everyOf(entry)
      if (everyMs === undefined) continue
      const loadedAtMs = assembled.held.get(entry.name)?.loadedAtMs ?? this.#parts.clock.now()
      this.#schedule(assembled, entry.name, Math.max(0, loadedAtMs + everyMs - this.#parts.clock.now()), everyMs)
    }
  }

  stop(): void {
    for (const cancel of this.#timers.splice(0)) cancel()
  }

  /** Reads the rows of one view or region anew, from the call on; who asks while others are read waits, and shares what comes next. What keeps no rows of its own → BAD_USER_INPUT. */
  refresh(scope: Scope, assembled: Assembled, name: string): Promise<void> {
    return this.#turns.run(name, 'refresh', () => this.#read(scope, assembled, name, true))
  }

  /** The same from what sources that keep rows themselves hold already: their files are not looked at. */
  load(scope: Scope, assembled: Assembled, name: string): Promise<void> {
    return this.#turns.run(name, 'load', () => this.#read(scope, assembled, name, false))
  }

  async #read(scope: Scope, assembled: Assembled, name: string, again: boolean): Promise<void> {
    const entity = assembled.model.entities.find(one => one.name === name)
    const entry = [...assembled.catalog.views, ...assembled.catalog.regions].find(one => one.name === name)
    const held = assembled.held.get(name)
    if (!entity || !entry || !held || !entity.complete || entity.writable) {
      const why = entity?.kind === 'view' ? `View "${name}" keeps no rows: every read asks the engine` : `Region "${name}" does not hold all rows of a source`
      throw new HubError('BAD_USER_INPUT', `${why}, so there is nothing to read again.`, { name })
    }
    if (again) await readFilesAgain(scope, assembled.sources)
    const { store, clock } = this.#parts
    await loadRegion(scope, entity, entry, held, { store, engine: assembled.engine, clock, sources: assembled.sources }, false)
  }

  #schedule(assembled: Assembled, name: string, delayMs: number, everyMs: number): void {
    const cancel = this.#parts.clock.after(delayMs, () => {
      this.#timers = this.#timers.filter(one => one !== cancel)
      this.#parts.later(async () => {
        try {
          await this.refresh(this.#parts.scope(`refresh of ${name}`), assembled, name)
        } catch (error) {
          const failure = asHubError(error)
          this.#parts.log.warn(`"${name}" could not be refreshed; its old rows stay.`, { name, code: failure.code, reason: failure.message })
        }
      })
      this.#schedule(assembled, name, everyMs, everyMs)
    })
    this.#timers.push(cancel)
  }
}

function everyOf(entry: ViewEntry | RegionEntry): number | undefined {
  return 'sql' in entry ? entry.materialize?.everyMs : entry.load?.everyMs
}

/** Tables the engine holds itself are read again where their files changed; for others nothing is to be done. */
async function readFilesAgain(scope: Scope, sources: readonly OpenSource[]): Promise<void> {
  for (const { connector, tables } of sources) if (tables.some(table => table.relation !== undefined)) await connector.tables(scope)
}
