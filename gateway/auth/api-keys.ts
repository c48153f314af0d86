import { hash, timingSafeEqual } from 'node:crypto'
import type { Identity } from './identity.ts'
import type { ApiKeySettings } from './settings.ts'

interface Known {
  readonly sha256: Buffer
  readonly identity: Identity
}

/**
 * Keys known by their hash. The look-up compares every one, so its time says nothing about which is near. Those that were presented are remembered as they came, and found by a hash
 * that differs from process to process.
 */
export class ApiKeys {
  readonly #known: readonly Known[]
  readonly #presented = new Map<string, Identity>()

  constructor(keys: readonly ApiKeySettings[]) {
    this.#known = keys.map(({ id, sha256, tenant, scopes }) => ({
      sha256: Buffer.from(sha256, 'hex'),
      identity: { tenant, caller: { subject: id, scopes: new Set(scopes) } },
    }))
  }

  get size(): number {
    return this.#known.length
  }

  find(key: string): Identity | undefined {
    const presented = this.#presented.get(key)
    if (presented) return presented
    const sha256 = hash('sha256', key, 'buffer')
    let found: Identity | undefined
    for (const known of this.#known) if (timingSafeEqual(known.sha256, sha256)) found = known.identity
    if (found) this.#presented.set(key, found)
    return found
  }
}
