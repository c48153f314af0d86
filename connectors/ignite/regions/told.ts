import type { Change } from '../../../schema/change.ts'
import type { Kept } from '../../regions/kept.ts'

/** An event of one entry, as the cluster tells it. */
export interface Event {
  /** Names the entry among those of all caches. */
  readonly id: string
  readonly type: Change['type']
  readonly before: Kept | undefined
  readonly after: Kept | undefined
}

/** What one write of this process, in whatever regions, will be heard of: per entry the version it puts, or that of the entry it removes. */
export interface Expected {
  readonly entries: ReadonlyMap<string, { readonly puts: number } | { readonly removes: number }>
  /** Entries of whose change no reader is told. */
  readonly untold: ReadonlySet<string>
}

/** Events that are told together, once all are there and nothing in front of them waits. */
interface Group<E> {
  readonly expected: Expected | undefined
  readonly events: Map<string, E>
  /** Entries whose event is still to come. */
  readonly missing: Set<string>
  /** Groups with an earlier event of an entry of this one. */
  readonly behind: Set<Group<E>>
  readonly before: Set<Group<E>>
  done(): void
}

/** A write that is waited for. */
export interface Awaited {
  /** Ends when the log was told, or the wait was given up. */
  readonly told: Promise<void>
  /** These will not come after all. */
  without(ids: Iterable<string>): void
  /** Tells what is there. */
  giveUp(): void
}

/**
 * Puts events in the order the log tells them: those of one write of this process as one, each entry's in the order they came. The cluster sends them one by one, those
 * of one transaction from several nodes, with others between them.
 */
export class Telling<E extends Event> {
  readonly #tell: Tell<E>
  /** Writes of this process by the entries they will be heard of. */
  readonly #expected = new Map<string, Set<Group<E>>>()
  /** Per entry the last group that has an event of it and is not told yet. */
  readonly #last = new Map<string, Group<E>>()

  /** `tell` is called in the step in which the last event came, with the ids of those no reader is to hear of; `done` is to be called when the log has it. */
  constructor(tell: Tell<E>) {
    this.#tell = tell
  }

  /** To be called before the cluster is asked to commit. */
  expect(expected: Expected): Awaited {
    const told = Promise.withResolvers<void>()
    const group: Group<E> = { expected, events: new Map(), missing: new Set(expected.entries.keys()), behind: new Set(), before: new Set(), done: told.resolve }
    for (const id of group.missing) {
      const groups = this.#expected.get(id)
      if (groups) groups.add(group)
      else this.#expected.set(id, new Set([group]))
    }
    if (group.missing.size === 0) group.done()
    const without = (ids: Iterable<string>) => {
      for (const id of ids) this.#came(group, id)
      this.#settle(group)
    }
    return { told: told.promise, without, giveUp: () => without([...group.missing]) }
  }

  take(event: E): void {
    const { id } = event
    const group = [...(this.#expected.get(id) ?? [])].find(one => isOf(one, id, event)) ?? alone<E>()
    group.events.set(id, event)
    this.#came(group, id)
    const earlier = this.#last.get(id)
    if (earlier && earlier !== group) {
      group.behind.add(earlier)
      earlier.before.add(group)
    }
    this.#last.set(id, group)
    this.#settle(group)
  }

  /** No more events will come of these entries: what waits for them is told as it is. */
  flush(isLost: (id: string) => boolean): void {
    const groups = new Set([...this.#expected].flatMap(([id, all]) => (isLost(id) ? [...all] : [])))
    for (const group of groups) for (const id of [...group.missing]) if (isLost(id)) this.#came(group, id)
    for (const group of groups) this.#settle(group)
  }

  #came(group: Group<E>, id: string): void {
    group.missing.delete(id)
    const groups = this.#expected.get(id)
    groups?.delete(group)
    if (groups?.size === 0) this.#expected.delete(id)
  }

  #settle(group: Group<E>): void {
    if (group.missing.size > 0 || group.behind.size > 0) return
    for (const id of group.events.keys()) if (this.#last.get(id) === group) this.#last.delete(id)
    const order = group.expected ? [...group.expected.entries.keys()] : [...group.events.keys()]
    const events = order.flatMap(id => group.events.get(id) ?? [])
    group.events.clear()
    if (events.length > 0) this.#tell(events, group.expected?.untold ?? none, group.done)
    else group.done()
    for (const next of group.before) {
      next.behind.delete(group)
      this.#settle(next)
    }
    group.before.clear()
  }
}

type Tell<E> = (events: readonly E[], untold: ReadonlySet<string>, done: () => void) => void

const none: ReadonlySet<string> = new Set()

/** The group of an event nobody here waits for. */
function alone<E>(): Group<E> {
  return { expected: undefined, events: new Map(), missing: new Set(), behind: new Set(), before: new Set(), done() {} }
}

function isOf<E extends Event>({ expected, events }: Group<E>, id: string, { type, before, after }: E): boolean {
  const wanted = expected?.entries.get(id)
  if (!wanted || events.has(id)) return false
  return 'puts' in wanted ? after?.version === wanted.puts : type === 'REMOVED' && before?.version === wanted.removes
}
