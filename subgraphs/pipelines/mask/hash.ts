import { createHmac } from 'node:crypto'
import type { KeyRing } from './keys.ts'

/**
 * `h1.<key id>.<HMAC-SHA-256 of the text, base64url>`. Equal texts are equal afterwards, as long as the current key is; who does not have it cannot try
 * out what a hash was made of, however few values there are.
 */
export function hash(ring: KeyRing, text: string): string {
  return `h1.${ring.current}.${createHmac('sha256', ring.currentKey('hash')).update(text).digest('base64url')}`
}
