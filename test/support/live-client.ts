import type { ChangeLog } from '../../connectors/ports/change-log.ts'
import type { Snapshot } from '../../connectors/ports/region-store.ts'
import { placeCodec, type Mode, type Place, type PlaceCodec, type Start } from '../../resolvers/live/place.ts'
import type { Frame, Subscription } from '../../resolvers/live/subscription.ts'
import type { Told } from '../../resolvers/live/told.ts'
import { sealer } from '../../resolvers/cursor.ts'
import { matcher, type Filter } from '../../schema/filter.ts'
import type { Row } from '../../schema/values.ts'
import { columns, randomFilter, realms, type Choices, type Realm, type World } from './live-world.ts'

/** What the product promised and did not keep. */
export class Violation extends Error {}

/** What a client keeps together: the rows, and the cursor that speaks of exactly these rows. */
export interface Held {
  readonly rows: Map<string, Row>
  cursor: string | undefined
  place: Place
  /** The snapshot is not complete. */
  loading: boolean
}

const empty = (): Held => ({ rows: new Map(), cursor: undefined, place: { next: 0, skip: 0 }, loading: true })
const copy = (held: Held): Held => ({ ...held, rows: new Map(held.rows) })
const secrets = sealer([{ kid: 'a', secret: 'a secret of the simulation' }])

/** A subscriber that believes nothing: each frame is compared with what the world says it must be. */
export class Client {
  readonly #world: World
  readonly #realm: Realm
  readonly #filter: Filter
  readonly #test: (row: Row) => boolean
  readonly #mode: Mode
  readonly #limits: Pick<Subscription, 'maxQueue' | 'maxLag' | 'snapshotPage' | 'logPage' | 'restart'>
  readonly #codec: PlaceCodec
  #held = empty()
  #saved = empty()
  counts = { frames: 0, told: 0, merged: 0, snapshots: 0, resumes: 0, resets: 0, gone: 0, slow: 0, progress: 0 }

  constructor(world: World, log: ChangeLog, choices: Choices) {
    this.#world = world
    this.#realm = choices.pick(realms)
    this.#filter = randomFilter(choices)
    this.#test = matcher(this.#filter, columns)
    this.#mode = choices.chance(0.6) ? 'every' : 'latest'
    this.#limits = { maxQueue: 2 + choices.below(6), maxLag: 6 + choices.below(40), snapshotPage: 1 + choices.below(4), logPage: 1 + choices.below(5), restart: choices.chance(0.5) }
    this.#codec = placeCodec(secrets, log, this.#audience)
  }

  get #audience() {
    return { region: this.#realm.region, tenant: this.#realm.owner || 'red', mode: this.#mode, filter: this.#filter }
  }

  subscription(wake: () => void): Subscription {
    return { ...this.#audience, ...this.#limits, owner: this.#realm.owner, columns, test: this.#test, wake }
  }

  /** The region's rows as it sees them, now. */
  snapshot(): Snapshot {
    return this.#world.snapshot(this.#realm, this.#test)
  }

  /** Where to begin: behind what is held; GONE (thrown) where the log has forgotten it. A half-received snapshot is void. */
  start(): Start {
    if (this.#held.loading) this.#held = empty()
    if (this.#held.cursor === undefined) return 'snapshot'
    const start = this.#codec.open(this.#held.cursor)
    this.counts.resumes += 1
    return start
  }

  forget(): void {
    this.counts.gone += 1
    this.#held = empty()
    this.#saved = empty()
  }

  save(): void {
    if (!this.#held.loading) this.#saved = copy(this.#held)
  }

  crash(): void {
    this.#held = copy(this.#saved)
  }

  /** Takes one frame. True: the subscription is over. */
  receive(frame: Frame): boolean {
    this.counts.frames += 1
    switch (frame.type) {
      case 'reset':
        this.#reset()
        return false
      case 'snapshot':
        this.#snapshot(frame)
        return false
      case 'changes':
        this.#changes(frame)
        return false
      case 'progress':
        this.counts.progress += 1
        if (this.#expected(frame.place).length > 0) this.#bad('was told of progress over changes it was not told')
        this.#moveTo(frame.place)
        return false
      case 'close':
        this.#close(frame)
        return true
    }
  }

  get atEnd(): boolean {
    return !this.#held.loading && this.#held.place.next === this.#world.log.end
  }

  /** At the end of a history it must hold what the log says, all of it. */
  check(): void {
    if (this.#held.loading) this.#bad('never got its snapshot')
    if (!this.atEnd) this.#bad(`stopped at ${this.#held.place.next}`)
    this.#checkRows('the end')
  }

  #reset(): void {
    if (!this.#held.loading) {
      this.counts.resets += 1
      const { replaced } = this.#world.changesBetween(this.#held.place, { next: this.#world.log.durable, skip: 0 }, this.#realm, this.#test)
      if (replaced === undefined) this.#bad('was reset without a cause')
      else if (this.#expected({ next: replaced, skip: 0 }).length > 0) this.#bad('was reset before it was told what came before')
    }
    this.#held = empty()
  }

  #snapshot({ entries, place }: Extract<Frame, { type: 'snapshot' }>): void {
    if (!this.#held.loading) this.#bad('got snapshot rows without a reset')
    for (const { key, row } of entries) {
      if (this.#held.rows.has(key)) this.#bad(`got the snapshot row ${key} twice`)
      this.#held.rows.set(key, row)
    }
    if (!place) return
    this.counts.snapshots += 1
    this.#held.loading = false
    this.#moveTo(place)
    this.#checkRows('the snapshot')
  }

  #changes({ changes, place }: Extract<Frame, { type: 'changes' }>): void {
    if (this.#held.loading) this.#bad('got a change before its snapshot was complete')
    this.counts.told += changes.length
    const expected = this.#expected(place)
    if (this.#mode === 'every' && changes.length !== 1) this.#bad('got several changes at once')
    const sort = (list: readonly Told[]) => list.map(({ type, key, before, after, version, committedAtMs }) => text([type, key, before, after, version, committedAtMs])).sort()
    if (text(sort(changes)) !== text(sort(expected))) this.#bad(`got ${text(changes)} instead of ${text(expected)}`)
    for (const { key, before, after } of changes) {
      if (text(this.#held.rows.get(key) ?? null) !== text(before)) this.#bad(`holds another row of ${key} than the change says`)
      if (after) this.#held.rows.set(key, after)
      else this.#held.rows.delete(key)
    }
    this.#moveTo(place)
    if (place.skip === 0) this.#checkRows('a change')
  }

  #close({ code, place }: Extract<Frame, { type: 'close' }>): void {
    if (code === 'GONE') {
      this.forget()
      return
    }
    this.counts.slow += 1
    if (!this.#held.loading && text(place) !== text(this.#held.place)) this.#bad(`was closed at ${text(place)}`)
  }

  /** What must be told between the place held and another: each change, or in mode `latest` the difference they make together. */
  #expected(to: Place): readonly Told[] {
    const { changes, replaced } = this.#world.changesBetween(this.#held.place, to, this.#realm, this.#test)
    if (replaced !== undefined) this.#bad(`was told of ${text(to)} and not that its region was replaced at ${replaced}`)
    if (this.#mode === 'every') return changes
    const first = new Map<string, Told>()
    const last = new Map<string, Told>()
    for (const change of changes) {
      if (!first.has(change.key)) first.set(change.key, change)
      last.set(change.key, change)
    }
    const net = [...last.values()].flatMap(change => {
      const before = first.get(change.key)!.before
      if (!before && !change.after) return []
      const type = change.after ? (before ? 'UPDATED' as const : 'CREATED' as const) : change.type
      return [{ ...change, type, before }]
    })
    this.counts.merged += changes.length - net.length
    return net
  }

  #moveTo(place: Place): void {
    const { durable } = this.#world.log
    if (place.next > durable || (place.next === durable && place.skip > 0)) this.#bad(`was sent to ${text(place)}, which a crash may undo`)
    this.#held.place = place
    this.#held.cursor = this.#codec.seal(place)
  }

  #checkRows(when: string): void {
    const { rows, place } = this.#held
    const stored = this.#world.rowsAt(place.next, this.#realm, this.#test)
    const same = stored.length === rows.size && stored.every(({ key, row }) => text(rows.get(key) ?? null) === text(row))
    if (!same) this.#bad(`holds ${text([...rows])} after ${when} instead of ${text(stored.map(({ key, row }) => [key, row]))}`)
  }

  #bad(what: string): never {
    throw new Violation(`A ${this.#mode} client at ${text(this.#held.place)}, log ${this.#world.log.start}..${this.#world.log.durable}..${this.#world.log.end}, ${what}.`)
  }
}

function text(value: unknown): string {
  return JSON.stringify(value)
}
