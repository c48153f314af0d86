import type { Scope } from '../../../connectors/ports/scope.ts'
import type { TokenVault } from '../../../connectors/ports/token-vault.ts'
import { HubError } from '../../../schema/errors.ts'
import { decrypt, encryptedBy } from './encrypt.ts'
import type { KeyRing } from './keys.ts'
import { entryOf } from './tokenize.ts'

export interface Revealed {
  readonly value: string
  /** Of the key it was masked with. */
  readonly keyId: string
}

/**
 * What tokens and encrypted values stand for, in order; all of them, or none. What nobody was given and is no encrypted value → NOT_FOUND that says how many; one whose key the ring does not have, or that was altered,
 * as `decrypt`. No message has any of them in it.
 */
export async function reveal(scope: Scope, vault: TokenVault, ring: KeyRing, masked: readonly string[]): Promise<readonly Revealed[]> {
  const sealed = await vault.find(scope, masked)
  const unknown = masked.filter((value, place) => sealed[place] === undefined && encryptedBy(value) === undefined).length
  if (unknown > 0) throw new HubError('NOT_FOUND', `${unknown} of ${masked.length} tokens ${unknown === 1 ? 'is' : 'are'} not known here, and none was opened. A token is known to the tenant whose data it was made of, exactly as it was made.`, { unknown })
  return masked.map((value, place) => {
    const own = sealed[place]
    return { value: own === undefined ? decrypt(ring, value) : decrypt(ring, own, entryOf(scope, value)), keyId: encryptedBy(own ?? value) ?? ring.current }
  })
}
