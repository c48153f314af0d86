import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { HubError } from '../../../schema/errors.ts'

/** What a key is for. Each purpose has a key of its own, made of the one that was given, so that what one of them shows says nothing of the others. */
export type Purpose = 'hash' | 'encrypt' | 'token' | 'format' | 'vault'

/** Keys by their ids, one of which new values get. Printing a ring shows none of them. */
export interface KeyRing {
  /** Id of the key new values get. */
  readonly current: string
  currentKey(purpose: Purpose): KeyObject
  /** Undefined: the ring has no key of this id. */
  key(purpose: Purpose, id: string): KeyObject | undefined
}

/** As a key id stands in masked values. */
export const keyIdPattern = '[A-Za-z0-9_-]{1,32}'

const keyBytes = 32
const howToMake = `A key is ${keyBytes} random bytes as base64 or hex; "openssl rand -base64 ${keyBytes}" makes one.`

/**
 * Keys in the text of a secret: one key, whose id is `1`, or `{"current": "k2", "keys": {"k1": "…", "k2": "…"}}`, where k1 still opens what it closed before k2 came.
 * A key is 32 bytes as base64, base64url or hex. A text that is neither → VALIDATION_ERROR, which names the secret and shows nothing of it.
 */
export function readKeyRing(name: string, text: string): KeyRing {
  const trimmed = text.trim()
  if (trimmed.startsWith('{')) return several(name, trimmed)
  const key = keyIn(trimmed)
  if (!key) throw new HubError('VALIDATION_ERROR', `Secret "${name}" is neither a key nor JSON with keys. ${howToMake}`, { secret: name })
  return ringOf('1', new Map([['1', key]]), key)
}

function several(name: string, text: string): KeyRing {
  const wrong = (why: string) => new HubError('VALIDATION_ERROR', `Secret "${name}" ${why}`, { secret: name })
  // What JSON.parse says repeats some of the text, so it travels neither as the message nor as the cause.
  const read = parsed(text)
  if (read === undefined) throw wrong('begins as JSON does, and is not JSON.')
  const { current, keys: given } = read
  if (!isObject(given) || Object.keys(given).length === 0) throw wrong('has no keys: {"current": "k1", "keys": {"k1": "…"}} is expected.')

  const keys = new Map<string, KeyObject>()
  for (const [id, value] of Object.entries(given)) {
    if (!new RegExp(`^${keyIdPattern}$`).test(id)) throw wrong('has a key whose id is none: 1 to 32 letters, digits, "_" and "-" are.')
    const key = typeof value === 'string' ? keyIn(value.trim()) : undefined
    if (!key) throw wrong(`has no key under "${id}". ${howToMake}`)
    keys.set(id, key)
  }
  const key = typeof current === 'string' ? keys.get(current) : undefined
  if (typeof current !== 'string' || !key) throw wrong(`does not say which of its keys new values get: "current" has to be one of ${[...keys.keys()].join(', ')}.`)
  return ringOf(current, keys, key)
}

function ringOf(current: string, keys: ReadonlyMap<string, KeyObject>, currentKey: KeyObject): KeyRing {
  const made = new Map<string, KeyObject>()
  const keyOf = (purpose: Purpose, id: string, key: KeyObject): KeyObject => {
    const use = `tributary mask ${purpose} ${id}`
    const known = made.get(use)
    if (known) return known
    const own = createSecretKey(Buffer.from(hkdfSync('sha256', key, '', use, keyBytes)))
    made.set(use, own)
    return own
  }
  return {
    current,
    currentKey: purpose => keyOf(purpose, current, currentKey),
    key(purpose, id) {
      const key = keys.get(id)
      return key && keyOf(purpose, id, key)
    },
  }
}

function keyIn(text: string): KeyObject | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return createSecretKey(Buffer.from(text, 'hex'))
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? createSecretKey(Buffer.from(text, 'base64')) : undefined
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
