import { createHash, timingSafeEqual } from 'node:crypto'
import type { Identity } from './identity.ts'
import type { ApiKeySettings } from './settings.ts'

interface Known {
  readonly hash: Buffer
  readonly identity: Identity
}

/** Keys known by their hash. The look-up compares every one, so its time says nothing about which is near. */
export class ApiKeys {
  readonly #known: readonly Known[]

  constructor(keys: readonly ApiKeySettings[]) {
    this.#known = keys.map(({ id, sha256, tenant, scopes }) => ({
      hash: Buffer.from(sha256, 'hex'),
      identity: { tenant, caller: { subject: id, scopes: new Set(scopes) } },
    }))
  }

  get size(): number {
    return this.#known.length
  }

  find(key: string): Identity | undefined {
    const hash = createHash('sha256').update(key).digest()
    let found: Identity | undefined
    for (const known of this.#known) if (timingSafeEqual(known.hash, hash)) found = known.identity
    return found
  }
}
