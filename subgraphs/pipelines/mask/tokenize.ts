import { createHash, createHmac } from 'node:crypto'
import type { Scope } from '../../../connectors/ports/scope.ts'
import type { TokenVault } from '../../../connectors/ports/token-vault.ts'
import { HubError } from '../../../schema/errors.ts'
import { isForm } from './characters.ts'
import { decrypt, encrypt, type Use } from './encrypt.ts'
import type { KeyRing, Purpose } from './keys.ts'

export interface TokenForm {
  /** A digit for each digit, a letter of the same case for each letter, punctuation as it is, where the text is neither too long for that nor too short. */
  readonly keepFormat: boolean
}

const tokenBytes = 16
/** A text with more characters gets a token of the usual form. */
const longestFormat = 256
/** How many tokens that keep the format are tried, before the text is too short for one of its own. */
const formatTries = 32

/**
 * A token for each text, in order: `tok_<key id>_<22 letters>`, or one that keeps the format. The same text has the same token under the same key, within a tenant, whoever asks, whenever.
 * A token never has the text in it, and leads back by the vault alone, which is told of new ones before they are answered: two round trips more than for those that are known.
 *
 * Tokens that keep the format are as few as texts of that format: among 100,000 of 9 digits about five pairs would share one. Before a token is anybody's the vault is therefore asked whose
 * it is, and who comes second gets the next one of his. Text that is not well-formed Unicode is the same as the text with U+FFFD in its place.
 */
export async function tokenize(scope: Scope, vault: TokenVault, ring: KeyRing, texts: readonly string[], form: TokenForm = { keepFormat: false }): Promise<readonly string[]> {
  const wanted = texts.map(text => text.toWellFormed())
  const tokens = new Map<string, string>()
  for (let nth = 0; ; nth++) {
    const without = [...new Set(wanted)].filter(text => !tokens.has(text))
    if (without.length === 0) return wanted.flatMap(text => tokens.get(text) ?? [])
    const candidates = without.flatMap(text => candidateOf(ring, text, nth, form) ?? [])
    for (const { text, token } of await claimed(scope, vault, ring, candidates)) tokens.set(text, token)
  }
}

interface Candidate {
  readonly text: string
  readonly token: string
  readonly keepsFormat: boolean
}

/** Those whose token is theirs: it was before, or nobody had it and it is now. */
async function claimed(scope: Scope, vault: TokenVault, ring: KeyRing, candidates: readonly Candidate[]): Promise<readonly Candidate[]> {
  const before = await vault.find(scope, candidates.map(({ token }) => token))
  const known = candidates.filter((candidate, place) => isOf(scope, ring, candidate, before[place]))
  const unclaimed = candidates.filter((_, place) => before[place] === undefined)
  if (unclaimed.length === 0) return known
  const own = unclaimed.map(({ text, token }) => ({ token, sealed: encrypt(ring, text, entryOf(scope, token)) }))
  await vault.put(scope, own)
  // Another text may have been first, of this batch or of another hub.
  const after = await vault.find(scope, own.map(({ token }) => token))
  if (after.includes(undefined)) throw new HubError('UPSTREAM_REJECTED', 'The token vault does not have what was put into it.')
  return [...known, ...unclaimed.filter((candidate, place) => after[place] === own[place]?.sealed || isOf(scope, ring, candidate, after[place]))]
}

function isOf(scope: Scope, ring: KeyRing, { text, token, keepsFormat }: Candidate, sealed: string | undefined): boolean {
  if (sealed === undefined) return false
  try {
    return decrypt(ring, sealed, entryOf(scope, token)) === text
  } catch (error) {
    // Under other keys other texts have the same formats. A token of the usual form can only be the text's own, and then its entry was altered.
    if (keepsFormat) return false
    throw error
  }
}

/** An entry opens in its own place alone. */
export function entryOf({ tenant }: Scope, token: string): Use {
  return { purpose: 'vault', boundTo: JSON.stringify([tenant, token]) }
}

/** The nth token a text may have; undefined where that would show the text. */
function candidateOf(ring: KeyRing, text: string, nth: number, { keepFormat }: TokenForm): Candidate | undefined {
  const prefix = `tok_${ring.current}_`
  const kept = keepFormat && nth < formatTries ? formatted(ring, text, nth) : undefined
  const token = kept ?? prefix + digest(ring, 'token', text, nth).subarray(0, tokenBytes).toString('base64url')
  // What every token begins with shows nothing.
  const shows = token.includes(text) && !prefix.includes(text)
  return shows ? undefined : { text, token, keepsFormat: kept !== undefined }
}

/** Undefined where the text has no format, or is too long. */
function formatted(ring: KeyRing, text: string, nth: number): string | undefined {
  const characters = [...text]
  if (characters.length > longestFormat || characters.every(isForm)) return undefined
  const stream = createHash('shake256', { outputLength: 4 * characters.length }).update(digest(ring, 'format', text, nth)).digest()
  return characters.map((character, place) => (isForm(character) ? character : letterLike(character, stream.readUInt32BE(4 * place)))).join('')
}

const alphabets: readonly (readonly [of: RegExp, letters: string])[] = [[/\p{Nd}/u, '0123456789'], [/\p{Lu}|\p{Lt}/u, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'], [/./su, 'abcdefghijklmnopqrstuvwxyz']]

function letterLike(character: string, random: number): string {
  const [, letters = ''] = alphabets.find(([of]) => of.test(character)) ?? []
  return letters.charAt(random % letters.length)
}

function digest(ring: KeyRing, purpose: Extract<Purpose, 'token' | 'format'>, text: string, nth: number): Buffer {
  return createHmac('sha256', ring.currentKey(purpose)).update(`${nth}:${text}`).digest()
}
