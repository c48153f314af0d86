import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { environmentSecrets, fileSecrets, openSecrets, type SecretProvider, type VaultOptions, vaultSecrets } from '../../connectors/secrets/index.ts'
import type { HubError } from '../../schema/errors.ts'
import { testScope } from '../support/scope.ts'

const read = (provider: SecretProvider, name: string) => provider.find(testScope(), name)
const failure = (work: Promise<unknown>): Promise<HubError> => work.then(() => { throw new Error('It did not fail.') }, error => error)

async function listening(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The system gave no port.')
  return `http://127.0.0.1:${address.port}`
}

/** An address where somebody was a moment ago. */
async function nobody(): Promise<string> {
  const server = createServer()
  const url = await listening(server)
  await new Promise(resolve => server.close(resolve))
  return url
}

test('D-07: a secret is a variable of its name, in upper case, with "_" for what is no letter or digit', async () => {
  const secrets = environmentSecrets({ TRIBUTARY_SECRET_MASK_KEY: 'k', TRIBUTARY_SECRET_TEAM_KEYS_2: 'l', TRIBUTARY_SECRET_EMPTY: '', MASK_KEY: 'another' })
  expect(await Promise.all(['mask_key', 'Mask.Key', 'team/keys#2', 'empty', 'none', '__proto__'].map(name => read(secrets, name)))).toEqual(['k', 'k', 'l', undefined, undefined, undefined])
  expect(secrets.where('team/keys#2')).toBe('variable TRIBUTARY_SECRET_TEAM_KEYS_2')
})

describe('D-07: a secret is a file of a folder', () => {
  let folder: string
  let secrets: SecretProvider
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-secrets-'))
    await mkdir(join(folder, 'secrets'))
    await writeFile(join(folder, 'outside'), 'not to be read')
    secrets = fileSecrets({ folder: join(folder, 'secrets') })
  })
  afterEach(() => rm(folder, { recursive: true }))
  const put = (name: string, content: string | Uint8Array) => writeFile(join(folder, 'secrets', name), content)

  test('it is the text without the line break at its end, and its name is taken literally', async () => {
    await put('a', 'k\n')
    await put('b', ' k \r\n\n')
    await put('c', 'a\nb')
    await put('%2e%2e#x ü', '\ufeffk')
    expect(await Promise.all(['a', 'b', 'c', '%2e%2e#x ü', 'A', 'none', 'x'.repeat(5_000)].map(name => read(secrets, name)))).toEqual(['k', ' k \r\n', 'a\nb', '\ufeffk', undefined, undefined, undefined])
    expect(await read(fileSecrets({ folder: join(folder, 'none') }), 'a')).toBeUndefined()
  })

  test('no name leads out of the folder', async () => {
    for (const name of ['', '.', '..', '../outside', '../secrets/a', `${folder}/outside`, '..\\outside', 'a/../../outside', 'outside\0', '/etc/passwd']) expect(await read(secrets, name)).toBeUndefined()
  })

  test('a link within the folder is followed, as in a Kubernetes volume, and one that leads out is refused', async () => {
    await mkdir(join(folder, 'secrets', '..2026'))
    await put('..2026/key', 'k')
    await symlink('..2026', join(folder, 'secrets', '..data'))
    await symlink('..data/key', join(folder, 'secrets', 'key'))
    expect(await read(secrets, 'key')).toBe('k')
    await symlink('secrets', join(folder, 'link'))
    expect(await read(fileSecrets({ folder: join(folder, 'link') }), 'key')).toBe('k')

    await symlink('../outside', join(folder, 'secrets', 'way-out'))
    await symlink('..', join(folder, 'secrets', 'parent'))
    await symlink(`${join(folder, 'secrets')}-beside`, join(folder, 'secrets', 'beside'))
    await writeFile(join(folder, 'secrets-beside'), 'not to be read')
    for (const name of ['way-out', 'parent', 'beside']) {
      const error = await failure(read(secrets, name))
      expect(error).toMatchObject({ code: 'VALIDATION_ERROR', message: `The file of secret "${name}" is a link that leads out of its folder; put the file itself there.` })
    }
    await symlink('round', join(folder, 'secrets', 'round'))
    expect(await failure(read(secrets, 'round'))).toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('(ELOOP)') })
  })

  test('64 KiB are taken and no more, nor what is no file or no text', async () => {
    await put('most', 'x'.repeat(64 * 1024))
    await put('more', 'x'.repeat(64 * 1024 + 1))
    await put('bytes', Uint8Array.of(0x6b, 0xff, 0x6b))
    await mkdir(join(folder, 'secrets', 'folder'))
    execFileSync('mkfifo', [join(folder, 'secrets', 'pipe')])
    expect(await read(secrets, 'most')).toHaveLength(64 * 1024)
    for (const [name, why] of [['more', 'has more than the 65536 bytes'], ['bytes', 'is not text in UTF-8'], ['folder', 'is not a file'], ['pipe', 'is not a file']] as const) {
      expect(await failure(read(secrets, name))).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining(`"${name}" ${why}`) })
    }
  })
})

describe('D-07: a secret is a field of a secret in Vault', () => {
  const token = 'hvs.CAESIJ-not-to-be-shown'
  const keyOfTeam = 'kept in vault'
  /** By namespace, mount and path, as KV version 2 keeps them; null: its latest version was deleted. */
  const kept: Readonly<Record<string, Readonly<Record<string, unknown>> | null>> = {
    'secret/mask_key': { value: 'k', other: 'o', number: 7, empty: '', constructor: 'c' }, 'secret/team/keys': { value: keyOfTeam }, 'secret/gone': null, 'secret/ü %2e?': { value: 'odd' }, 'eu secret/mask_key': { value: 'k of eu' }, 'team/kv/a': { value: 'm' },
  }
  /** What happens instead of an answer of the engine, by the path of the secret. */
  const instead: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
    sealed: response => response.writeHead(503).end('{"errors":["Vault is sealed"]}'),
    standby: response => response.writeHead(307, { location: '/v1/secret/data/mask_key' }).end(),
    teapot: response => response.writeHead(418).end(`{"errors":["${token}"]}`),
    cut: response => response.destroy(),
    half: response => response.writeHead(200, { 'content-length': '1000' }).write('{"data":', () => response.destroy()),
    silent: () => {},
    version1: response => response.writeHead(200).end('{"data":{"value":"k"}}'),
    html: response => response.writeHead(200).end('<html>'),
    large: response => response.writeHead(200).end(JSON.stringify({ data: { data: { value: 'x'.repeat(2 ** 20) } } })),
  }
  const seen: string[] = []

  /** Reads as Vault's HTTP API documents it: the token before all else, 404 with the metadata of a deleted version, and `{"errors": []}` where there is none. */
  function vault({ method, url: asked = '', headers }: IncomingMessage, response: ServerResponse): void {
    seen.push(`${method} ${asked}`)
    const [, mount = '', path = ''] = /^\/v1\/(.+?)\/data\/(.+)$/.exec(asked) ?? []
    const isKnown = headers['x-vault-token'] === token
    const special = instead[path]
    if (isKnown && special) {
      special(response)
      return
    }
    const [status, body] = isKnown ? answerOf(`${[headers['x-vault-namespace'] ?? []].flat().map(name => `${name} `).join('')}${mount}/${decodeURIComponent(path)}`) : [403, { errors: ['permission denied'] }]
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body))
  }

  function answerOf(key: string): readonly [status: number, body: object] {
    const data = kept[key]
    if (data === undefined) return [404, { errors: [] }]
    const metadata = { created_time: '2026-03-22T02:24:06.945319214Z', custom_metadata: null, deletion_time: data === null ? '2026-03-23T02:24:06.945319214Z' : '', destroyed: false, version: 2 }
    return [data === null ? 404 : 200, { request_id: '7f0a3a1c', lease_id: '', renewable: false, lease_duration: 0, data: { data, metadata }, wrap_info: null, warnings: null, auth: null }]
  }

  const server = createServer(vault)
  let url: string
  beforeAll(async () => {
    url = await listening(server)
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => void seen.splice(0))
  const opened = (options: Partial<VaultOptions> = {}) => vaultSecrets({ url, mount: 'secret', token, ...options })

  test('it is the field behind "#", or "value", of the latest version', async () => {
    expect(await Promise.all(['mask_key', 'mask_key#other', 'mask_key#empty', 'team/keys', 'ü %2e?'].map(name => read(opened(), name)))).toEqual(['k', 'o', '', keyOfTeam, 'odd'])
    expect(await read(opened({ url: `${url}/` }), 'mask_key')).toBe('k')
    expect(seen).toContain('GET /v1/secret/data/team/keys')
  })

  test('the namespace and the mount are those it was given', async () => {
    expect(await read(opened({ namespace: 'eu' }), 'mask_key')).toBe('k of eu')
    expect(await read(opened({ namespace: 'us' }), 'mask_key')).toBeUndefined()
    expect(await read(opened({ mount: 'team/kv' }), 'a')).toBe('m')
  })

  test('a path there is not, a version that was deleted and a field there is not are not there', async () => {
    for (const name of ['none', 'gone', 'mask_key#none', 'mask_key#toString', 'mask_key#__proto__']) expect(await read(opened(), name)).toBeUndefined()
    expect(await read(opened(), 'mask_key#constructor')).toBe('c')
  })

  test('a name that would lead out of the mount is not asked for', async () => {
    for (const name of ['', '..', '../../sys/raw/x', 'a/../../../sys/seal-status', 'a//b', '/mask_key', './mask_key', 'a\ud800']) expect(await read(opened(), name)).toBeUndefined()
    expect(seen).toEqual([])
  })

  test.each([
    ['sealed', 'UPSTREAM_UNAVAILABLE', /answers 503: it is sealed, busy or down/],
    ['standby', 'UPSTREAM_REJECTED', /redirects elsewhere \(307\), which is not followed/],
    ['teapot', 'UPSTREAM_REJECTED', /answered 418 about secret "teapot"/],
    ['cut', 'UPSTREAM_UNAVAILABLE', /gave no answer about secret "cut"/],
    ['half', 'UPSTREAM_UNAVAILABLE', /gave no answer about secret "half"/],
    ['version1', 'UPSTREAM_REJECTED', /another form than that of KV version 2\. Check the version of the engine at secret\./],
    ['html', 'UPSTREAM_REJECTED', /another form/],
    ['large', 'UPSTREAM_REJECTED', /more than 1048576 bytes/],
    ['mask_key#number', 'VALIDATION_ERROR', /Field "number" of secret "mask_key#number" in Vault is not a text\./],
  ])('%s is %s, and neither the token nor a secret is in what is said', async (name, code, message) => {
    const error = await failure(read(opened(), name))
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(token)
    expect(seen.filter(one => one.includes('mask_key'))).toHaveLength(name.startsWith('mask_key') ? 1 : 0)
  })

  test('a token Vault does not take is its refusal, and is not repeated', async () => {
    const error = await failure(read(opened({ token: 'hvs.another' }), 'mask_key'))
    expect(error).toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('does not let the hub read secret "mask_key" (403)') })
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('hvs.')
  })

  test('who waits too long, leaves, or finds nobody is told', async () => {
    expect(await failure(read(opened({ timeoutMs: 50 }), 'silent'))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    const controller = new AbortController()
    const leaving = failure(opened().find({ ...testScope(), signal: controller.signal }, 'silent'))
    controller.abort(new Error('the client left'))
    expect((await leaving).message).toBe('the client left')
    const gone = await nobody()
    expect(await failure(read(opened({ url: gone }), 'mask_key'))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: `Vault at ${new URL(gone).host} gave no answer about secret "mask_key".` })
  })

  test.each([
    [{ url: 'file:///etc/passwd' }, /^The address of Vault is not of the form/],
    [{ url: 'vault.example.org' }, /^The address of Vault is not of the form/],
    [{ url: 'https://root:hidden@vault.example.org' }, /^The address of Vault has a user or a password in it/],
    [{ mount: '../sys' }, /^"\.\.\/sys" is not the mount of an engine/],
    [{ token: 'hidden\n' }, /^The token for Vault is empty, or/],
    [{ token: '' }, /^The token for Vault is empty, or/],
    [{ namespace: 'hidden\r\nx: y' }, /^The namespace of Vault is empty, or/],
  ])('%j is refused when it is set up, and not repeated', (options, expected) => {
    expect(() => opened(options)).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR', message: expect.stringMatching(expected) }))
    expect(() => opened(options)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hidden') }))
  })
})

describe('D-07: secrets in several places', () => {
  const first = environmentSecrets({ TRIBUTARY_SECRET_A: 'a of the first' })
  const second = environmentSecrets({ TRIBUTARY_SECRET_A: 'a of the second', TRIBUTARY_SECRET_B: 'b of the second' })

  test('the first place that has a secret gives it', async () => {
    const secrets = openSecrets([first, second])
    expect(await Promise.all(['a', 'b'].map(name => secrets.read(testScope(), name)))).toEqual(['a of the first', 'b of the second'])
  })

  test('a secret that is nowhere is NOT_FOUND with its name and every place it was looked for in', async () => {
    expect(await failure(openSecrets([first, fileSecrets({ folder: '/run/secrets-of-nobody' })]).read(testScope(), 'mask.key'))).toMatchObject({
      code: 'NOT_FOUND', details: { secret: 'mask.key' },
      message: 'There is no secret "mask.key". It was looked for in variable TRIBUTARY_SECRET_MASK_KEY; in file "mask.key" of the folder "secrets-of-nobody". Put it into one of them.',
    })
    expect(vaultSecrets({ url: 'https://vault.example.org:8200', mount: 'kv', token: 't' }).where('mask#key')).toBe('Vault at vault.example.org:8200, field "key" of kv/mask')
    expect(await failure(openSecrets([]).read(testScope(), 'a'))).toMatchObject({ code: 'NOT_FOUND', message: 'There is no secret "a". No place for secrets is set up here.' })
  })

  test('a place that does not answer ends the search, for it may have had the secret', async () => {
    const secrets = openSecrets([first, vaultSecrets({ url: await nobody(), mount: 'kv', token: 't' }), second])
    expect(await secrets.read(testScope(), 'a')).toBe('a of the first')
    expect(await failure(secrets.read(testScope(), 'b'))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  })

  test('who has left is asked nothing more', async () => {
    await expect(openSecrets([first]).read({ ...testScope(), signal: AbortSignal.abort(new Error('the client left')) }, 'a')).rejects.toThrow('the client left')
  })
})
