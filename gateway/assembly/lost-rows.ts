import { asHubError } from '../../schema/errors.ts'
import type { RegionStore } from '../../connectors/ports/region-store.ts'
import type { Clock, Log, Scope } from '../../connectors/ports/scope.ts'
import type { Assembled } from './assemble.ts'

export interface LostRowsParts {
  readonly clock: Clock
  readonly log: Log
  readonly store: RegionStore
  readonly later: (work: () => Promise<void>) => void
  readonly scope: (what: string) => Scope
  /** Undefined before the first assembly serves. */
  readonly serving: () => Assembled | undefined
  /** Reads the rows of a region that holds all of its source's anew. */
  readonly load: (scope: Scope, assembled: Assembled, name: string) => Promise<void>
}

/** How long after a failure it is tried again. */
const againMs = 5_000

/**
 * Loads regions again whose store lost what was loaded: a cluster that comes back empty, or with some of its nodes for ever gone. A store that cannot say what went by resets the
 * readers of a region; each reset of one that holds fewer entries than were loaded into it is such a loss.
 */
export class LostRows {
  readonly #parts: LostRowsParts
  readonly #stop: () => void
  #isStopped = false

  constructor(parts: LostRowsParts) {
    this.#parts = parts
    this.#stop = parts.store.changes.onCommit(({ resets }) => {
      for (const name of resets) this.#look(name)
    })
  }

  stop(): void {
    this.#isStopped = true
    this.#stop()
  }

  #look(stored: string): void {
    this.#parts.later(async () => {
      const assembled = this.#parts.serving()
      const [name, held] = [...(assembled?.held ?? [])].find(([, { region }]) => region.definition.name === stored) ?? []
      if (this.#isStopped || !assembled || name === undefined || held?.loadedRows === undefined) return
      const { log, clock } = this.#parts
      try {
        const scope = this.#parts.scope(`loss in ${name}`)
        const { entries } = await held.region.stats(scope)
        if (entries >= held.loadedRows) return
        log.warn(`"${name}" lost rows that were loaded into it; they are read again.`, { name, entries, loaded: held.loadedRows })
        await this.#parts.load(scope, assembled, name)
      } catch (error) {
        const { code, message: reason } = asHubError(error)
        if (code === 'SHUTTING_DOWN') return
        log.warn(`"${name}" may have lost rows, and could not be loaded again.`, { name, code, reason, againInMs: againMs })
        clock.after(againMs, () => this.#look(stored))
      }
    })
  }
}
