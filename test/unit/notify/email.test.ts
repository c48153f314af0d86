import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { inspect } from 'node:util'
import { type EmailOptions, emailNotifier } from '../../../connectors/notify/email.ts'
import { openNotifier } from '../../../connectors/notify/index.ts'
import { HubError } from '../../../schema/errors.ts'
import { testScope } from '../../support/scope.ts'
import { smtpServer, type SmtpServer } from '../../support/smtp.ts'

const failure = (work: Promise<unknown>): Promise<HubError> => work.then(() => { throw new Error('It did not fail.') }, error => error)
const usual = { id: 'run-7.failure', to: ['ops@company.com'], subject: 'Run 7 failed', text: 'Row 4 has no key.\n' }

let server: SmtpServer
beforeEach(async () => { server = await smtpServer() })
afterEach(() => server.close())
const optionsOf = (given: Partial<EmailOptions> = {}): EmailOptions => ({ url: `smtp://127.0.0.1:${server.port}`, from: 'hub@tributary.example', ...given })
const send = (given: Partial<typeof usual> = {}, options = optionsOf(), scope = testScope()) => emailNotifier(options).send(scope, { kind: 'email', ...usual, ...given })

/** Header fields by name in lower case, unfolded, and the text behind them, decoded. */
function read(data: string): { readonly fields: Readonly<Record<string, string>>; readonly text: string } {
  const end = data.indexOf('\r\n\r\n')
  const fields = data.slice(0, end).replace(/\r\n[ \t]+/g, ' ').split('\r\n').map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])
  if (/transfer-encoding: 7bit/i.test(data.slice(0, end))) return { fields: Object.fromEntries(fields), text: data.slice(end + 4) }
  const bytes = data.slice(end + 4).replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return { fields: Object.fromEntries(fields), text: Buffer.from(bytes, 'latin1').toString('utf8') }
}
const last = () => read(server.mails.at(-1)?.data ?? '')

test('D-84: a mail goes to its recipients, from the hub, as plain text', async () => {
  await send({ to: ['ops@company.com', 'night-shift@company.com'] })
  expect(server.mails).toMatchObject([{ from: 'hub@tributary.example', to: ['ops@company.com', 'night-shift@company.com'] }])
  const { fields, text } = last()
  expect(fields).toEqual({
    from: 'hub@tributary.example', to: 'ops@company.com, night-shift@company.com', subject: 'Run 7 failed', date: 'Thu, 01 Jan 2026 00:00:00 +0000', 'message-id': '<run-7%2efailure@tributary.example>',
    'auto-submitted': 'auto-generated', 'mime-version': '1.0', 'content-type': 'text/plain; charset=utf-8', 'content-transfer-encoding': '7bit',
  })
  expect(text.trimEnd()).toBe('Row 4 has no key.')
  await server.left()
})

test('a mail sent again has the same Message-ID, and another notice another one', async () => {
  const ids = ['run-7.failure', 'run-7.failure', 'run-7%2efailure', 'a b', 'ü', '<x>@y', 'ü\r\nBcc: a@b.example']
  for (const id of ids) await send({ id })
  const seen = server.mails.map(({ data }) => read(data).fields['message-id'] ?? '')
  expect(seen[0]).toBe(seen[1])
  expect(new Set(seen).size).toBe(ids.length - 1)
  for (const id of seen) expect(id).toMatch(/^<[\w%-]+@tributary\.example>$/)
})

test('subject and text are Unicode, and no line of the text ends the mail or begins a command', async () => {
  const plain = 'One\r\n.\r\nMAIL FROM:<evil@x.example>\n.\nRCPT TO:<a@b.example>\r.\r\rDATA\n..two dots\n'
  const lines = (one: string) => one.replace(/\r\n|\r|\n/g, '\n').trimEnd()
  for (const text of [plain, `${plain}Größe: 5 µm — 失敗 🛑\0`, plain + 'long '.repeat(300)]) {
    await send({ subject: 'Läufe 🛑 fehlgeschlagen '.repeat(10), text })
    expect(server.mails.at(-1)?.data.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
    expect(lines(last().text)).toBe(lines(text))
  }
  expect([server.mails.length, server.commands.filter(line => /evil|b\.example/.test(line))]).toEqual([3, []])
  const words = [...(last().fields['subject'] ?? '').matchAll(/=\?UTF-8\?([QB])\?([^?]*)\?=/gi)].map(([, coding, word = '']) => (coding?.toUpperCase() === 'B' ? Buffer.from(word, 'base64') : Buffer.from(word.replaceAll('_', ' ').replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1')))
  expect(Buffer.concat(words).toString('utf8').trim()).toBe('Läufe 🛑 fehlgeschlagen '.repeat(10).trim())
})

test('D-84: no subject adds a header', async () => {
  for (const end of ['\r\n', '\n', '\r', '\r\n\r\n', '\u0085', '\u2028', '\0', '\v']) {
    await send({ subject: `Run 7${end}Bcc: victim@x.example${end}X-Evil: 1` })
    expect(Object.keys(last().fields)).not.toEqual(expect.arrayContaining([expect.stringMatching(/bcc|evil/)]))
    expect(last().fields['subject']).toBe('Run 7 Bcc: victim@x.example X-Evil: 1')
  }
  expect(server.mails.flatMap(({ to }) => to).every(to => to === 'ops@company.com')).toBe(true)
})

test('D-84: what is no address, or more than one, is refused before the server hears of it', async () => {
  const wrong = ['', 'ops', '@company.com', 'ops@', 'ops@company.com\r\nBcc: victim@x.example', 'ops@company.com\nRCPT TO:<victim@x.example>', 'ops@company.com>\r\nRCPT TO:<victim@x.example', 'a@b.example, c@d.example', 'Ops <ops@company.com>', '<ops@company.com>', '"a b"@company.com', 'a@b@company.com', 'a b@company.com', 'ops@company..com', 'ops@com\u2028pany.com', 'group:a@b.example;', 'ops(comment)@company.com', 'ops@[127.0.0.1]', `${'x'.repeat(250)}@b.example`]
  for (const address of wrong) {
    expect([address, await failure(send({ to: ['ops@company.com', address] }))]).toEqual([address, expect.objectContaining({ code: 'VALIDATION_ERROR', message: expect.stringContaining(JSON.stringify(address)) })])
    expect(() => emailNotifier(optionsOf({ from: address }))).toThrow('is not a mail address')
  }
  expect(await failure(send({ to: [] }))).toMatchObject({ code: 'VALIDATION_ERROR' })
  expect(server.commands).toEqual([])
  await send({ to: ['ops+night@bücher.example', "jürgen.o'hara@company.com"] })
  expect(server.mails).toMatchObject([{ to: ['ops+night@xn--bcher-kva.example', "jürgen.o'hara@company.com"] }])
})

test('the hub logs in with the user and password of the address', async () => {
  await send({}, optionsOf({ url: `smtp://me%40x:p%3Aw%40d@127.0.0.1:${server.port}`, requireTls: false }))
  const [, proof = ''] = /^AUTH PLAIN (\S+)$/.exec(server.commands.find(line => line.startsWith('AUTH')) ?? '') ?? []
  expect(Buffer.from(proof, 'base64').toString()).toBe('\0me@x\0p:w@d')
  expect(server.mails).toHaveLength(1)
})

test('a password goes over TLS only, unless that is not required', async () => {
  const url = `smtp://me:s3cret@127.0.0.1:${server.port}`
  const refused = await failure(send({}, optionsOf({ url })))
  expect(refused).toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('offers no TLS (502 5.5.1 not here)') })
  expect(server.commands.filter(line => /AUTH|MAIL/.test(line))).toEqual([])
  expect(await failure(send({}, optionsOf({ requireTls: true })))).toMatchObject({ code: 'UPSTREAM_REJECTED' })
})

test('D-84: a server that refuses for good, for now, or is down', async () => {
  const outcome = async (verb: RegExp, reply: string) => {
    server.reply = line => (verb.test(line) ? reply : undefined)
    return await failure(send({}, optionsOf({ url: `smtp://me:s3cret@127.0.0.1:${server.port}`, requireTls: false })))
  }
  expect(await outcome(/^RCPT/, '550 5.1.1 no such\r\nuser.')).toMatchObject({ code: 'UPSTREAM_REJECTED', message: 'The mail server at 127.0.0.1 refused the mail: 550 5.1.1 no such.', details: { host: '127.0.0.1', status: 550 } })
  expect(await outcome(/^RCPT/, '451 4.7.1 greylisted')).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: 'The mail server at 127.0.0.1 does not take the mail now: 451 4.7.1 greylisted.' })
  for (const verb of [/^MAIL/, /^DATA/, /^\.$/, /^connect$/]) {
    expect([verb, (await outcome(verb, '554 5.7.1 policy')).code]).toEqual([verb, 'UPSTREAM_REJECTED'])
    expect([verb, (await outcome(verb, '421 4.3.2 later')).code]).toEqual([verb, 'UPSTREAM_UNAVAILABLE'])
  }
  expect(await outcome(/^AUTH/, '535 5.7.8 wrong')).toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('does not accept the hub\'s user and password (535)') })
  expect(await outcome(/^AUTH/, '454 4.7.0 later')).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  expect(await outcome(/^connect$/, 'nonsense')).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  expect(server.mails).toEqual([])
  const gone = await smtpServer()
  await gone.close()
  expect(await failure(send({}, optionsOf({ url: `smtp://127.0.0.1:${gone.port}` })))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: 'The mail server at 127.0.0.1 gave no answer (ECONNREFUSED). Check that it runs and can be reached from here.' })
})

test('where some of the recipients are refused, it says how many, and the others have their mail', async () => {
  const to = ['a@x.example', 'b@x.example', 'c@x.example']
  server.reply = line => (line.includes('<a@') ? '550 5.1.1 unknown' : undefined)
  expect(await failure(send({ to }))).toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('refused the mail for 1 of 3 recipients: 550') })
  server.reply = line => (line.includes('<a@') ? '550 5.1.1 unknown' : line.includes('<b@') ? '450 4.2.1 busy' : undefined)
  expect(await failure(send({ to }))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('for 2 of 3 recipients: 450') })
  expect(server.mails.map(mail => mail.to)).toEqual([['b@x.example', 'c@x.example'], ['c@x.example']])
})

test('D-107: the password is in no message, whatever the server repeats', async () => {
  const proof = Buffer.from('\0me\0s3cret').toString('base64')
  for (const verb of [/^connect/, /^EHLO/, /^AUTH/, /^MAIL/, /^RCPT/, /^\.$/]) {
    for (const reply of [`535 you said s3cret and ${proof}`, `421 you said s3cret and ${proof}`]) {
      server.reply = line => (verb.test(line) ? reply : undefined)
      const scope = testScope()
      const failed = await failure(send({}, optionsOf({ url: `smtp://me:s3cret@127.0.0.1:${server.port}`, requireTls: false }), scope))
      const shown = failed.message + JSON.stringify(failed.details) + inspect(failed, { depth: 9 }) + JSON.stringify(scope.entries)
      expect([reply, shown]).toEqual([reply, expect.not.stringMatching(/s3cret/)])
      if (verb.test('AUTH')) expect(shown).not.toContain(proof)
    }
  }
  for (const url of ['smtp://me:s3cret@', 'http://me:s3cret@mail.example', 'me:s3cret@mail.example:25', 'smtp://me:s3cret%@mail.example', 'smtp://me:s3cret@mail.example/?tls=no', 'smtp://me:s3c#ret@mail.example', 'smtp://:s3cret@mail.example', 'smtp://mail.example:70000']) {
    let thrown: unknown
    try { emailNotifier(optionsOf({ url })) } catch (error) { thrown = error }
    expect([url, thrown]).toEqual([url, expect.objectContaining({ code: 'VALIDATION_ERROR', message: expect.not.stringMatching(/s3c/) })])
  }
})

test('a server that does not answer in time is given up, wherever it stops', async () => {
  for (const verb of [/^connect$/, /^EHLO/, /^MAIL/, /^DATA/, /^\.$/]) {
    server.reply = line => (verb.test(line) ? '' : undefined)
    expect(await failure(send({}, optionsOf({ timeoutMs: 100 })))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('gave no answer (not within 100 ms)') })
  }
  await server.left()
})

test("the caller's signal ends a mail on its way, with its reason", async () => {
  server.reply = line => (line.startsWith('MAIL') ? '' : undefined)
  const scope = testScope()
  const sending = failure(send({}, optionsOf(), scope))
  await server.said(2)
  scope.abort(new HubError('CANCELLED', 'The client left.'))
  expect(await sending).toMatchObject({ code: 'CANCELLED' })
  expect(await failure(send({}, optionsOf(), scope))).toMatchObject({ code: 'CANCELLED' })
  await server.left()
})

describe('STARTTLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-email-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const trusted = getCACertificates('default')
  let secure: SmtpServer
  beforeAll(async () => { secure = await smtpServer({ tls: { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') } }) })
  afterEach(() => setDefaultCACertificates(trusted))
  afterAll(async () => {
    await secure.close()
    rmSync(folder, { recursive: true })
  })
  const options = () => optionsOf({ url: `smtp://me:s3cret@127.0.0.1:${secure.port}` })

  test('a certificate that is not trusted ends it before anything is said', async () => {
    expect(await failure(send({}, options()))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    expect([secure.mails, secure.commands.filter(line => /AUTH|MAIL/.test(line))]).toEqual([[], []])
  })

  test('the password and the mail go behind it', async () => {
    setDefaultCACertificates([...trusted, readFileSync(cert, 'utf8')])
    await send({}, options())
    expect(secure.mails).toMatchObject([{ isTls: true }])
    expect(secure.commands.findIndex(line => line.startsWith('AUTH'))).toBeGreaterThan(secure.commands.indexOf('STARTTLS'))
  })
})

test('D-84, D-85: a kind that is not set up is refused by the name of its setting', async () => {
  const none = openNotifier({})
  expect(await failure(none.send(testScope(), { kind: 'email', ...usual }))).toMatchObject({ code: 'VALIDATION_ERROR', details: { setting: 'pipelines.smtpUrl' } })
  expect(await failure(none.send(testScope(), { kind: 'webhook', id: '1', url: 'https://hooks.example/', body: null }))).toMatchObject({ code: 'VALIDATION_ERROR', details: { setting: 'pipelines.webhookSecret' } })
  const both = openNotifier({ email: optionsOf(), webhook: { secret: 'x' } })
  await both.send(testScope(), { kind: 'email', ...usual })
  expect(server.mails).toHaveLength(1)
  expect(await failure(both.send(testScope(), { kind: 'webhook', id: '1', url: 'http://127.0.0.1/', body: null }))).toMatchObject({ code: 'FORBIDDEN' })
})
