import type { Scope } from '../../connectors/ports/scope.ts'
import type { RevealAttempt, RevealLog } from '../../connectors/ports/reveal-log.ts'
import type { SealedToken, TokenVault } from '../../connectors/ports/token-vault.ts'
import { must } from '../support/conformance.ts'

/** A token vault under test. Two handles on the same data stand for two nodes. */
export interface TokenVaultSubject {
  readonly vault: TokenVault & RevealLog
  readonly other: TokenVault & RevealLog
  scope(tenant?: string): Scope
  /** The same data in a new handle, as after a restart. */
  reopen(): Promise<TokenVault & RevealLog>
  close(): Promise<void>
}

const entry = (token: string, sealed = `sealed ${token}`): SealedToken => ({ token, sealed })
const range = (from: number, to: number, sealed = 'first') => Array.from({ length: to - from }, (_, nth) => entry(`t${from + nth}`, `${sealed} ${from + nth}`))

const attempt: RevealAttempt = { application: 'shop', outcome: 'REVEALED', reason: 'case 7', count: 2, keys: ['mask 1'], hashes: ['a', 'b'] }

export const tokenVaultChecks = [
  must<TokenVaultSubject>('TV01', 'what was put in is found in the order asked, and a token nobody put in is undefined', async ({ vault, scope }) => {
    expect(await vault.find(scope(), ['a'])).toEqual([undefined])
    await vault.put(scope(), [entry('a'), entry('b')])
    expect(await vault.find(scope(), ['b', 'x', 'a', 'b'])).toEqual(['sealed b', undefined, 'sealed a', 'sealed b'])
  }),
  must<TokenVaultSubject>('TV02', 'nothing is asked and nothing is put in without a failure', async ({ vault, scope }) => {
    await vault.put(scope(), [])
    expect(await vault.find(scope(), [])).toEqual([])
  }),
  must<TokenVaultSubject>('TV03', 'a token that is there stays as it is, and those beside it are kept', async ({ vault, other, scope }) => {
    await vault.put(scope(), [entry('a', 'first')])
    await other.put(scope(), [entry('a', 'second'), entry('b', 'second')])
    expect(await vault.find(scope(), ['a', 'b'])).toEqual(['first', 'second'])
  }),
  must<TokenVaultSubject>('TV04', 'of one token twice in a batch one is kept', async ({ vault, scope }) => {
    await vault.put(scope(), [entry('a', 'first'), entry('b'), entry('a', 'second')])
    expect(await vault.find(scope(), ['a', 'b'])).toEqual(['first', 'sealed b'])
  }),
  must<TokenVaultSubject>('TV05', 'tokens are those of a tenant', async ({ vault, scope }) => {
    await vault.put(scope(), [entry('a', 'ours')])
    expect(await vault.find(scope('another'), ['a'])).toEqual([undefined])
    await vault.put(scope('another'), [entry('a', 'theirs')])
    expect(await vault.find(scope(), ['a'])).toEqual(['ours'])
    expect(await vault.find(scope('another'), ['a'])).toEqual(['theirs'])
  }),
  must<TokenVaultSubject>('TV06', 'a batch may be larger than what one statement takes', async ({ vault, scope }) => {
    await vault.put(scope(), range(0, 40_000))
    const found = await vault.find(scope(), range(0, 40_001).map(({ token }) => token))
    expect(found.slice(0, 40_000)).toEqual(range(0, 40_000).map(({ sealed }) => sealed))
    expect(found[40_000]).toBeUndefined()
  }),
  must<TokenVaultSubject>('TV07', 'of many who put the same tokens in at the same time, in any order, one is first with each', async ({ vault, other, scope }) => {
    const mine = range(0, 500, 'mine')
    const theirs = range(0, 500, 'theirs')
    await Promise.all([vault.put(scope(), mine), other.put(scope(), theirs.toReversed()), vault.put(scope(), mine.toReversed()), other.put(scope(), theirs)])
    const found = await vault.find(scope(), mine.map(({ token }) => token))
    expect(found.map(sealed => sealed?.replace(/^(mine|theirs) /, ''))).toEqual(mine.map((_, nth) => String(nth)))
    expect(await other.find(scope(), mine.map(({ token }) => token))).toEqual(found)
  }),
  must<TokenVaultSubject>('TV08', 'what was answered is there after the vault was opened again', async ({ vault, scope, reopen }) => {
    await vault.put(scope(), [entry('a')])
    expect(await (await reopen()).find(scope(), ['a'])).toEqual(['sealed a'])
  }),
  must<TokenVaultSubject>('TV09', 'tokens are compared by every character, whatever they hold, and any text may be asked for', async ({ vault, scope }) => {
    const tokens = ['a', 'A', 'á', 'a\u0301', ' a', 'a ', "a'; DROP TABLE sealed_token; --", '%', '_', '😀', '𝒜-1', '']
    await vault.put(scope(), tokens.map((token, nth) => entry(token, `#${nth}`)))
    expect(await vault.find(scope(), tokens)).toEqual(tokens.map((_, nth) => `#${nth}`))
    expect(await vault.find(scope(), ['a\0', '\0', 'a\n', '\ud800', 'x'.repeat(100_000)])).toEqual(Array.from({ length: 5 }, () => undefined))
  }),
  must<TokenVaultSubject>('TV10', 'tokens may have 1,000 bytes, and what they stand for much more', async ({ vault, scope }) => {
    const token = Array.from({ length: 1_000 }, (_, nth) => String.fromCharCode(33 + ((nth * nth * 31 + nth * 7) % 90))).join('')
    await vault.put(scope(), [entry(token, 'y'.repeat(1_000_000))])
    expect((await vault.find(scope(), [token])).map(sealed => sealed?.length)).toEqual([1_000_000])
  }),
  must<TokenVaultSubject>('TV11', 'a caller who has left is told so, and changes nothing', async ({ vault, scope }) => {
    const left = { ...scope(), signal: AbortSignal.abort(new Error('the client left')) }
    await expect(vault.put(left, [entry('a')])).rejects.toThrow('the client left')
    await expect(vault.find(left, ['a'])).rejects.toThrow('the client left')
    expect(await vault.find(scope(), ['a'])).toEqual([undefined])
  }),
  must<TokenVaultSubject>('TV12', 'attempts to see what is in it are kept, of a tenant, the newest first, with who and when', async ({ vault, other, scope, reopen }) => {
    const early = scope()
    await vault.append(early, attempt)
    const late = { ...scope(), requestId: 'r2', clock: { ...early.clock, now: () => early.clock.now() + 1 }, caller: { subject: 'eve', scopes: new Set<string>() } }
    await other.append(late, { ...attempt, outcome: 'FORBIDDEN', keys: [], reason: 'x\0\ud800' })
    await vault.append(scope('another'), attempt)
    const kept = [
      { ...attempt, outcome: 'FORBIDDEN', keys: [], reason: 'x\ufffd\ufffd', actor: 'eve', requestId: 'r2', atMs: early.clock.now() + 1 },
      { ...attempt, actor: early.caller.subject, requestId: early.requestId, atMs: early.clock.now() },
    ]
    expect(await vault.attempts(scope(), 10)).toEqual(kept)
    expect(await vault.attempts(scope(), 1)).toEqual(kept.slice(0, 1))
    expect(await (await reopen()).attempts(scope(), 10)).toEqual(kept)
  }),
]
