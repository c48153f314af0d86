import fc from 'fast-check'
import { AnswerReader, ProtocolError } from '../../../../gateway/federation/http/answer-reader.ts'

const tooLong = new Error('too long')

/** What is read of pieces of an answer: status, text, and whether the connection is for more. */
function read(pieces: readonly Buffer[], { end = false, maxBytes = 1_000_000 } = {}) {
  const reader = new AnswerReader(maxBytes, () => tooLong)
  for (const piece of pieces) reader.read(piece)
  if (end) reader.end()
  if (!reader.isOver) return 'not over'
  const { status, headers, text } = reader.posted
  return { status, headers: { ...headers }, text, isKept: reader.isKept, keptMs: reader.keptMs }
}

const bytes = (raw: string) => Buffer.from(raw, 'latin1')
const refused = (raw: string) => () => read([bytes(raw)], { end: true })

describe('an answer of HTTP/1.1', () => {
  test('is over with the last byte its length announces, and not before', () => {
    const raw = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc'
    expect(read([bytes(raw.slice(0, -1))])).toBe('not over')
    expect(read([bytes(raw)])).toEqual({ status: 200, headers: { 'content-length': '3' }, text: 'abc', isKept: true, keptMs: undefined })
  })

  test('has the body its framing says', () => {
    const body = (raw: string, end = false) => (read([bytes(raw)], { end }) as { text: string; isKept: boolean }).text
    expect(body('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc')).toBe('abc')
    expect(body('HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n')).toBe('')
    expect(body('HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n000a ;x="y"\r\n0123456789\r\n1\r\n\n\r\n0\r\na: b\r\nc: d\r\n\r\n')).toBe('0123456789\n')
    expect(body('HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n')).toBe('')
    expect(body('HTTP/1.0 200 OK\r\n\r\nall there is', true)).toBe('all there is')
  })

  test('says how long its connection is for', () => {
    const kept = (head: string) => {
      const found = read([bytes(`${head}\r\nContent-Length: 0\r\n\r\n`)])
      return typeof found === 'string' ? found : [found.isKept, found.keptMs]
    }
    expect(kept('HTTP/1.1 200 OK')).toEqual([true, undefined])
    expect(kept('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5, max=100')).toEqual([true, 5_000])
    expect(kept('HTTP/1.1 200 OK\r\nKeep-Alive: max=9, timeout=0')).toEqual([true, 0])
    expect(kept('HTTP/1.1 200 OK\r\nConnection: Close')).toEqual([false, undefined])
    expect(kept('HTTP/1.1 200 OK\r\nConnection: x-hop, close')).toEqual([false, undefined])
    expect(kept('HTTP/1.0 200 OK')).toEqual([false, undefined])
    expect(kept('HTTP/1.0 200 OK\r\nConnection: keep-alive')).toEqual([true, undefined])
  })

  test('leaves its connection to nobody when more came than it has', () => {
    expect(read([bytes('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab')])).toMatchObject({ text: 'a', isKept: false })
    expect(read([bytes('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na'), bytes('b')])).toMatchObject({ text: 'a', isKept: false })
    expect(read([bytes('HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n')])).toMatchObject({ text: '', isKept: false })
  })

  test('is refused where it could be read in two ways, or is none', () => {
    const answer = 'HTTP/1.1 200 OK\r\n'
    expect(refused(`${answer}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)).toThrow('a length and a transfer coding')
    expect(refused(`${answer}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`)).toThrow('length is "3, 4"')
    for (const length of ['+3', '-1', '3 3', '0x3', '3.0', '', '9'.repeat(16)]) expect(refused(`${answer}Content-Length: ${length}\r\n\r\nabc`)).toThrow('which is no number')
    for (const coding of ['gzip', 'gzip, chunked', 'chunked, chunked', 'identity']) expect(refused(`${answer}Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`)).toThrow('"chunked" is what is taken')
    for (const line of [' folded: 1', 'Content-Length : 3', 'no colon', ': nameless', 'a: b\nc: d', 'a: b\rc', 'a: \0', 'na me: 1', 'n\xe4me: 1']) expect(refused(`${answer}a: b\r\n${line}\r\n\r\n`)).toThrow('which is no header')
    for (const start of ['HTTP/2 200 OK', 'HTTP/1.1 20 OK', 'HTTP/1.1 2000', 'http/1.1 200 OK', ' HTTP/1.1 200 OK', 'HTTP/1.1  200 OK', 'HTTP/1.1 200 \n', 'HTTP/1.1 099 x', '']) expect(refused(`${start}\r\nContent-Length: 0\r\n\r\n`)).toThrow('no status line')
    for (const size of ['g', '', '-1', '0x1', '1 1', '100000000', '1\n']) expect(refused(`${answer}Transfer-Encoding: chunked\r\n\r\n${size}\r\na\r\n0\r\n\r\n`)).toThrow('which is no size')
    expect(refused(`${answer}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`)).toThrow('A chunk is longer than it says')
    expect(refused('HTTP/1.1 101 Switching Protocols\r\n\r\n')).toThrow('another protocol')
  })

  test('is refused where the connection ends before it does', () => {
    expect(refused('')).toThrow('before an answer came')
    for (const raw of ['H', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n']) expect(refused(raw)).toThrow('within the answer')
  })

  test('has a head, lines and trailers of a bounded length, and a body of no more than asked for', () => {
    const long = 'x'.repeat(20_000)
    expect(refused(`HTTP/1.1 200 OK\r\na: ${long}\r\n\r\n`)).toThrow('more than 16384 bytes')
    expect(refused(`HTTP/1.1 200 OK\r\na: ${long}`)).toThrow('more than 16384 bytes')
    expect(refused(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${long}`)).toThrow('more than 16384 bytes')
    expect(refused(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'a: bcdefgh\r\n'.repeat(2_000)}\r\n`)).toThrow('trailers have more')
    const tooLarge = (raw: string) => () => read([bytes(raw)], { maxBytes: 2 })
    expect(tooLarge('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n')).toThrow(tooLong)
    expect(tooLarge('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc')).toThrow(tooLong)
    expect(tooLarge('HTTP/1.1 200 OK\r\n\r\nabc')).toThrow(tooLong)
  })

  test('is read in a time that grows with its length, whatever it is full of', () => {
    for (const filler of [' ', '\t', ':', 'a', ',', ';']) expect(refused(`HTTP/1.1 200 OK\r\nx: ${filler.repeat(16_000)}\0\r\n\r\n`)).toThrow(ProtocolError)
  })

  test('is the same in whatever pieces it comes', () => {
    const token = fc.stringMatching(/^[a-z-]{1,8}$/)
    const body = fc.uint8Array({ maxLength: 300 }).map(Buffer.from)
    const sized = body.map(content => Buffer.concat([bytes(`content-length: ${content.length}\r\n\r\n`), content]))
    const chunked = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }).map(Buffer.from), { maxLength: 5 }).map(chunks => Buffer.concat([bytes('transfer-encoding: chunked\r\n\r\n'), ...chunks.flatMap(chunk => [bytes(`${chunk.length.toString(16)}\r\n`), chunk, bytes('\r\n')]), bytes('0\r\n\r\n')]))
    const answers = fc.tuple(fc.boolean(), fc.integer({ min: 200, max: 599 }).filter(status => status !== 204 && status !== 304), fc.array(fc.tuple(token.map(name => `x-${name}`), token), { maxLength: 4 }), fc.oneof(sized, chunked))
    fc.assert(fc.property(answers, fc.array(fc.nat(), { maxLength: 12 }), ([isHinted, status, headers, rest], cuts) => {
      const raw = Buffer.concat([bytes(`${isHinted ? 'HTTP/1.1 103 Hints\r\nlink: a\r\n\r\n' : ''}HTTP/1.1 ${status} Of course\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}`), rest])
      const places = [0, ...cuts.map(cut => cut % raw.length).sort((a, b) => a - b), raw.length]
      const whole = read([raw])
      expect(whole).toMatchObject({ status, isKept: true })
      expect(read(places.slice(1).map((to, index) => raw.subarray(places[index], to)))).toEqual(whole)
      expect(read([...raw].map(byte => Buffer.from([byte])))).toEqual(whole)
    }), { numRuns: 300 })
  })
})
