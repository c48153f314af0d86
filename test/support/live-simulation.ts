import type { ChangeLog } from '../../connectors/ports/change-log.ts'
import type { Snapshot } from '../../connectors/ports/region-store.ts'
import type { LogEntry } from '../../schema/change.ts'
import { HubError } from '../../schema/errors.ts'
import { Dispatcher } from '../../resolvers/live/dispatcher.ts'
import type { Session, Desk } from '../../resolvers/live/session.ts'
import type { Frame, Subscription } from '../../resolvers/live/subscription.ts'
import { Client, Violation } from './live-client.ts'
import type { SimulatedLog } from './live-log.ts'
import { Choices, World } from './live-world.ts'

/** A log as the product sees it; in a simulation reads are taken at one step and handed over at a later one. */
export interface SeenLog extends ChangeLog {
  readNow(from: number, limit: number): readonly LogEntry[]
}

/** A mistake the product could have: the simulation is worth something only if it finds every one. */
export interface Fault {
  readonly name: string
  readonly log?: (log: SimulatedLog) => SeenLog
  readonly session?: new (desk: Desk, subscription: Subscription) => Session
  readonly snapshot?: (snapshot: Snapshot) => Snapshot
}

export interface Totals {
  [name: string]: number
}

const clientCount = 6

/** A client's end of one connection. */
interface Connection {
  readonly session: Session
  /** Frames on their way. */
  readonly pipe: Frame[]
  reading: { from: number; answer: readonly LogEntry[] | 'gone' } | undefined
  /** Rows read at one step, handed over at a later one. */
  scanned: Snapshot | undefined
  /** The session had nothing and is left alone until it calls. */
  readonly asleep: { yes: boolean }
}

interface Seat {
  readonly client: Client
  connection: Connection | undefined
  /** Steps for which it does not read. */
  slow: number
}

/**
 * One seeded history of a writer, a log that is synced, trimmed and loses its tail, regions that are replaced, and clients that come, go, stall and crash.
 * Every frame is checked on arrival, and at the end everybody must hold what the log says. A broken promise is thrown with its seed and step.
 */
export function simulate(seed: number, steps: number, fault?: Fault): Totals {
  const history = new History(seed, fault)
  try {
    for (; history.step < steps; history.step++) history.act(true)
    for (; history.step < 1.2 * steps; history.step++) history.act(false)
    history.finish()
  } catch (error) {
    if (error instanceof Violation) error.message = `Seed ${seed}, step ${history.step}: ${error.message}`
    throw error
  }
  return history.totals
}

class History {
  step = 0
  readonly #choices: Choices
  readonly #world: World
  readonly #log: SeenLog
  readonly #fault: Fault
  readonly #seats: readonly Seat[]
  #dispatcher: Dispatcher

  constructor(seed: number, fault: Fault = { name: 'none' }) {
    this.#choices = new Choices(seed)
    this.#world = new World(this.#choices)
    this.#fault = fault
    this.#log = fault.log?.(this.#world.log) ?? this.#world.log
    this.#seats = Array.from({ length: clientCount }, () => ({ client: new Client(this.#world, this.#log, this.#choices), connection: undefined, slow: 0 }))
    this.#dispatcher = this.#openDispatcher()
  }

  get totals(): Totals {
    const totals: Totals = { ...this.#world.counts }
    for (const { client } of this.#seats) for (const [name, count] of Object.entries(client.counts)) totals[name] = (totals[name] ?? 0) + count
    return totals
  }

  /** One choice; without `trouble` nothing is written and nothing breaks. */
  act(trouble: boolean): void {
    const choice = this.#choices.next()
    const seat = this.#choices.pick(this.#seats)
    const { log } = this.#world
    const wanted = (trouble ? troubles : []).find(({ below }) => choice < below)
    if (wanted) wanted.happens(this, this.#world, seat)
    else if (choice < 0.22) log.sync()
    else if (choice < 0.25) log.announce()
    else this.#serve(seat, trouble)
  }

  /** Everything heals and everybody catches up. */
  finish(): void {
    this.#world.log.sync()
    this.#world.log.announce()
    for (const seat of this.#seats) {
      seat.slow = 0
      for (let round = 0; round < 2_000 && !seat.client.atEnd; round++) this.#serve(seat, false)
      seat.client.check()
    }
  }

  #serve(seat: Seat, trouble: boolean): void {
    const choices = this.#choices
    if (!seat.connection) {
      this.#connect(seat)
      return
    }
    if (seat.slow > 0 && trouble) {
      seat.slow -= 1
      return
    }
    if (trouble && choices.chance(0.01)) seat.slow = 20 + choices.below(60)
    for (let turns = choices.below(4); turns > 0; turns--) this.#drive(seat.connection, seat.client)
    for (let turns = choices.below(4); turns > 0; turns--) {
      const frame = seat.connection?.pipe.shift()
      if (frame && seat.client.receive(frame)) this.cut(seat)
    }
    if (choices.chance(0.3)) seat.client.save()
  }

  /** What the driver of a session does when there is room: hand over what was read, take a frame, or read. */
  #drive(connection: Connection, client: Client): void {
    const { session, pipe, reading, scanned, asleep } = connection
    if (scanned) {
      connection.scanned = undefined
      session.given(scanned)
      return
    }
    if (reading) {
      connection.reading = undefined
      if (reading.answer === 'gone') session.trimmed()
      else session.feed(reading.from, reading.answer)
      return
    }
    if (pipe.length >= 3) return
    if (asleep.yes) {
      const progress = this.#choices.chance(0.3) ? session.progress() : undefined
      if (progress) pipe.push(progress)
      return
    }
    const frame = session.take()
    const { wants } = session
    if (frame) pipe.push(frame)
    else if (session.wantsSnapshot) connection.scanned = this.#fault.snapshot?.(client.snapshot()) ?? client.snapshot()
    else if (wants) connection.reading = { from: wants.from, answer: this.#read(wants.from, wants.limit) }
    else asleep.yes = true
  }

  #read(from: number, limit: number): readonly LogEntry[] | 'gone' {
    return whenGone(() => this.#log.readNow(from, limit), 'gone')
  }

  #connect(seat: Seat): void {
    const asleep = { yes: false }
    const subscription = seat.client.subscription(() => {
      asleep.yes = false
    })
    const start = whenGone(() => seat.client.start(), undefined)
    if (start === undefined) {
      seat.client.forget()
      return
    }
    seat.connection = { session: this.#dispatcher.open(subscription, start), pipe: [], reading: undefined, scanned: undefined, asleep }
  }

  cut(seat: Seat): void {
    seat.connection?.session.drop()
    seat.connection = undefined
  }

  crash(): void {
    for (const seat of this.#seats) seat.connection = undefined
    this.#world.crash()
    this.#dispatcher = this.#openDispatcher()
  }

  #openDispatcher(): Dispatcher {
    const FaultySession = this.#fault.session
    if (!FaultySession) return new Dispatcher(this.#log)
    return new (class extends Dispatcher {
      protected override create(subscription: Subscription): Session {
        return new FaultySession(this, subscription)
      }
    })(this.#log)
  }
}

/** What may go wrong, each up to its share of the choices. */
const troubles: readonly { below: number; happens: (history: History, world: World, seat: Seat) => void }[] = [
  { below: 0.16, happens: (_history, world) => world.write() },
  { below: 0.17, happens: (_history, world) => world.trim() },
  { below: 0.174, happens: history => history.crash() },
  { below: 0.177, happens: (_history, world) => world.replace() },
  { below: 0.187, happens: (history, _world, seat) => history.cut(seat) },
  {
    below: 0.197,
    happens: (history, _world, seat) => {
      history.cut(seat)
      seat.client.crash()
    },
  },
]

function whenGone<T, U>(work: () => T, otherwise: U): T | U {
  try {
    return work()
  } catch (error) {
    if (error instanceof HubError && error.code === 'GONE') return otherwise
    throw error
  }
}
