import { asHubError, HubError } from '../../schema/errors.ts'
import { pause, type Clock, type Log, type Scope } from '../../connectors/ports/scope.ts'
import type { FollowedTable, Reset, SourceFeed, Told } from '../../connectors/ports/source-feed.ts'
import type { Assembled } from './assemble.ts'
import { loadRegion, type RegionParts } from './regions.ts'
import { takeCommit, type FollowedRegion } from './take-commit.ts'
import type { OpenSource } from './sources.ts'

/** A source with the regions that follow it. */
export interface FollowedSource {
  readonly open: OpenSource
  readonly feed: SourceFeed
  readonly tables: readonly FollowedTable[]
  readonly regions: readonly FollowedRegion[]
  readonly assembled: Pick<Assembled, 'engine' | 'sources'>
}

export interface FeedParts extends Pick<RegionParts, 'store'> {
  readonly clock: Clock
  readonly log: Log
  /** By which name sources know this hub, and whether they keep what it has not taken over when it dies. */
  readonly consumer: { readonly name: string; readonly lasting: boolean }
  /** Of what goes on until the signal is aborted. */
  readonly scope: (what: string, signal: AbortSignal) => Scope
}

/** Until when the store may try to take over one commit, or all rows. */
const takeLimitMs = 15 * 60_000
/** Of so many commits one waits for the disk. */
const durableEach = 256
const firstPauseMs = 250
const longestPauseMs = 15_000

/** Follows one source for as long as it is not stopped: takes over what is told, in its order, and begins again where it was when the source was lost, after pauses that double. */
export class Feed {
  readonly #parts: FeedParts
  readonly #consumer: string
  readonly #stop = new AbortController()
  #followed: FollowedSource
  #position: string | undefined
  #taken = 0
  #failure: HubError | undefined
  #turn = new AbortController()
  #renewed: PromiseWithResolvers<void> | undefined
  readonly #ended: Promise<void>

  /** Begins behind `after`. */
  constructor(parts: FeedParts, consumer: string, followed: FollowedSource, after: Promise<void>) {
    this.#parts = parts
    this.#consumer = consumer
    this.#followed = followed
    this.#ended = after.then(() => this.#run())
  }

  /** Why the regions are not in step; undefined while they are. */
  get trouble(): string | undefined {
    return this.#failure && `Its changes are not taken over: ${this.#failure.message}`
  }

  get followed(): FollowedSource {
    return this.#followed
  }

  /** Goes on for another assembly, with the same regions of the store. */
  adopt(followed: FollowedSource): void {
    this.#followed = followed
  }

  /** Reads all rows anew; ends when they are taken over, with the failure where that fails. */
  renew(scope: Scope): Promise<void> {
    this.#renewed ??= Promise.withResolvers<void>()
    const { promise } = this.#renewed
    this.#position = undefined
    this.#turn.abort()
    return Promise.race([promise, left(scope.signal)])
  }

  /** Ends when nothing of it runs any more. */
  stop(): Promise<void> {
    this.#stop.abort()
    this.#renewed?.reject(this.#failure ?? this.#stop.signal.reason)
    return this.#ended
  }

  async #run(): Promise<void> {
    let pauseMs = firstPauseMs
    while (!this.#stop.signal.aborted) {
      this.#turn = new AbortController()
      const turn = AbortSignal.any([this.#stop.signal, this.#turn.signal])
      try {
        const { feed, tables } = this.#followed
        for await (const told of feed.follow(this.#parts.scope(`feed of ${this.#followed.open.source.name}`, turn), { consumer: this.#consumer, lasting: this.#parts.consumer.lasting, tables, from: this.#position })) {
          await this.#take(told)
          if (turn.aborted) break
          this.#position = told.position ?? this.#position
          pauseMs = firstPauseMs
          this.#isWell()
        }
      } catch (error) {
        if (this.#stop.signal.aborted) return
        this.#fails(asHubError(error))
        await pause({ clock: this.#parts.clock, signal: this.#stop.signal }, pauseMs)
        pauseMs = Math.min(longestPauseMs, pauseMs * 2)
      }
    }
  }

  async #take(told: Told): Promise<void> {
    const { regions, open } = this.#followed
    const scope = { ...this.#parts.scope(`changes of ${open.source.name}`, this.#stop.signal), deadlineMs: this.#parts.clock.now() + takeLimitMs }
    switch (told.kind) {
      case 'reset':
        await this.#reset(scope, told)
        this.#renewed?.resolve()
        this.#renewed = undefined
        return
      case 'commit':
        await takeCommit(scope, told.changes, regions, { store: this.#parts.store, connector: open.connector, durable: this.#taken++ % durableEach === 0 })
        return
      case 'current':
        if (told.position === undefined) this.#refuseRenewal()
        // Those of now: an assembly that came meanwhile reads the same regions.
        for (const { held } of this.#followed.regions) {
          held.asOfMs = told.asOfMs
          held.filled.inStep(told.asOfMs)
        }
    }
  }

  /** All rows of regions that hold them all; the others begin empty, as nobody knows which of their entries are still so. */
  async #reset(scope: Scope, { reason, asOfMs, rows }: Reset): Promise<void> {
    const { regions, open, assembled } = this.#followed
    const { log, store, clock } = this.#parts
    log.info(`The rows of source "${open.source.name}" are read as a whole. ${reason}`, { source: open.source.name, regions: regions.map(({ entity }) => entity.name) })
    for (const { entity, entry, held, table } of regions) {
      if (entity.complete) {
        const read = { rows: rows(table, entity.fields.map(({ name }) => name)), asOfMs }
        await loadRegion(scope, entity, entry, held, { store, clock, ...assembled }, false, read)
      } else {
        await held.region.replaceAll(scope, none(), { silent: true })
      }
    }
  }

  #refuseRenewal(): void {
    const { name } = this.#followed.open.source
    this.#renewed?.reject(new HubError('IN_USE', `Source "${name}" is followed by another hub, which keeps these regions in step for all. Ask that one to read them again.`, { source: name }))
    this.#renewed = undefined
  }

  #isWell(): void {
    if (!this.#failure) return
    this.#failure = undefined
    const { name } = this.#followed.open.source
    this.#parts.log.info(`Source "${name}" is followed again.`, { source: name })
  }

  /** Told once, not at every attempt. */
  #fails(failure: HubError): void {
    const { name } = this.#followed.open.source
    if (this.#failure?.message !== failure.message) {
      const { code, message: reason } = failure
      this.#parts.log.warn(`Source "${name}" is not followed just now; its regions keep their rows, and the attempts go on.`, { source: name, code, reason })
    }
    this.#failure = failure
    // What the same attempt would meet again is left behind by reading the tables as they are now.
    if (!failure.info.retry) this.#position = undefined
    this.#renewed?.reject(failure)
    this.#renewed = undefined
  }
}

async function* none(): AsyncGenerator<never> {}

/** Fails with the signal's reason once it is aborted. */
function left(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
