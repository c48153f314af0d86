import type { Change, ChangeType } from '../../schema/change.ts'
import type { Row } from '../../schema/values.ts'

/**
 * One change as a subscriber sees it through its filter. A row that begins to pass is CREATED, one that goes on passing UPDATED, one that ceases to REMOVED
 * (EXPIRED where its time ran out), whatever happened to the entry itself. `before` is the row the subscriber had, `after` the one it has now:
 * a row that does not pass is never shown, and is null.
 */
export interface Told {
  readonly type: ChangeType
  readonly key: string
  readonly before: Row | null
  readonly after: Row | null
  /** The entry's version after the change. */
  readonly version: number
  readonly committedAtMs: number
}

/** The change seen through a filter that passes these of its rows; undefined when it passes neither. */
export function told(change: Pick<Change, 'key' | 'type' | 'version'>, committedAtMs: number, before: Row | null, after: Row | null): Told | undefined {
  if (!before && !after) return undefined
  const { key, version } = change
  return { type: typeOf(change.type, before, after), key, before, after, version, committedAtMs }
}

function typeOf(last: ChangeType, before: Row | null, after: Row | null): ChangeType {
  if (after) return before ? 'UPDATED' : 'CREATED'
  return last === 'EXPIRED' ? 'EXPIRED' : 'REMOVED'
}

/** Changes merged per key, in the order of the last change of each: a subscriber that applies them holds what it would hold had it applied all. */
export class Pending {
  readonly #byKey = new Map<string, Told>()

  get size(): number {
    return this.#byKey.size
  }

  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  add(change: Told): void {
    const earlier = this.#byKey.get(change.key)
    this.#byKey.delete(change.key)
    // Came and went unseen: nothing to tell.
    const merged = earlier ? told(change, change.committedAtMs, earlier.before, change.after) : change
    if (merged) this.#byKey.set(change.key, merged)
  }

  takeAll(): readonly Told[] {
    const all = [...this.#byKey.values()]
    this.clear()
    return all
  }

  clear(): void {
    this.#byKey.clear()
  }
}
