import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'
import { HubError } from '../../../schema/errors.ts'
import { type KeyRing, keyIdPattern, type Purpose } from './keys.ts'

/** What something is encrypted for. It opens for the same alone. */
export interface Use {
  readonly purpose: Extract<Purpose, 'encrypt' | 'vault'>
  /** What it belongs to. */
  readonly boundTo: string
}

const values: Use = { purpose: 'encrypt', boundTo: '' }

const algorithm = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16
const form = new RegExp(`^e1\\.(${keyIdPattern})\\.([A-Za-z0-9_-]+)$`)

/**
 * AES-256-GCM under the current key. Equal texts differ afterwards.
 *
 * e1.<key id>.<base64url of what follows>
 *   nonce      : 12 bytes, random
 *   cipherText : as many bytes as the text has in UTF-8
 *   tag        : 16 bytes, over the cipher text, `e1.<key id>.` and what it is bound to
 *
 * With random nonces a key is good for 2^32 texts (NIST SP 800-38D, 8.3); then make another the current one.
 */
export function encrypt(ring: KeyRing, text: string, { purpose, boundTo }: Use = values): string {
  const head = `e1.${ring.current}.`
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, ring.currentKey(purpose), nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(head + boundTo))
  return head + Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

/** The text, by the key the value names. A key the ring does not have → NOT_FOUND; a value that was altered, or is none → VALIDATION_ERROR, and nothing of the text. */
export function decrypt(ring: KeyRing, value: string, { purpose, boundTo }: Use = values): string {
  const [, id = '', body = ''] = form.exec(value) ?? []
  const bytes = Buffer.from(body, 'base64url')
  // The last letter has bits that stand for nothing; another letter there would otherwise be the same value.
  if (bytes.length < nonceBytes + tagBytes || bytes.toString('base64url') !== body) throw new HubError('VALIDATION_ERROR', 'The value is not an encrypted one, or not all of it: e1.<key id>.<base64url> is expected.')
  const key = ring.key(purpose, id)
  if (!key) throw new HubError('NOT_FOUND', `The value was encrypted with key "${id}", which is not among the keys. Add it to them; "${ring.current}" stays the current one.`, { keyId: id })
  return Buffer.concat(opened(key, id, bytes, boundTo)).toString()
}

/** Id of the key a value says it was encrypted with; undefined: it is of no encrypted value's form. */
export function encryptedBy(value: string): string | undefined {
  return form.exec(value)?.[1]
}

function opened(key: KeyObject, id: string, bytes: Buffer, boundTo: string): readonly Buffer[] {
  const end = bytes.length - tagBytes
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes }).setAAD(Buffer.from(`e1.${id}.${boundTo}`)).setAuthTag(bytes.subarray(end))
  try {
    return [decipher.update(bytes.subarray(nonceBytes, end)), decipher.final()]
  } catch (cause) {
    throw new HubError('VALIDATION_ERROR', `The value was altered, moved from elsewhere, or encrypted with another key that is called "${id}" as well.`, { keyId: id }, { cause })
  }
}
