import type { Work } from '../../gateway/federation/flights.ts'
import type { Post, Posted, Sender, SenderOptions } from '../../gateway/federation/http/sender.ts'
import { must } from '../support/conformance.ts'
import { eventually } from '../support/eventually.ts'
import { ok, rawHttp, type RawHttp } from '../support/raw-http.ts'

/** A sender under test, and the server it sends to. */
export interface SenderSubject {
  readonly server: RawHttp
  /** `host`: another name of the server's. */
  open(connections: number, headers?: Readonly<Record<string, string>>, host?: string): Sender
  close(): Promise<void>
}

/** Senders of one kind, over a server of their own. */
export async function senderSubject(made: (options: SenderOptions) => Sender): Promise<SenderSubject> {
  const server = await rawHttp()
  const senders: Sender[] = []
  return {
    server,
    open(connections, headers = {}, host = server.origin.hostname) {
      const sender = made({ origin: new URL(`http://${host}:${server.origin.port}`), connections, headers })
      senders.push(sender)
      return sender
    },
    async close() {
      await Promise.all(senders.map(sender => sender.close()))
      await server.close()
    },
  }
}

const tooLong = new Error('too long')
const request = (body = '{}', more: Partial<Post> = {}): Post => ({ path: '/graphql', headers: {}, body, maxBytes: 10_000_000, tooLong: () => tooLong, ...more })
const texts = (answers: readonly Posted[]) => answers.map(({ text }) => text)

export const senderChecks = [
  must<SenderSubject>('HS01', 'a request arrives as it was sent: path, host, headers, and the bytes of its body', async ({ server, open }) => {
    const sender = open(1, { 'content-type': 'application/json', 'x-four': 'ü' })
    for (const body of ['{"a":1}', '{"a":"Grüße, 世界 🌍"}', '', 'x'.repeat(3_000_000)]) {
      await sender.post(request(body, { path: '/a/b?c=d', headers: { 'x-one': 'two  three' } })).result
      const { head, body: sent } = server.requests.at(-1)!
      expect(head.split('\r\n')[0]).toBe('POST /a/b?c=d HTTP/1.1')
      expect(head.split('\r\n')).toEqual(expect.arrayContaining([`host: ${server.origin.host}`, 'content-type: application/json', 'x-one: two  three', 'x-four: ü', `content-length: ${Buffer.byteLength(body)}`]))
      expect(sent.equals(Buffer.from(body))).toBe(true)
    }
  }),
  must<SenderSubject>('HS02', 'an answer has its status, its headers by names in lower case, and its text', async ({ server, open }) => {
    server.answer = ({ socket }) => socket.write('HTTP/1.1 418 I am a teapot\r\nX-Session-Token:  a b \r\nContent-Type: text/x\r\nX-Two: 1\r\nX-Two: 2\r\nContent-Length: 7\r\n\r\nGrüße')
    const { status, headers, text, length } = await open(1).post(request()).result
    expect([status, headers['x-session-token'], headers['content-type'], headers['x-two'], text, length]).toEqual([418, 'a b', 'text/x', '1, 2', 'Grüße', 7])
  }),
  must<SenderSubject>('HS03', 'connections are used again', async ({ server, open }) => {
    const sender = open(4)
    const answers: Posted[] = []
    for (let count = 0; count < 5; count++) answers.push(await sender.post(request()).result)
    expect(texts(answers)).toEqual(['1', '2', '3', '4', '5'])
    // One that asks the moment it has its answer may find the connection not free yet.
    expect(server.connections).toBeLessThanOrEqual(2)
  }),
  must<SenderSubject>('HS04', 'there are not more connections than allowed; further requests wait, and each gets its own answer', async ({ server, open }) => {
    const waiting: (() => void)[] = []
    server.answer = ({ socket, body }) => waiting.push(() => socket.write(ok(`for ${body.toString()}`)))
    const sender = open(3)
    const asked = Array.from({ length: 20 }, (_, nth) => sender.post(request(String(nth))).result)
    for (let count = 1; count <= 20; count++) {
      await server.asked(Math.min(20, count + 2))
      expect(server.requests.length).toBe(Math.min(20, count + 2))
      // The one that came last is answered first.
      waiting.pop()!()
      if (count <= 17) await server.asked(count + 3)
    }
    expect(texts(await Promise.all(asked))).toEqual(Array.from({ length: 20 }, (_, nth) => `for ${nth}`))
    expect(server.connections).toBe(3)
  }),
  must<SenderSubject>('HS05', 'bodies come in chunks, behind an informational answer, empty, or until the connection ends', async ({ server, open }) => {
    const sender = open(1)
    const taken = async (raw: string, isEnd = false) => {
      server.answer = ({ socket }) => (isEnd ? socket.end(raw) : socket.write(raw))
      const { status, text } = await sender.post(request()).result
      return [status, text]
    }
    expect(await taken('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-trailer: 1\r\n\r\n')).toEqual([200, 'abc0123456789'])
    expect(await taken(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok('hinted')}`)).toEqual([200, 'hinted'])
    expect(await taken('HTTP/1.1 204 No Content\r\n\r\n')).toEqual([204, ''])
    expect(server.connections).toBe(1)
    expect(await taken('HTTP/1.1 200 OK\r\n\r\nto the end', true)).toEqual([200, 'to the end'])
    expect(await taken(ok('once more'))).toEqual([200, 'once more'])
    expect(server.connections).toBe(2)
  }),
  must<SenderSubject>('HS06', 'a connection the server ends behind an answer is not used again', async ({ server, open }) => {
    const sender = open(1)
    server.answer = ({ socket }, number) => socket.end(ok(String(number), 'connection: close\r\n'))
    expect(texts([await sender.post(request()).result, await sender.post(request()).result, await sender.post(request()).result])).toEqual(['1', '2', '3'])
    expect(server.connections).toBe(3)
  }),
  must<SenderSubject>('HS07', 'a connection that ended while it was idle is not used again', async ({ server, open }) => {
    const sender = open(1)
    const first = await sender.post(request()).result
    server.requests[0]!.socket.end()
    await server.left()
    expect([texts([first, await sender.post(request()).result]), server.connections]).toEqual([['1', '2'], 2])
  }),
  must<SenderSubject>('HS08', 'what comes behind an answer is nobody\'s', async ({ server, open }) => {
    const sender = open(1)
    server.answer = ({ socket }, number) => socket.write(ok(String(number)) + (number === 1 ? ok('of somebody else') : ''))
    expect(texts([await sender.post(request()).result])).toEqual(['1'])
    await server.left()
    expect(texts([await sender.post(request()).result, await sender.post(request()).result])).toEqual(['2', '3'])
  }),
  must<SenderSubject>('HS09', 'what is cancelled fails with the reason at once, at the begin, in line and on the way; nobody else notices', async ({ server, open }) => {
    const waiting: (() => void)[] = []
    server.answer = ({ socket, body }) => waiting.push(() => socket.write(ok(body.toString())))
    const sender = open(1)
    const [first, onTheWay, inLine, last] = ['first', 'a', 'b', 'c'].map(body => sender.post(request(body))) as [Work<Posted>, Work<Posted>, Work<Posted>, Work<Posted>]
    first.cancel(new Error('at the begin'))
    await expect(first.result).rejects.toThrow('at the begin')
    await eventually('the second request came', () => server.requests.some(({ body }) => body.toString() === 'a'))
    inLine.cancel(new Error('in line'))
    await expect(inLine.result).rejects.toThrow('in line')
    onTheWay.cancel(new Error('on the way'))
    await expect(onTheWay.result).rejects.toThrow('on the way')
    await eventually('the last request came', () => server.requests.some(({ body }) => body.toString() === 'c'))
    expect(server.requests.map(({ body }) => body.toString())).not.toContain('b')
    // The answers nobody waits for any more come too late for everybody.
    for (const answer of waiting) answer()
    expect((await last.result).text).toBe('c')
    last.cancel(new Error('too late'))
    expect((await last.result).text).toBe('c')
  }),
  must<SenderSubject>('HS10', 'an answer that is too long is refused, by its length or as soon as it is', async ({ server, open }) => {
    const sender = open(1)
    for (const raw of [ok('x'.repeat(101)), `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n65\r\n${'x'.repeat(101)}`, `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(101)}`]) {
      server.answer = ({ socket }) => socket.write(raw)
      await expect(sender.post(request('', { maxBytes: 100 })).result).rejects.toBe(tooLong)
    }
    server.answer = ({ socket }) => socket.write(ok('x'.repeat(100)))
    expect((await sender.post(request('', { maxBytes: 100 })).result).length).toBe(100)
  }),
  must<SenderSubject>('HS11', 'no answer, half an answer and what is no answer are failures, and the next request has a connection of its own', async ({ server, open }) => {
    const sender = open(1)
    const wrong = ['', 'HTTP/1.1 200', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel', 'SSH-2.0-OpenSSH\r\n\r\n', 'HTTP/1.1 200 OK\r\ncontent-length: ten\r\n\r\n']
    for (const raw of wrong) {
      server.answer = ({ socket }) => socket.end(raw)
      await expect(sender.post(request()).result).rejects.toThrow(Error)
    }
    server.answer = ({ socket }) => socket.write(ok('right'))
    expect((await sender.post(request()).result).text).toBe('right')
    expect(server.requests.length).toBe(wrong.length + 1)
  }),
  must<SenderSubject>('HS12', 'where nobody listens all requests fail', async ({ server, open }) => {
    const sender = open(2)
    await server.close()
    const failed = await Promise.allSettled(Array.from({ length: 5 }, () => sender.post(request()).result))
    expect(failed.map(({ status }) => status)).toEqual(Array(5).fill('rejected'))
  }),
  must<SenderSubject>('HS13', 'a header with a line break is refused before anything is sent', async ({ open }) => {
    const sender = open(1)
    await expect(sender.post(request('', { headers: { 'x-one': 'a\r\nx-two: b' } })).result).rejects.toThrow(/invalid/i)
    await expect(sender.post(request('', { headers: { 'x-one: a\r\nx-two': 'b' } })).result).rejects.toThrow(/invalid|valid HTTP token/i)
    expect(() => open(1, { 'x-one': 'a\nx-two: b' })).toThrow(/invalid/i)
    expect((await sender.post(request()).result).text).toBe('1')
  }),
  must<SenderSubject>('HS14', 'an answer that comes before the request was read whole is the answer', async ({ server, open }) => {
    const sender = open(1)
    server.answer = () => {}
    const asked = sender.post(request('x'.repeat(30_000_000))).result
    await server.reached(1)
    server.sockets[0]!.write(ok('early', 'connection: close\r\n'))
    expect((await asked).text).toBe('early')
    server.answer = ({ socket }) => socket.write(ok('next'))
    expect((await sender.post(request()).result).text).toBe('next')
  }),
  must<SenderSubject>('HS15', 'what is under way when it is closed fails, and so does what comes later', async ({ server, open }) => {
    server.answer = () => {}
    const sender = open(1)
    const asked = Promise.allSettled([sender.post(request('a')).result, sender.post(request('b')).result])
    await server.asked(1)
    await sender.close()
    expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect(sender.post(request()).result).rejects.toThrow(Error)
    await server.left()
  }),
  must<SenderSubject>('HS16', 'a connection the server says it keeps for a second at most is not used again', async ({ server, open }) => {
    const sender = open(1)
    server.answer = ({ socket }, number) => socket.write(ok(String(number), 'keep-alive: timeout=1\r\n'))
    expect(texts([await sender.post(request()).result, await sender.post(request()).result])).toEqual(['1', '2'])
    expect(server.connections).toBe(2)
  }),
  must<SenderSubject>('HS17', 'a server is found by its name, which it is told', async ({ server, open }) => {
    const sender = open(2, {}, 'localhost')
    expect(texts(await Promise.all([sender.post(request()).result, sender.post(request()).result])).toSorted()).toEqual(['1', '2'])
    expect(server.requests[0]!.head.split('\r\n')).toContain(`host: localhost:${server.origin.port}`)
  }),
  must<SenderSubject>('HS18', 'an answer is the same in whatever pieces it comes', async ({ server, open }) => {
    const sender = open(1)
    const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'
    for (const [raw, text] of [[ok('a "text"'), 'a "text"'], [chunked, 'abcde']] as const) {
      server.answer = ({ socket }) => {
        let at = 0
        const next = () => {
          if (at < raw.length) socket.write(raw[at++]!, () => setImmediate(next))
        }
        next()
      }
      expect((await sender.post(request()).result).text).toBe(text)
    }
    expect(server.connections).toBe(1)
  }),
]
