import { createHash } from 'node:crypto'
import { SignJWT } from 'jose'
import { createAuthenticator, isLoopback } from '../../../gateway/auth/authenticator.ts'
import { authSettings } from '../../../gateway/auth/settings.ts'
import { type Issuer, openIssuer } from '../../support/oidc-issuer.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

const clock = new MovedClock()
let issuer: Issuer
beforeAll(async () => {
  issuer = await openIssuer(() => clock.now())
})
afterAll(() => issuer.close())

const key = 'k-4711'
const sha256 = createHash('sha256').update(key).digest('hex')
const { log } = testScope()
const authenticator = (oidc: object = {}, apiKeys: object[] = []) =>
  createAuthenticator(authSettings.parse({ oidc: { issuer: issuer.url, audience: 'tributary', keysCooldownSeconds: 0, ...oidc }, apiKeys }), { host: '0.0.0.0', clock, log })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const nowSeconds = () => Math.floor(clock.now() / 1000)

describe('a bearer token', () => {
  test('of the issuer says who calls, for which tenant, with which scopes, until when', async () => {
    const found = await authenticator().authenticate(bearer(await issuer.sign({ scope: 'regions:read regions:write' })))
    expect(found).toEqual({ tenant: 'acme', caller: { subject: 'ann', scopes: new Set(['regions:read', 'regions:write']) }, expiresAtMs: (nowSeconds() + 305) * 1000 })
  })

  test('may name tenant and scopes in other claims', async () => {
    const auth = authenticator({ tenantClaim: 'org.name', scopesClaim: 'https://example.com/roles' })
    const found = await auth.authenticate(bearer(await issuer.sign({ org: { name: 'umbrella' }, 'https://example.com/roles': ['a:read', 7, 'b:read'] })))
    expect([found.tenant, [...found.caller.scopes]]).toEqual(['umbrella', ['a:read', 'b:read']])
  })

  test.each<[string, () => Promise<string> | string, string, RegExp]>([
    ['that has expired', () => issuer.sign({ exp: nowSeconds() - 6 }), 'UNAUTHENTICATED', /expired/],
    ['that is not valid yet', () => issuer.sign({ nbf: nowSeconds() + 60 }), 'UNAUTHENTICATED', /"nbf"/],
    ['without an end', () => issuer.sign({ exp: undefined }), 'UNAUTHENTICATED', /"exp" is missing/],
    ['without a subject', () => issuer.sign({ sub: undefined }), 'UNAUTHENTICATED', /"sub" is missing/],
    ['for another audience', () => issuer.sign({ aud: 'other' }), 'UNAUTHENTICATED', /"aud"/],
    ['of another issuer', () => issuer.sign({ iss: 'https://evil.example' }), 'UNAUTHENTICATED', /"iss"/],
    ['without a tenant', () => issuer.sign({ tenant: undefined }), 'FORBIDDEN', /"tenant" is absent/],
    ['with a tenant that is a path', () => issuer.sign({ tenant: '../other' }), 'FORBIDDEN', /is no tenant/],
    ['with a tenant that is empty', () => issuer.sign({ tenant: '' }), 'FORBIDDEN', /is no tenant/],
    ['signed by somebody else under the issuer\'s key id', () => issuer.sign({}, { foreignKey: true }), 'UNAUTHENTICATED', /signature/],
    ['signed with a key nobody publishes', () => issuer.sign({}, { kid: 'unknown' }), 'UNAUTHENTICATED', /does not publish/],
    ['that says alg none', () => `${base64({ alg: 'none' })}.${base64({ iss: issuer.url, aud: 'tributary', sub: 'eve', tenant: 'acme', exp: nowSeconds() + 300 })}.`, 'UNAUTHENTICATED', /token/],
    [
      'signed with HS256 and the public key as its secret',
      async () => new SignJWT({ iss: issuer.url, aud: 'tributary', sub: 'eve', tenant: 'acme', exp: nowSeconds() + 300 }).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(new TextEncoder().encode(await issuer.publicPem())),
      'UNAUTHENTICATED', /algorithm/,
    ],
    ['that is no token', () => 'abc', 'UNAUTHENTICATED', /not a signed/],
    ['of ten thousand characters', () => 'x'.repeat(10_000), 'UNAUTHENTICATED', /10000 characters/],
  ])('%s is refused', async (_what, token, code, sentence) => {
    const refused = authenticator().authenticate(bearer(await token()))
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(sentence) })
  })

  test('is taken within the tolerance of clocks, and no longer', async () => {
    const auth = authenticator({ clockToleranceSeconds: 10 })
    await expect(auth.authenticate(bearer(await issuer.sign({ exp: nowSeconds() - 9 })))).resolves.toMatchObject({ tenant: 'acme' })
    await expect(auth.authenticate(bearer(await issuer.sign({ exp: nowSeconds() - 10 })))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test('is verified once as long as it lasts, and not taken a moment longer', async () => {
    const auth = authenticator({ clockToleranceSeconds: 5 })
    const verify = crypto.subtle.verify.bind(crypto.subtle)
    let verified = 0
    crypto.subtle.verify = (...given: Parameters<typeof verify>) => {
      verified += 1
      return verify(...given)
    }
    try {
      const token = await issuer.sign({ exp: nowSeconds() + 60 })
      // The first one fetches the keys, and is not remembered for that.
      await auth.authenticate(bearer(await issuer.sign({})))
      verified = 0
      const found = await auth.authenticate(bearer(token))
      for (let turn = 0; turn < 5; turn++) expect(await auth.authenticate(bearer(token))).toBe(found)
      expect(verified).toBe(1)
      await expect(auth.authenticate(bearer(`${token}x`))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
      await clock.advance(64_000)
      await expect(auth.authenticate(bearer(token))).resolves.toMatchObject({ tenant: 'acme' })
      await clock.advance(1_000)
      await expect(auth.authenticate(bearer(token))).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringContaining('expired') })
    } finally {
      crypto.subtle.verify = verify
    }
  })

  test('altered after it was signed is refused', async () => {
    const [head, , signature] = (await issuer.sign({})).split('.')
    const forged = `${head}.${base64({ iss: issuer.url, aud: 'tributary', sub: 'ann', tenant: 'other', exp: nowSeconds() + 300 })}.${signature}`
    await expect(authenticator().authenticate(bearer(forged))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })
})

describe('the issuer\'s keys', () => {
  test('are fetched once for many tokens, again when a token names a new one, and old ones stop counting', async () => {
    const auth = authenticator()
    const before = issuer.fetches()
    const old = await issuer.sign({})
    await Promise.all([auth.authenticate(bearer(old)), auth.authenticate(bearer(old))])
    await auth.authenticate(bearer(old))
    expect(issuer.fetches() - before).toBe(1)
    await issuer.rotate()
    await auth.authenticate(bearer(await issuer.sign({})))
    expect(issuer.fetches() - before).toBe(2)
    await expect(auth.authenticate(bearer(old))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test('are not fetched for every token with an unknown key', async () => {
    const auth = authenticator({ keysCooldownSeconds: 3_600 })
    await auth.authenticate(bearer(await issuer.sign({})))
    const before = issuer.fetches()
    for (const kid of ['a', 'b', 'c', 'd']) await auth.authenticate(bearer(await issuer.sign({}, { kid }))).catch(() => undefined)
    expect(issuer.fetches()).toBe(before)
  })

  test('that cannot be had are the issuer\'s failure, not the caller\'s, and are asked for again', async () => {
    const auth = authenticator()
    const token = await issuer.sign({})
    issuer.down = true
    await expect(auth.authenticate(bearer(token))).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    issuer.down = false
    await expect(auth.authenticate(bearer(token))).resolves.toMatchObject({ tenant: 'acme' })
  })

  test('of an issuer that speaks for another are refused', async () => {
    await expect(authenticator({ issuer: `${issuer.url}/` }).authenticate(bearer(await issuer.sign({})))).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('speaks for') })
  })
})

describe('an API key', () => {
  const auth = () => authenticator({}, [{ id: 'loader', sha256, tenant: 'acme', scopes: ['regions:write'] }])

  test.each([{ apiKey: key }, { authorization: `ApiKey ${key}` }, { authorization: `apikey ${key}` }])('is taken as %j', async credentials => {
    const keys = auth()
    const expected = { tenant: 'acme', caller: { subject: 'loader', scopes: new Set(['regions:write']) } }
    expect([await keys.authenticate(credentials), await keys.authenticate(credentials)]).toEqual([expected, expected])
    await expect(keys.authenticate({ apiKey: `${key} ` })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test.each([
    [{ apiKey: 'other' }, /not known/],
    [{ apiKey: sha256 }, /not known/],
    [{}, /does not say who calls/],
    [{ authorization: 'Basic YTpi' }, /no way to authenticate/],
    [{ authorization: 'Bearer' }, /a scheme and one proof/],
    [{ authorization: 'Bearer a.b.c', apiKey: key }, /Send one/],
  ])('%j is refused', async (credentials, sentence) => {
    await expect(auth().authenticate(credentials)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringMatching(sentence) })
  })

  test('challenges name the ways in, and the reason without breaking the header', () => {
    expect(auth().challenge()).toBe('Bearer realm="tributary", ApiKey realm="tributary"')
    expect(auth().challenge('a "b"\r\nc')).toContain('error_description="a \'b\'\'\'c"')
  })
})

describe('an open hub', () => {
  const open = (host: string) => createAuthenticator(authSettings.parse({}), { host, clock, log })

  test('lets everybody in on the loopback, as the tenant public with every scope, and says so', async () => {
    const scope = testScope()
    const auth = createAuthenticator(authSettings.parse({}), { host: '127.0.0.1', clock, log: scope.log })
    const { tenant, caller } = await auth.authenticate({})
    expect([auth.open, tenant, caller.subject, caller.scopes.has('anything:at-all')]).toEqual([true, 'public', 'anonymous', true])
    expect(scope.entries).toMatchObject([{ level: 'warn', message: expect.stringContaining('The hub is open') }])
  })

  test.each(['0.0.0.0', '::', '192.168.1.7', 'hub.example', '127.evil.example', 'localhost.evil.example'])('refuses to listen on %s, and says what to do', host => {
    expect(isLoopback(host)).toBe(false)
    expect(() => open(host)).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR', message: expect.stringContaining('OIDC issuer or API keys') }))
  })

  test.each(['localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]'])('%s is the loopback', host => {
    expect(isLoopback(host)).toBe(true)
  })
})

test('algorithms that share a secret, and none, cannot be allowed', () => {
  for (const algorithm of ['HS256', 'none']) expect(authSettings.safeParse({ oidc: { issuer: 'https://a.example', audience: 'x', algorithms: [algorithm] } }).success).toBe(false)
})
