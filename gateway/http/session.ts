import { HubError } from '../../schema/errors.ts'
import type { Session } from '../../connectors/ports/scope.ts'

/** The caller's header, and that of an answer to a write. */
export const sessionHeader = 'X-Session-Token'

/** Version of a region's latest write; null: one that tells none, as a removal. */
type Version = number | null

interface Written {
  /** Hub whose writes these were; empty where they were several hubs'. */
  readonly hub: string
  readonly version: Version
}

const mostRegions = 32
const longestToken = 8_192

/**
 * What a caller wrote, as a text he carries from answer to request:
 *
 *   base64url of a JSON list   [[region, hub, version or null], …]
 *
 * It is not sealed, so that every hub reads what another gave out: the worst a forged one does is to make its own bearer's reads pass by, or take, what is kept near. A hub keeps nothing near that its own
 * writes are newer than, so only those of others count. Of more than 32 regions it says only that there were writes: `*` stands for every region.
 */
export class SessionToken implements Session {
  readonly #hub: string
  readonly #written: Map<string, Written>
  #hasAdded = false

  /** `hub`: an id of this hub that no other has. A header that is no token → VALIDATION_ERROR. */
  constructor(hub: string, header?: string | string[]) {
    this.#hub = hub
    this.#written = new Map(header === undefined ? [] : read(header))
  }

  wrote(region: string, version?: number): void {
    this.#add(region, { hub: this.#hub, version: version ?? null })
  }

  since(region: string): number | undefined {
    const found = this.#written.get('*') ?? this.#written.get(region)
    if (!found || found.hub === this.#hub) return undefined
    return found.version ?? Number.POSITIVE_INFINITY
  }

  get token(): string | undefined {
    if (this.#written.size === 0) return undefined
    return Buffer.from(JSON.stringify([...this.#written].map(([region, { hub, version }]) => [region, hub, version]))).toString('base64url')
  }

  get added(): string | undefined {
    return this.#hasAdded ? this.token : undefined
  }

  take(token: string): void {
    for (const [region, written] of read(token)) this.#add(region, written)
  }

  #add(one: string, written: Written): void {
    const region = this.#written.has('*') ? '*' : one
    const before = this.#written.get(region)
    this.#written.set(region, before ? later(before, written) : written)
    this.#hasAdded = true
    if (this.#written.size <= mostRegions) return
    const all = [...this.#written.values()].reduce(later)
    this.#written.clear()
    this.#written.set('*', { hub: all.hub, version: null })
  }
}

function later(a: Written, b: Written): Written {
  return { hub: a.hub === b.hub ? a.hub : '', version: a.version === null || b.version === null ? null : Math.max(a.version, b.version) }
}

function read(header: string | string[]): (readonly [string, Written])[] {
  const text = String(header)
  const list = text.length > longestToken ? undefined : listIn(text)
  if (Array.isArray(list) && list.length <= mostRegions && list.every(isWritten)) return list.map(([region, hub, version]) => [region, { hub, version }])
  throw new HubError('VALIDATION_ERROR', `${sessionHeader} is "${text.slice(0, 40)}", which no hub gave out. Send the one of the last answer to a write as it is, or none.`, { field: sessionHeader })
}

function listIn(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    return undefined // no JSON: refused with the sentence for all that is no token
  }
}

function isWritten(item: unknown): item is [string, string, Version] {
  if (!Array.isArray(item) || item.length !== 3) return false
  const [region, hub, version] = item as unknown[]
  return typeof region === 'string' && /^(\*|[A-Za-z][A-Za-z0-9_]{0,62})$/.test(region) && typeof hub === 'string' && /^[\w-]{0,16}$/.test(hub) && (version === null || Number.isSafeInteger(version))
}
