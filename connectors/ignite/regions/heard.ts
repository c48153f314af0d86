import { javaHash } from '../binary/names.ts'
import { identity, type Kept } from '../../regions/kept.ts'

/** As many numbers for entries, and for tenants: those that share one count as changed together. */
const entryNumbers = 4_096
const tenantNumbers = 256
/** Entries heard of lately that are remembered each by itself: copies are behind for some milliseconds. */
const remembered = 65_536

type Name = Pick<Kept, 'tenant' | 'key'>

/** What this process last heard of entries: their versions, and when they and the rows of tenants changed, in numbers that grow. The memory is bounded however many there are. */
export class Heard {
  #last = 0
  /** Changes may have gone by unseen before it. */
  #since = 0
  #isOn = false
  readonly #entries = new Float64Array(entryNumbers)
  readonly #tenants = new Float64Array(tenantNumbers)
  readonly #versions = new Map<string, { readonly version: number; readonly isGone: boolean }>()

  /** Undefined: changes may go by unseen. */
  entry(entry: Name): number | undefined {
    return this.#said(this.#entries, identity(entry))
  }

  /** The same of all entries of the tenant. */
  rows(tenant: string): number | undefined {
    return this.#said(this.#tenants, tenant)
  }

  /**
   * Whether an entry that was found in this version, 0: not at all, is older than what was heard of it. Of a commit of several entries the node that has an entry first tells before the others have it
   * (measured: one in thirty reads right behind), and reads are answered by any of them.
   */
  isBehind(entry: Name, version: number): boolean {
    const heard = this.#versions.get(identity(entry))
    if (!heard) return false
    return version === 0 ? !heard.isGone : version < heard.version || (heard.isGone && version === heard.version)
  }

  changed(entry: Pick<Kept, 'tenant' | 'key' | 'version'>, isGone: boolean): void {
    const id = identity(entry)
    this.#last += 1
    this.#entries[placeIn(this.#entries, id)] = this.#last
    this.#tenants[placeIn(this.#tenants, entry.tenant)] = this.#last
    this.#versions.delete(id)
    this.#versions.set(id, { version: entry.version, isGone })
    if (this.#versions.size > remembered) for (const oldest of this.#versions.keys()) {
      this.#versions.delete(oldest)
      break
    }
  }

  on(): void {
    this.#isOn = true
  }

  /** Changes may go by unseen from now on: no number said before is said again. */
  off(): void {
    this.#isOn = false
    this.#last += 1
    this.#since = this.#last
    this.#versions.clear()
  }

  #said(numbers: Float64Array, name: string): number | undefined {
    return this.#isOn ? Math.max(this.#since, numbers[placeIn(numbers, name)] ?? 0) : undefined
  }
}

function placeIn({ length }: Float64Array, name: string): number {
  const hash = javaHash(name)
  return (hash ^ (hash >>> 16)) & (length - 1)
}
