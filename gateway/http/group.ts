import { setImmediate } from 'node:timers/promises'
import type { ExecutionResult } from 'graphql'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Live, Reached } from '../../resolvers/context.ts'
import { isBeyond, type Place } from '../../resolvers/live/place.ts'
import { HubError } from '../../schema/errors.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { Member, SharedEvent } from './member.ts'
import type { Answer } from './operations.ts'
import type { Transport } from './subscriptions.ts'

/** Events handed out before other work of the process has its turn. */
const eventsATurn = 50

/** A subscription as one subscriber asked for it. */
export interface Wanted {
  /** Subscriptions to one supergraph with equal keys may be executed once for all. */
  readonly key: string
  readonly supergraph: object
  readonly transport: Transport
  /** The subscriber's own: it ends with the subscriber. */
  readonly scope: Scope
  /** Cursor the client came back with beside the operation. */
  readonly after?: string
  readonly subscribe: (scope: Scope, live: Live) => Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult>
  readonly answer: (event: ExecutionResult) => Answer
}

export interface GroupSettings {
  /** Longest life of a subscription, and longest time one read for an event may take. */
  readonly maxLifetimeMs: number
  /** Time between two words of progress to a subscriber whom nothing concerns. */
  readonly pingIntervalMs: number
}

/**
 * The subscriptions that are executed once for several subscribers. Each begins with an execution of its own: its snapshot, or what its cursor lacks, is its own. When it has all there is and says at
 * which place of the log that is, it gives its execution up for that of the group of its key, which tells it what lies beyond the place; the first of a key is the group. So nothing is lost and
 * nothing told twice, wherever who joined came from. A source that tells no places has a group for each subscriber.
 */
export class Groups {
  readonly settings: GroupSettings
  readonly metrics: Pick<Metrics, 'subscriptionGroups' | 'events'>
  readonly #settled = new WeakMap<object, Map<string, Group>>()

  constructor(settings: GroupSettings, metrics: Pick<Metrics, 'subscriptionGroups' | 'events'>) {
    this.settings = settings
    this.metrics = metrics
  }

  /** Begins a subscription; `ended` is called once, when nothing more will come. Instead of a member: the result that refuses it, and then `ended` is left to the caller, as for what is thrown. */
  async begin(wanted: Wanted, ended: () => void): Promise<Member | ExecutionResult> {
    const member = new Member(this, wanted, ended)
    return (await member.begin({ after: wanted.after })) ?? member
  }

  /** A group of this member alone. */
  open(wanted: Wanted, member: Member): Group {
    return new Group(this, wanted, member)
  }

  /** The group has all there is up to its place: it becomes that of its key, or part of it. */
  settle(group: Group, place: Place): void {
    const { supergraph, key } = group.wanted
    const ofGraph = this.#settled.get(supergraph) ?? new Map<string, Group>()
    this.#settled.set(supergraph, ofGraph)
    const known = ofGraph.get(key)
    if (known?.hasAll && known !== group) known.adopt(group, place)
    else ofGraph.set(key, group)
  }

  forget(group: Group): void {
    const { supergraph, key } = group.wanted
    const ofGraph = this.#settled.get(supergraph)
    if (ofGraph?.get(key) === group) ofGraph.delete(key)
  }
}

/**
 * One execution and those who get its events. It goes as fast as its fastest member: with no room in any it waits; a member that alone has none leaves it and goes on by itself. It ends with its
 * source, for all, or with the last member.
 */
export class Group {
  readonly wanted: Wanted
  readonly #groups: Groups
  readonly #members = new Set<Member>()
  readonly #stop = new AbortController()
  #source: AsyncGenerator<ExecutionResult, void, void> | undefined
  #isOver = false
  #hasAll = false
  #at: Reached | undefined
  #ahead: Reached | undefined
  #wake = () => {}

  /** Of this member, so far: the execution is its subscription, in a scope that outlives it. */
  constructor(groups: Groups, wanted: Wanted, member: Member) {
    this.wanted = wanted
    this.#groups = groups
    this.#members.add(member)
    groups.metrics.subscriptionGroups.inc()
  }

  get size(): number {
    return this.#members.size
  }

  /** Whether it waits for nothing but what is yet to come. One that had to wait for its members does not, until it has caught up. */
  get hasAll(): boolean {
    return this.#hasAll
  }

  /** Every member has what lies before, but for those who joined further on. */
  get at(): Reached | undefined {
    return this.#at
  }

  /** Begins the execution; the result that refuses it, if it is refused. Fails with the reason when the last member has left meanwhile. */
  async begin(from: Pick<Live, 'after' | 'fellBehind'>): Promise<ExecutionResult | undefined> {
    const { scope, subscribe } = this.wanted
    const { maxLifetimeMs, pingIntervalMs } = this.#groups.settings
    // Each read counts its time from its own begin: the members come and go.
    const lasting: Scope = { ...scope, signal: this.#stop.signal, get deadlineMs() { return scope.clock.now() + maxLifetimeMs } }
    const source = await subscribe(lasting, {
      ...from,
      progress: { everyMs: pingIntervalMs, tell: cursor => this.#progress(cursor) },
      leads: to => { this.#ahead = to },
      rests: (at, hasAll) => this.#rests(at, hasAll),
    })
    if (!(Symbol.asyncIterator in source)) return source
    this.#source = source
    if (!this.#isOver) return undefined
    this.#letGo()
    throw this.#stop.signal.reason
  }

  /** Hands the events out until there are no more. Never fails: what goes wrong ends the members. */
  async run(): Promise<void> {
    try {
      for (let handed = 1; this.#source && !this.#isOver; handed++) {
        if (handed % eventsATurn === 0) await setImmediate()
        if (!this.#hasRoom()) await this.#room()
        if (this.#isOver) return
        const step = await this.#source.next()
        if (this.#isOver) return
        if (step.done) return this.#end()
        this.#hand(step.value)
      }
    } catch (error) {
      this.#end(error)
    }
  }

  /** Takes over the members of another that has all up to this place; if it is ahead of them itself, another time. */
  adopt(other: Group, place: Place): void {
    if (this.#at?.place && isBeyond(this.#at.place, place)) {
      other.#hasAll = false
      return
    }
    for (const member of other.#members) {
      member.join(this)
      this.#members.add(member)
    }
    other.#members.clear()
    other.#close(adopted)
    this.#wake()
  }

  /** One member less; the last one ends the execution for this reason. */
  remove(member: Member, reason: HubError): void {
    this.#members.delete(member)
    if (this.#members.size === 0) this.#close(reason)
  }

  #hand(result: ExecutionResult): void {
    const led = this.#ahead
    this.#ahead = undefined
    const event = new SharedEvent(this.wanted.answer(result), result)
    const sent: Record<Transport, number> = { sse: 0, websocket: 0 }
    for (const member of this.#members) if (member.take(event, led?.place)) sent[member.transport] += 1
    for (const transport of transports) if (sent[transport] > 0) this.#groups.metrics.events.inc({ transport }, sent[transport])
    this.#at = led ?? (event.cursor === undefined ? this.#at : { cursor: event.cursor })
  }

  #rests(at: Reached, hasAll: boolean): void {
    if (this.#isOver) return
    this.#at = at
    if (!hasAll || this.#hasAll || !at.place) return
    this.#hasAll = true
    this.#groups.settle(this, at.place)
  }

  #progress(cursor: string): void {
    for (const member of this.#members) member.progress(cursor)
  }

  #hasRoom(): boolean {
    for (const member of this.#members) if (member.hasRoom) return true
    return false
  }

  async #room(): Promise<void> {
    this.#hasAll = false
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    for (const member of this.#members) member.whenRoom(this.#onRoom)
    await promise
  }

  readonly #onRoom = () => this.#wake()

  #end(error?: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const member of [...this.#members]) member.end(error)
    this.#leave()
  }

  #close(reason: HubError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stop.abort(reason)
    this.#letGo()
    this.#leave()
  }

  #leave(): void {
    this.#groups.forget(this)
    this.#groups.metrics.subscriptionGroups.dec()
    this.#wake()
  }

  #letGo(): void {
    // What the source still has to say is said to nobody; it was told to stop through the signal.
    this.#source?.return().catch(() => undefined)
  }
}

const transports = ['sse', 'websocket'] as const

const adopted = new HubError('CANCELLED', 'The subscription goes on with the events of an equal one.')
