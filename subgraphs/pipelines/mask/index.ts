import { HubError } from '../../../schema/errors.ts'
import { encrypt } from './encrypt.ts'
import { hash } from './hash.ts'
import type { KeyRing } from './keys.ts'
import { redact } from './redact.ts'

export { decrypt } from './encrypt.ts'
export { type KeyRing, readKeyRing } from './keys.ts'
export { reveal, type Revealed } from './reveal.ts'
export { type TokenForm, tokenize } from './tokenize.ts'

export const maskStrategies = ['tokenize', 'hash', 'redact', 'encrypt'] as const
export type MaskStrategy = (typeof maskStrategies)[number]

/** What stands in the place of a text. */
export type Masker = (text: string) => string

const keyed: Readonly<Record<Exclude<MaskStrategy, 'tokenize' | 'redact'>, (ring: KeyRing, text: string) => string>> = { hash, encrypt }

/** Masks one text after the other by a strategy that needs nothing else; tokens need the vault, see `tokenize`. `redact` takes no key; without one the others → VALIDATION_ERROR. */
export function maskerOf(strategy: Exclude<MaskStrategy, 'tokenize'>, ring: KeyRing | undefined): Masker {
  if (strategy === 'redact') return redact
  if (!ring) throw new HubError('VALIDATION_ERROR', `Strategy "${strategy}" needs a key, and there is none. Name one by "secretRef", or give the application one.`, { strategy })
  const mask = keyed[strategy]
  return text => mask(ring, text)
}
