import { openSqliteTokenVault, type OpenedTokenVault } from '../../../connectors/token-vault/index.ts'
import { environmentSecrets, openSecrets } from '../../../connectors/secrets/index.ts'
import type { Context } from '../../../resolvers/context.ts'
import { maskerOf, readKeyRing, tokenize } from '../../../subgraphs/pipelines/mask/index.ts'
import type { Registry } from '../../../subgraphs/pipelines/registry.ts'
import { revealFields } from '../../../subgraphs/pipelines/reveal-fields.ts'
import type { RunParts } from '../../../subgraphs/pipelines/run/parts.ts'
import { testScope, type TestScope } from '../../support/scope.ts'

const key = Buffer.alloc(32, 7).toString('base64')
const ring = readKeyRing('mask', key)
const auditor = (scopes: readonly string[] = ['mask:reveal'], tenant?: string) => testScope({ caller: { subject: 'ann', scopes: new Set(scopes) }, ...(tenant !== undefined && { tenant }) })

let vault: OpenedTokenVault
beforeEach(async () => {
  vault = await openSqliteTokenVault({ file: ':memory:' })
})
afterEach(() => vault.close())

type Asked = Readonly<Record<string, unknown>>
const detokenize = async (asked: Asked, scope: TestScope = auditor(), log: Pick<OpenedTokenVault, 'append' | 'attempts'> = vault) => {
  const parts = { vault, secrets: openSecrets([environmentSecrets({ TRIBUTARY_SECRET_MASK: key, TRIBUTARY_SECRET_OTHER: Buffer.alloc(32, 8).toString('base64'), TRIBUTARY_SECRET_CRM: 'ann:secret' })]) } as unknown as RunParts
  const registry: Registry = { pipelines: async () => [{ application: 'shop', id: 'p', file: 'p.xml', xml: '', findings: [] }], jobs: async () => [], partsOf: async () => parts }
  const field = revealFields({ registry, reveals: log })['Mutation']?.['detokenize'] as (parent: unknown, args: Asked, context: Context) => Promise<unknown>
  return field(undefined, { app: 'shop', reason: 'case 7', ...asked }, { scope } as unknown as Context)
}
const tokensOf = (texts: readonly string[], keepFormat = false) => tokenize(testScope(), vault, ring, texts, { keepFormat })

test('D-25 D-63 tokens and encrypted values are told in the order asked, with their key, and who asked is kept', async () => {
  const [ada, ben] = await tokensOf(['ada@example.org', '123-45-6789'], true)
  const sealed = maskerOf('encrypt', ring)('carl')
  const scope = auditor()
  expect(await detokenize({ tokens: [sealed, ben, ada] }, scope)).toEqual([{ token: sealed, value: 'carl', key: 'mask 1' }, { token: ben, value: '123-45-6789', key: 'mask 1' }, { token: ada, value: 'ada@example.org', key: 'mask 1' }])
  const kept = await vault.attempts(scope, 10)
  expect(kept).toEqual([{ application: 'shop', outcome: 'REVEALED', reason: 'case 7', count: 3, keys: ['mask 1'], hashes: [expect.stringMatching(/^[\w-]{43}$/), expect.any(String), expect.any(String)], actor: 'ann', requestId: scope.requestId, atMs: scope.clock.now() }])
  const text = JSON.stringify([kept, scope.entries])
  for (const secret of ['carl', '123-45-6789', 'ada@example.org', sealed, ada, ben]) expect(text).not.toContain(secret)
})

test('D-63 without the scope nothing is told, and the attempt is kept', async () => {
  const tokens = await tokensOf(['ada'])
  await expect(detokenize({ tokens }, auditor(['pipeline:read', 'pipeline:run']))).rejects.toMatchObject({ code: 'FORBIDDEN', message: '"ann" lacks the scope "mask:reveal" for the application "shop". Ask for a token that carries it, or a role that has it.' })
  expect(await vault.attempts(testScope(), 10)).toEqual([expect.objectContaining({ outcome: 'FORBIDDEN', actor: 'ann', count: 1, keys: [] })])
})

test('D-63 an attempt is kept also of a caller who leaves, and of one who asks for more than is answered', async () => {
  const gone = auditor([])
  gone.abort()
  await expect(detokenize({ tokens: ['tok_1_x'], reason: 'r'.repeat(5_000) }, gone)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  await expect(detokenize({ tokens: Array.from({ length: 1_001 }, (_, nth) => `tok_1_${nth}`) })).rejects.toMatchObject({ code: 'VALIDATION_ERROR', message: 'There are 1001 tokens; 1 to 1000 may be asked for at a time.' })
  const kept = await vault.attempts(testScope(), 10)
  expect(kept.map(({ outcome, count, reason, hashes }) => [outcome, count, reason.length, hashes.length]).sort()).toEqual([['FORBIDDEN', 1, 1_000, 1], ['VALIDATION_ERROR', 1_001, 6, 1_000]])
})

test('D-63 where the attempt cannot be kept, nothing is told', async () => {
  const tokens = await tokensOf(['ada'])
  const full = { attempts: vault.attempts, append: async () => { throw new Error('the disk is full') } }
  await expect(detokenize({ tokens }, auditor(), full)).rejects.toThrow('the disk is full')
})

test('D-63 of unknown tokens the count is told, none of them, and no known one is opened', async () => {
  const [ada = ''] = await tokensOf(['ada'])
  const failure = await detokenize({ tokens: [ada, 'tok_1_nobody', 'ada'] }).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'NOT_FOUND', message: expect.stringMatching(/^2 of 3 tokens are not known here, and none was opened\./) })
  expect(JSON.stringify([failure, (failure as Error).message])).not.toMatch(/ada|nobody/)
  await expect(detokenize({ tokens: [ada] }, auditor(['mask:reveal'], 'another'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await vault.attempts(testScope(), 10)).toEqual([expect.objectContaining({ outcome: 'NOT_FOUND', count: 3, keys: [] })])
})

test('D-66 an encrypted value that was altered is refused, and with it all others', async () => {
  const [sealed, other] = [maskerOf('encrypt', ring)('carl'), maskerOf('encrypt', ring)('dora')]
  const altered = `${sealed.slice(0, -8)}${sealed.at(-8) === 'A' ? 'B' : 'A'}${sealed.slice(-7)}`
  const failure = await detokenize({ tokens: [other, altered] }).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'VALIDATION_ERROR' })
  expect(String(failure)).not.toMatch(/carl|dora|e1\./)
  expect(await vault.attempts(testScope(), 10)).toEqual([expect.objectContaining({ outcome: 'VALIDATION_ERROR', count: 2 })])
})

test.each([
  [{ reason: ' ' }, 'VALIDATION_ERROR', /^The reason has no text/],
  [{ reason: 'r'.repeat(1_001) }, 'VALIDATION_ERROR', /^The reason has 1001 characters/],
  [{ tokens: [] }, 'VALIDATION_ERROR', /^There are 0 tokens/],
  [{ app: 'shp' }, 'NOT_FOUND', /^There is no application "shp" with pipelines\. Did you mean "shop"\?/],
  [{ secretRef: 'none' }, 'NOT_FOUND', /^There is no secret "none"/],
  [{ secretRef: '../../etc/passwd' }, 'NOT_FOUND', /^There is no secret/],
  [{ secretRef: 'crm' }, 'VALIDATION_ERROR', /^Secret "crm" is neither a key nor JSON with keys/],
  [{ secretRef: 'other' }, 'VALIDATION_ERROR', /^The value was altered, moved from elsewhere, or encrypted with another key/],
])('D-63 %j is refused', async (asked, code, message) => {
  const tokens = await tokensOf(['ada'])
  await expect(detokenize({ tokens, ...asked })).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
})
