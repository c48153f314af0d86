import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Problem } from '../../../schema/errors.ts'
import { options, readConfig, wantsColor, type Environment } from '../../../gateway/config.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const read = (argv: readonly string[] = [], env: Environment = {}) => readConfig(argv, env, folder)

function refused(argv: readonly string[], env: Environment = {}): readonly Problem[] {
  try {
    read(argv, env)
  } catch (error) {
    expect(error).toMatchObject({ code: 'VALIDATION_ERROR' })
    return (error as { details: { problems: readonly Problem[] } }).details.problems
  }
  throw new Error('It was taken.')
}

test('without anything said the hub listens on the loopback, port 8080, with data beside it', () => {
  expect(read()).toMatchObject({ host: '127.0.0.1', port: 8080, data: join(folder, 'data'), logLevel: 'info', maxBodyBytes: 1_048_576, introspection: true, limits: { maxDepth: 15 }, defaults: { evictionSize: 10_000_000, consistency: 'STRONG', backups: 1 } })
  expect(read().catalog).toBeUndefined()
})

test('a flag wins over the environment, the environment over the file, the file over the default', () => {
  writeFileSync(join(folder, 'tributary.yaml'), 'port: 1001\nlimits:\n  maxDepth: 7\n  maxAliases: 8\nhost: 127.0.0.2\n')
  const env = { HUB_PORT: '1002', HUB_LIMITS__MAX_DEPTH: '9' }
  expect(read()).toMatchObject({ port: 1001, limits: { maxDepth: 7, maxAliases: 8, maxFields: 2000 } })
  expect(read([], env)).toMatchObject({ port: 1002, host: '127.0.0.2', limits: { maxDepth: 9, maxAliases: 8 } })
  expect(read(['--port', '1003', '--limits-max-aliases=3'], env)).toMatchObject({ port: 1003, limits: { maxDepth: 9, maxAliases: 3 } })
})

test('the file is the one of --config, else of HUB_CONFIG, else tributary.yaml', () => {
  for (const name of ['tributary.yaml', 'env.yaml', 'flag.yaml']) writeFileSync(join(folder, name), `logLevel: ${{ 'tributary.yaml': 'warn', 'env.yaml': 'error', 'flag.yaml': 'debug' }[name]}\n`)
  expect(read().logLevel).toBe('warn')
  expect(read([], { HUB_CONFIG: 'env.yaml' }).logLevel).toBe('error')
  expect(read(['--config', 'flag.yaml'], { HUB_CONFIG: 'env.yaml' }).logLevel).toBe('debug')
  expect(refused(['--config', 'none.yaml'])).toEqual([{ path: '', message: 'The file cannot be read (ENOENT).', file: 'none.yaml' }])
})

test('paths in a file are relative to it, those of flags and variables to the working directory, and hub.yaml is found by itself', () => {
  const other = mkdtempSync(join(tmpdir(), 'config-'))
  writeFileSync(join(other, 'c.yaml'), 'catalog: my/hub.yaml\ndata: kept\napi: { sourceFolders: [lake, /srv] }\n')
  expect(read(['--config', join(other, 'c.yaml')])).toMatchObject({ catalog: join(other, 'my/hub.yaml'), data: join(other, 'kept'), api: { sourceFolders: [join(other, 'lake'), '/srv'] } })
  expect(read(['--api-source-folders', 'lake,/srv'])).toMatchObject({ api: { sourceFolders: [join(folder, 'lake'), '/srv'], secrets: [], hosts: [] } })
  expect(read(['--config', join(other, 'c.yaml'), '--data', 'here'])).toMatchObject({ data: join(folder, 'here') })
  rmSync(other, { recursive: true })
  writeFileSync(join(folder, 'hub.yaml'), '')
  expect(read().catalog).toBe(join(folder, 'hub.yaml'))
  expect(read([], { HUB_CATALOG: 'x.yaml' }).catalog).toBe(join(folder, 'x.yaml'))
})

test('unknown options, variables and keys are refused at once, each with the nearest name', () => {
  writeFileSync(join(folder, 'tributary.yaml'), 'prt: 1\nlimits:\n  maxDepht: 3\n')
  expect(refused(['--prot', '1'], { HUB_PROT: '1', HUB_LIMITS__MAX_DEPHT: '2', PATH: '/bin', OTHER: 'x' })).toEqual([
    { path: '--prot', message: 'Unknown option "--prot". Did you mean "--port"?' },
    { path: '1', message: '"1" is not an option; options begin with "--".' },
    { path: 'prt', message: 'Unknown key "prt". Did you mean "port"?', file: 'tributary.yaml', line: 1, column: 1 },
    { path: 'limits.maxDepht', message: 'Unknown key "maxDepht". Did you mean "maxDepth"?', file: 'tributary.yaml', line: 3, column: 3 },
    { path: 'HUB_PROT', message: 'Unknown variable HUB_PROT. Did you mean "HUB_PORT"?' },
    { path: 'HUB_LIMITS__MAX_DEPHT', message: expect.stringContaining('Unknown variable HUB_LIMITS__MAX_DEPHT. Did you mean "HUB_LIMITS__MAX_DEPTH"') },
  ])
})

test('D-84 D-85 what notices of jobs go through is set under pipelines, and what could not be is refused', () => {
  expect(read([], { HUB_PIPELINES__SMTP_URL: 'smtp://u:p@mail:587', HUB_PIPELINES__SMTP_FROM: 'hub@example.org', HUB_PIPELINES__WEBHOOK_ALLOW: 'reader.local,10.1.0.0/16', HUB_PIPELINES__SMTP_REQUIRE_TLS: 'false' }).pipelines).toMatchObject({ smtpUrl: 'smtp://u:p@mail:587', smtpFrom: 'hub@example.org', smtpRequireTls: false, webhookAllow: ['reader.local', '10.1.0.0/16'] })
  expect(read().pipelines).toMatchObject({ webhookAllow: [] })
  const wrong = refused([], { HUB_PIPELINES__SMTP_URL: 'mail:587', HUB_PIPELINES__SMTP_FROM: 'hub', HUB_PIPELINES__WEBHOOK_SECRET: 'short', HUB_PIPELINES__CONSOLE_URL: 'hub.example' })
  expect(wrong.map(({ path, message }) => [path, message])).toEqual([
    ['HUB_PIPELINES__SMTP_URL', expect.stringContaining('is not of the form smtp://user:password@host:587')], ['HUB_PIPELINES__SMTP_FROM', expect.stringContaining('"hub" is not an address')],
    ['HUB_PIPELINES__WEBHOOK_SECRET', expect.stringContaining('is too short')], ['HUB_PIPELINES__CONSOLE_URL', expect.stringContaining('"hub.example" is not the address of a console')],
  ])
})

test('a value that is not taken is quoted with what is, under the name it was given by', () => {
  writeFileSync(join(folder, 'tributary.yaml'), 'introspection: maybe\nlimits: 5\n')
  expect(refused(['--port', '70000', '--log-level=inf'], { HUB_MAX_BODY_BYTES: 'abc' })).toEqual([
    { path: '--log-level', message: '--log-level: "inf" is not one of "debug", "info", "warn", "error" or "silent". Did you mean "info"?' },
    { path: '--port', message: '--port: 70000 is not at most 65535.' },
    { path: 'HUB_MAX_BODY_BYTES', message: 'HUB_MAX_BODY_BYTES: "abc" is not a number.' },
    { path: 'introspection', message: '"maybe" is not true or false.', file: 'tributary.yaml', line: 1, column: 16 },
    { path: 'limits', message: '5 is not a map.', file: 'tributary.yaml', line: 2, column: 9 },
  ])
})

test('H-27 an invalid DIH_DEFAULT_CONSISTENCY is refused with the variable and the allowed values', () => {
  expect(read([], { DIH_DEFAULT_CONSISTENCY: 'SESSION' }).defaults.consistency).toBe('SESSION')
  expect(refused([], { DIH_DEFAULT_CONSISTENCY: 'STRANG' })).toEqual([
    { path: 'DIH_DEFAULT_CONSISTENCY', message: 'DIH_DEFAULT_CONSISTENCY: "STRANG" is not one of "EVENTUAL", "STRONG", "BOUNDED_STALENESS" or "SESSION". Did you mean "STRONG"?' },
  ])
})

test('H-69 H-70 DIH_DEFAULT_BACKUPS and DIH_DEFAULT_EVICTION_SIZE are whole numbers within their bounds', () => {
  expect(read([], { DIH_DEFAULT_EVICTION_SIZE: '5', DIH_DEFAULT_BACKUPS: '0' }).defaults).toMatchObject({ evictionSize: 5, backups: 0 })
  for (const text of ['0', '-1', '1.5', 'many']) expect(refused([], { DIH_DEFAULT_EVICTION_SIZE: text })).toEqual([expect.objectContaining({ path: 'DIH_DEFAULT_EVICTION_SIZE' })])
  for (const text of ['-1', '0.5', 'x']) expect(refused([], { DIH_DEFAULT_BACKUPS: text })).toEqual([expect.objectContaining({ path: 'DIH_DEFAULT_BACKUPS' })])
})

test('an empty variable counts as unset', () => {
  expect(read([], { HUB_PORT: '', HUB_NONSENSE: '' }).port).toBe(8080)
})

test('switches are set with and without a value, lists by commas', () => {
  expect(read(['--no-explorer', '--introspection=false', '--cors-origins', 'https://a.example, https://b.example'])).toMatchObject({ explorer: false, introspection: false, corsOrigins: ['https://a.example', 'https://b.example'] })
  expect(read([], { HUB_EXPLORER: 'off', HUB_INTROSPECTION: '1' })).toMatchObject({ explorer: false, introspection: true })
  expect(refused(['--explorer=constructor'])).toEqual([{ path: '--explorer', message: '--explorer: "constructor" is not true or false.' }])
  expect(refused(['--port'])).toEqual([{ path: '--port', message: 'Option "--port" needs a value.' }])
})

test('API keys and trusted documents may stand in files of their own', () => {
  const sha = 'a'.repeat(64)
  writeFileSync(join(folder, 'keys.yaml'), `- { id: ci, sha256: ${sha}, tenant: acme, scopes: [cache:read] }\n`)
  writeFileSync(join(folder, 'trusted.json'), JSON.stringify({ [sha]: '{ __typename }' }))
  const config = read(['--auth-api-keys-file', 'keys.yaml', '--persisted-trusted-file=trusted.json', '--persisted-mode', 'only'])
  expect(config.auth.apiKeys).toEqual([{ id: 'ci', sha256: sha, tenant: 'acme', scopes: ['cache:read'] }])
  expect(config.persisted).toMatchObject({ mode: 'only', trusted: { [sha]: '{ __typename }' } })

  writeFileSync(join(folder, 'keys.yaml'), '- { id: ci, sha256: short, tenant: acme }\n')
  const [problem] = refused(['--auth-api-keys-file', 'keys.yaml'])
  expect(problem).toMatchObject({ path: 'auth.apiKeys[0].sha256', file: join(folder, 'keys.yaml'), line: 1, column: 21 })
  expect(problem?.message).not.toContain('short')
})

test('an issuer set by variables alone is a whole one or refused', () => {
  expect(read([], { HUB_AUTH__OIDC__ISSUER: 'https://id.example', HUB_AUTH__OIDC__AUDIENCE: 'hub' }).auth.oidc).toMatchObject({ issuer: 'https://id.example', audience: ['hub'], tenantClaim: 'tenant' })
  expect(refused([], { HUB_AUTH__OIDC__ISSUER: 'https://id.example' })).toEqual([{ path: 'auth.oidc.audience', message: 'auth.oidc.audience: "audience" is missing; expected text or a list.' }])
})

test('every setting has one flag, one variable and a sentence', () => {
  for (const member of ['flag', 'variable'] as const) expect(new Set(options.map(option => option[member])).size).toBe(options.length)
  expect(options.filter(option => option.description === '').map(option => option.path.join('.'))).toEqual([])
})

test('a number given by flag, variable or file is the same setting', () => {
  const numbers = options.filter(option => option.kind === 'number' && option.path[0] === 'limits')
  fc.assert(
    fc.property(fc.constantFrom(...numbers), fc.integer({ min: 1, max: 1e6 }), (option, value) => {
      writeFileSync(join(folder, 'tributary.yaml'), `limits:\n  ${option.path[1]}: ${value}\n`)
      const byFile = read()
      rmSync(join(folder, 'tributary.yaml'))
      expect(read([], { [option.variable]: String(value) })).toEqual(byFile)
      expect(read([`${option.flag}=${value}`])).toEqual(byFile)
      expect(byFile.limits).toHaveProperty(option.path[1] ?? '', value)
    }),
    { numRuns: 25 },
  )
})

test('NO_COLOR, a dumb terminal and a pipe are spared styles', () => {
  expect(wantsColor({}, true)).toBe(true)
  expect(wantsColor({ NO_COLOR: '1' }, true)).toBe(false)
  expect(wantsColor({ TERM: 'dumb' }, true)).toBe(false)
  expect(wantsColor({}, false)).toBe(false)
})

test('H-67 nodes of Ignite are named one by one, in the order of their numbers; what is no node is refused by its name', () => {
  const { engines } = read([], { IGNITE_HOST_10: 'ignite-2.ignite', IGNITE_HOST_1: 'ignite-0.ignite', IGNITE_HOST_2: '127.0.0.1:10801', IGNITE_USER: 'hub', IGNITE_PASSWORD: 'secret' })
  expect(engines).toMatchObject({ igniteHosts: ['ignite-0.ignite', '127.0.0.1:10801', 'ignite-2.ignite'], igniteUser: 'hub', igniteNamespace: 'tributary' })
  expect(read([], {}).engines.igniteHosts).toBeUndefined()
  for (const bad of ['ignite:0', 'ignite:65536', 'ignite-0 ignite-1', 'http://ignite', ':10800', '-x']) {
    expect(refused([], { IGNITE_HOST_1: bad })).toEqual([{ path: 'IGNITE_HOST_1', message: expect.stringContaining(`"${bad}" is not a node`) }])
  }
  expect(refused([], { IGNITE_HOST: 'ignite' })).toEqual([{ path: 'IGNITE_HOST', message: expect.stringContaining('IGNITE_HOST_1, IGNITE_HOST_2') }])
})

test('H-04 a configured cluster is never silently replaced by the embedded engine', () => {
  expect(read([], { IGNITE_HOST_1: 'ignite-0.ignite' }).engines.igniteHosts).toEqual(['ignite-0.ignite'])
  expect(read([], { TRINO_URL: 'http://trino:8080', TRINO_USER: 'hub' }).engines).toMatchObject({ trinoUrl: 'http://trino:8080', trinoUser: 'hub' })
  expect(refused([], { TRINO_URL: 'trino:8080', POSTGRES_URL: 'mysql://db/hub' })).toEqual([{ path: 'POSTGRES_URL', message: expect.stringContaining('postgresql://') }, { path: 'TRINO_URL', message: expect.stringContaining('"trino:8080"') }])
  expect(read([], { TRINO_URL: '', IGNITE_HOME: '/opt/ignite' }).port).toBe(8080)
})
