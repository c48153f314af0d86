import { createHmac, timingSafeEqual } from 'node:crypto'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { inspect, promisify } from 'node:util'
import { webhookNotifier, type WebhookOptions } from '../../../connectors/notify/webhook.ts'
import { HubError } from '../../../schema/errors.ts'
import type { Json } from '../../../schema/values.ts'
import { type RawHttp, rawHttp } from '../../support/raw-http.ts'
import { testScope } from '../../support/scope.ts'

const secret = 'wh-secret'
const loopback = { secret, allow: ['127.0.0.1'] }
const failure = (work: Promise<unknown>): Promise<HubError> => work.then(() => { throw new Error('It did not fail.') }, error => error)
const send = (url: string, options: WebhookOptions = loopback, { scope = testScope(), body = { state: 'FAILED' } as Json } = {}) => webhookNotifier(options).send(scope, { kind: 'webhook', id: 'run-7.failure', url, body })
const status = (line: string, head = '', body = '') => `HTTP/1.1 ${line}\r\n${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

let reader: RawHttp
beforeEach(async () => {
  reader = await rawHttp()
  reader.answer = ({ socket }) => socket.write(status('204 No Content'))
})
afterEach(() => reader.close())
const hook = (path = '/services/T0/B1/tok3n?key=k3y') => new URL(path, reader.origin).href

test('D-85: a webhook is a POST of JSON that says which notice it is, and its signature is the HMAC of time and body', async () => {
  const scope = testScope()
  const body = { run: 'run-7', job: 'nächtlich', state: 'FAILED', durationSeconds: 4.5, error: null, link: 'https://hub.example/runs/7' }
  await send(hook(), loopback, { scope, body })
  const [{ head, body: sent } = { head: '', body: Buffer.alloc(0) }] = reader.requests
  const header = (name: string) => new RegExp(`\r\n${name}: ([^\r]*)`, 'i').exec(head)?.[1] ?? ''
  expect(head.split('\r\n')[0]).toBe('POST /services/T0/B1/tok3n?key=k3y HTTP/1.1')
  expect(JSON.parse(sent.toString())).toEqual(body)
  expect(['content-type', 'x-notice-id', 'x-request-id', 'host'].map(header)).toEqual(['application/json', 'run-7.failure', 'run-7.failure', reader.origin.host])
  // As a reader would do it.
  const timestamp = header('x-signature-timestamp')
  expect(Number(timestamp)).toBe(scope.clock.now() / 1000)
  const expected = createHmac('sha256', secret).update(Buffer.concat([Buffer.from(`${timestamp}.`), sent])).digest()
  const [scheme, given = ''] = header('x-signature').split('=')
  expect([scheme, timingSafeEqual(Buffer.from(given, 'hex'), expected)]).toEqual(['sha256', true])
  await reader.left()
})

test('D-85: a signature is what openssl makes of time and body', async () => {
  await send(hook(), { ...loopback, secret: 'key' }, { body: { a: 1 } })
  const printed = execFileSync('openssl', ['dgst', '-sha256', '-hmac', 'key'], { input: '1767225600.{"a":1}', encoding: 'utf8' })
  expect(reader.requests[0]?.head).toContain(`X-Signature: sha256=${printed.trim().split(' ').at(-1)}\r\n`)
})

describe('D-85: what is not of the internet is refused, however it is written', () => {
  const inner = [
    '127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.1', '017700000001', '0177.0.0.1', '127.0.0.1.', '%31%32%37.0.0.1', '１２７.0.0.1', '127。0。0。1', '0', '0.0.0.0', '[::]', '[::1]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '[::ffff:0:127.0.0.1]',
    '10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254', '2852039166', '[::ffff:169.254.169.254]', '[fd00:ec2::254]', '[fe80::1]', '[fc00::1]', '100.64.0.1', '100.100.100.200', '168.63.129.16', '192.0.0.192', '224.0.0.1', '[ff02::1]', '255.255.255.255', 'localhost', 'localhost.', 'LOCALHOST',
  ]
  test.each(inner)('%s', async host => {
    const refused = await failure(send(`http://${host}:${reader.origin.port}/tok3n`, { secret }))
    expect(refused).toMatchObject({ code: 'FORBIDDEN', details: { host: expect.any(String) } })
    expect(refused.message).toMatch(/^"[^"]+" leads to an address that is .*, where nothing is sent to\. .* the operator adds the host, or a range of addresses, to pipelines\.webhookAllow\.$/)
    expect(inspect(refused)).not.toContain('tok3n')
    expect(reader.connections).toBe(0)
  })
})

test('D-85: a host is refused for any one of its addresses, and which one it is stays here', async () => {
  for (const found of [['10.1.2.3'], ['8.8.8.8', '10.1.2.3'], ['127.0.0.1', '::ffff:10.1.2.3'], ['2606:4700::1', 'fe80::1%eth0']]) {
    const refused = await failure(send('https://hooks.example/x', { ...loopback, resolve: async () => found }))
    expect(refused).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('"hooks.example"') })
    expect(refused.message + JSON.stringify(refused.details)).not.toMatch(/10\.1\.2\.3|fe80/)
  }
})

test('D-85: a name that changes its address is connected to where it was when it was checked', async () => {
  const asked: string[] = []
  // No other resolver knows the name.
  const resolve = async (host: string) => [asked.push(host) === 1 ? '127.0.0.1' : '10.1.2.3']
  await send(`http://rebind.example:${reader.origin.port}/`, { ...loopback, resolve })
  expect([asked, reader.requests.length]).toEqual([['rebind.example'], 1])
  expect(reader.requests[0]?.head).toContain(`\r\nHost: rebind.example:${reader.origin.port}\r\n`)
  expect(await failure(send(`http://rebind.example:${reader.origin.port}/`, { ...loopback, resolve }))).toMatchObject({ code: 'FORBIDDEN' })
  expect([asked.length, reader.connections]).toEqual([2, 1])
})

test('a host is reached at the next of its addresses where the first does not answer', async () => {
  await send(`http://hooks.example:${reader.origin.port}/`, { secret, allow: ['127.0.0.0/8'], resolve: async () => ['127.0.0.9', '127.0.0.1'] })
  expect(reader.requests).toHaveLength(1)
})

test('D-85: what the operator allows is reached: hosts with any address, addresses and ranges under any name', async () => {
  const { port } = reader.origin
  const resolve = async () => ['127.0.0.1']
  for (const [host, allow] of [['hooks.internal', 'hooks.internal'], ['HOOKS.internal.', 'hooks.Internal'], ['hooks.internal', '127.0.0.0/8'], ['127.1', '127.0.0.1'], ['[::ffff:127.0.0.1]', '127.0.0.1'], ['bücher.example', 'bücher.example']] as const) await send(`http://${host}:${port}/`, { secret, allow: [allow], resolve })
  expect(reader.requests).toHaveLength(6)
  for (const [host, allow] of [['hooks.internal', 'internal'], ['a.hooks.internal', 'hooks.internal'], ['hooks.internal', '127.0.0.2'], ['hooks.internal', '128.0.0.0/8'], ['hooks.internal', '::/0']] as const) expect(await failure(send(`http://${host}:${port}/`, { secret, allow: [allow], resolve }))).toMatchObject({ code: 'FORBIDDEN' })
  for (const allow of ['*.internal', 'http://hooks.internal', 'hooks.internal:80', '10.0.0.0/33', '', 'a b', '[::1]']) expect(() => webhookNotifier({ secret, allow: [allow] })).toThrow(`"${allow}" in pipelines.webhookAllow is neither a host nor a range of addresses`)
})

test('D-85: a redirect is not followed', async () => {
  const inner = await rawHttp()
  for (const line of ['301 Moved', '302 Found', '303 See Other', '307 Temporary Redirect', '308 Permanent Redirect']) {
    reader.answer = ({ socket }) => socket.write(status(line, `location: ${inner.origin.href}\r\n`))
    expect(await failure(send(hook()))).toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('not followed') })
  }
  expect([reader.requests.length, inner.connections]).toEqual([5, 0])
  await inner.close()
})

test('D-85: a status says whether a notice arrived, may be sent again, or is refused', async () => {
  const outcome = async (line: string, head = '') => {
    reader.answer = ({ socket }) => socket.write(status(line, head, 'tok3n'))
    return await send(hook()).then(() => 'ok', ({ code, details }: HubError) => [code, details['retryAfterMs']])
  }
  for (const line of ['200 OK', '201 Created', '202 Accepted']) expect(await outcome(line)).toBe('ok')
  for (const line of ['408 Timeout', '425 Too Early', '429 Too Many Requests', '500 Oops', '502 Bad Gateway', '503 Unavailable', '504 Timeout', '599 X']) expect([line, await outcome(line)]).toEqual([line, ['UPSTREAM_UNAVAILABLE', undefined]])
  for (const line of ['304 Not Modified', '400 Bad Request', '401 Unauthorized', '403 Forbidden', '404 Not Found', '410 Gone', '413 Too Large', '422 Unprocessable']) expect([line, await outcome(line)]).toEqual([line, ['UPSTREAM_REJECTED', undefined]])
  expect(await outcome('429 Too Many Requests', 'retry-after: 120\r\n')).toEqual(['UPSTREAM_UNAVAILABLE', 120_000])
  expect(await outcome('503 Unavailable', 'retry-after: Thu, 01 Jan 2026 00:00:30 GMT\r\n')).toEqual(['UPSTREAM_UNAVAILABLE', 30_000])
  expect(await outcome('503 Unavailable', 'retry-after: Thu, 01 Jan 2015 00:00:30 GMT\r\n')).toEqual(['UPSTREAM_UNAVAILABLE', 0])
  for (const odd of ['soon', '-1', '1e9', '99999999999999']) expect(await outcome('503 Unavailable', `retry-after: ${odd}\r\n`)).toEqual(['UPSTREAM_UNAVAILABLE', undefined])
})

test('D-107: the URL of a hook is a secret: what fails names its host only', async () => {
  const answers: ((write: (text: string) => void, end: () => void) => void)[] = [
    write => write(status('404 Not Found', '', 'no hook /services/T0/B1/tok3n')), write => write(status('500 Oops')), write => write(status('302 Found', 'location: /tok3n\r\n')), (_write, end) => end(), write => write('nonsense\r\n\r\n'), write => write(`HTTP/1.1 200 OK\r\nx: ${'tok3n'.repeat(10_000)}`),
  ]
  for (const answer of answers) {
    reader.answer = ({ socket }) => answer(text => socket.write(text), () => socket.destroy())
    const scope = testScope()
    const failed = await failure(send(hook(), loopback, { scope }))
    expect(failed.message).toContain(reader.origin.host)
    expect(failed.message + JSON.stringify(failed.details) + inspect(failed, { depth: 9 }) + JSON.stringify(scope.entries)).not.toMatch(/tok3n|k3y|wh-secret/)
  }
  for (const url of ['ftp://hooks.example/tok3n', 'hooks.example/tok3n', 'file:///tok3n', 'http://', 'https://me:tok3n@hooks.example/']) {
    const refused = await failure(send(url))
    expect([url, refused.code]).toEqual([url, 'VALIDATION_ERROR'])
    expect(refused.message).not.toContain('tok3n')
  }
  expect(await failure(webhookNotifier(loopback).send(testScope(), { kind: 'webhook', id: 'a\r\nX-Signature: b', url: hook(), body: null }))).toMatchObject({ code: 'VALIDATION_ERROR' })
  expect(() => webhookNotifier({ secret: '' })).toThrow('is empty')
})

test('a reader that is not there, or breaks off, gave no answer', async () => {
  const gone = await rawHttp()
  await gone.close()
  expect(await failure(send(gone.origin.href))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: `The webhook at ${gone.origin.host} gave no answer (ECONNREFUSED).` })
  reader.answer = ({ socket }) => socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
  expect(await failure(send(hook()))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  for (const resolve of [async () => [], async () => ['nonsense'], async () => { throw new Error('ENOTFOUND') }]) expect(await failure(send('http://hooks.example/', { secret, resolve }))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('"hooks.example"') })
})

test('who does not answer in time is given up, and so is a name that is not found in time', async () => {
  reader.answer = () => {}
  expect(await failure(send(hook(), { ...loopback, timeoutMs: 50 }))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('not within 50 ms') })
  expect(await failure(send('http://hooks.example/', { secret, timeoutMs: 50, resolve: () => new Promise(() => {}) }))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('not within 50 ms') })
  await reader.left()
})

test("the caller's signal ends a notice on its way, with its reason", async () => {
  reader.answer = () => {}
  const scope = testScope()
  const sending = failure(send(hook(), loopback, { scope }))
  await reader.asked(1)
  scope.abort(new HubError('CANCELLED', 'The client left.'))
  expect(await sending).toMatchObject({ code: 'CANCELLED' })
  expect(await failure(send(hook(), loopback, { scope }))).toMatchObject({ code: 'CANCELLED' })
  await reader.left()
  expect(reader.requests).toHaveLength(1)
})

test('an answer is read to its end or to 64 KiB, and what it says beside its status counts nothing', async () => {
  const part = Buffer.alloc(16 * 1024, 'x')
  let written = 0
  reader.answer = ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n')
    const more = () => { while (socket.writable && socket.write(part)) written += part.length }
    socket.on('drain', more)
    more()
  }
  await send(hook())
  await reader.left()
  // What stood in the buffers of both ends comes on top.
  expect(written).toBeLessThan(64 * 1024 * 1024)
  reader.answer = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n')
  await send(hook())
  reader.answer = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nslow')
  await send(hook(), { ...loopback, timeoutMs: 50 })
  await reader.left()
})

test('a reader that answers before it has read the notice is not sent the rest', async () => {
  const held = Promise.withResolvers<Socket>()
  const hasty = createServer(socket => {
    socket.once('data', () => {
      socket.pause()
      socket.write(status('202 Accepted'))
      held.resolve(socket)
    })
  })
  await new Promise<void>(done => hasty.listen(0, '127.0.0.1', done))
  const body = 'x'.repeat(64 * 1024 * 1024)
  await send(`http://127.0.0.1:${(hasty.address() as AddressInfo).port}/`, loopback, { body })
  const socket = await held.promise
  const closed = new Promise(done => socket.on('error', () => {}).on('close', done))
  socket.resume()
  await closed
  expect(socket.bytesRead).toBeLessThan(body.length)
  await new Promise(done => hasty.close(done))
})

describe('over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-webhook-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=hooks.example', '-addext', 'subjectAltName=DNS:hooks.example', '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const names: (string | false | undefined)[] = []
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    names.push((request.socket as { servername?: string | false }).servername)
    response.writeHead(204).end()
  })
  const trusted = getCACertificates('default')
  let port: number
  beforeAll(async () => {
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    port = (server.address() as AddressInfo).port
  })
  afterEach(() => setDefaultCACertificates(trusted))
  afterAll(async () => {
    await new Promise(done => server.close(done))
    rmSync(folder, { recursive: true })
  })
  const resolve = async () => ['127.0.0.1']

  test('a certificate is checked, also where the environment says that none is', async () => {
    const program = `
      import { webhookNotifier } from './connectors/notify/webhook.ts'
      const scope = { signal: new AbortController().signal, clock: { now: () => 0 } }
      const notice = { kind: 'webhook', id: '1', url: 'https://hooks.example:${port}/', body: null }
      const notifier = webhookNotifier({ secret: 'x', allow: ['127.0.0.1'], resolve: async () => ['127.0.0.1'] })
      await notifier.send(scope, notice).then(() => console.log('sent'), error => console.log(error.message))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' } })
    expect(stdout.trim()).toBe(`The webhook at hooks.example:${port} gave no answer (DEPTH_ZERO_SELF_SIGNED_CERT).`)
    expect(names).toEqual([])
  })

  test("it has to be the name's, though the connection goes to an address", async () => {
    setDefaultCACertificates([...trusted, readFileSync(cert, 'utf8')])
    await send(`https://hooks.example:${port}/`, { ...loopback, resolve })
    expect(names).toEqual(['hooks.example'])
    expect(await failure(send(`https://other.example:${port}/`, { ...loopback, resolve }))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID') })
  })
})
