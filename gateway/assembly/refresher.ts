import { asHubError, HubError } from '../../schema/errors.ts'
import type { Clock, Log, Scope } from '../../connectors/ports/scope.ts'
import type { RegionStore } from '../../connectors/ports/region-store.ts'
import type { Assembled } from './assemble.ts'
import { loadRegion } from './regions.ts'

export interface RefresherParts {
  readonly clock: Clock
  readonly log: Log
  readonly store: RegionStore
  readonly later: (work: () => Promise<void>) => void
  readonly scope: (what: string) => Scope
}

/** Keeps the rows of materialised views as young as they were declared to be. A refresh that fails leaves the old rows, whose age goes on growing in plain sight. */
export class Refresher {
  readonly #parts: RefresherParts
  #timers: (() => void)[] = []
  readonly #running = new Map<string, Promise<void>>()

  constructor(parts: RefresherParts) {
    this.#parts = parts
  }

  /** Refreshes the views of this assembly from now on, and those of no other. */
  follow(assembled: Assembled): void {
    this.stop()
    for (const view of assembled.catalog.views) {
      if (!view.materialize) continue
      const { everyMs } = view.materialize
      const loadedAtMs = assembled.held.get(view.name)?.loadedAtMs ?? this.#parts.clock.now()
      this.#schedule(assembled, view.name, Math.max(0, loadedAtMs + everyMs - this.#parts.clock.now()), everyMs)
    }
  }

  stop(): void {
    for (const cancel of this.#timers.splice(0)) cancel()
  }

  /** Computes one view's rows anew; who asks while it is computed waits for the same. */
  refresh(scope: Scope, assembled: Assembled, name: string): Promise<void> {
    const running = this.#running.get(name)
    if (running) return running
    const entity = assembled.model.entities.find(one => one.name === name)
    const entry = assembled.catalog.views.find(one => one.name === name)
    const held = assembled.held.get(name)
    if (!entity || !entry || !held) throw new HubError('BAD_USER_INPUT', `View "${name}" keeps no rows: every read asks the engine, so there is nothing to refresh.`, { view: name })
    const { store, clock } = this.#parts
    const run = loadRegion(scope, entity, entry, held, { store, engine: assembled.engine, clock, sources: assembled.sources }, false).finally(() => this.#running.delete(name))
    this.#running.set(name, run)
    return run
  }

  #schedule(assembled: Assembled, name: string, delayMs: number, everyMs: number): void {
    const cancel = this.#parts.clock.after(delayMs, () => {
      this.#timers = this.#timers.filter(one => one !== cancel)
      this.#parts.later(async () => {
        try {
          await this.refresh(this.#parts.scope(`refresh of ${name}`), assembled, name)
        } catch (error) {
          const failure = asHubError(error)
          this.#parts.log.warn(`View "${name}" could not be refreshed; its old rows stay.`, { view: name, code: failure.code, reason: failure.message })
        }
      })
      this.#schedule(assembled, name, everyMs, everyMs)
    })
    this.#timers.push(cancel)
  }
}
