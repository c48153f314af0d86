import type { IncomingMessage } from 'node:http'
import { HubError } from '../../schema/errors.ts'

/** The whole body. Fails with PAYLOAD_TOO_LARGE at the first byte above the limit: what is larger is never held. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => new HubError('PAYLOAD_TOO_LARGE', `The body is larger than ${maxBytes} bytes, which is the limit.`, { limits: { bodyBytes: maxBytes } })
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLarge())
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const stop = (error: Error) => {
      request.off('data', onData)
      request.pause()
      reject(error)
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) stop(tooLarge())
      else chunks.push(chunk)
    }
    const leave = (cause?: Error) => reject(new HubError('CANCELLED', 'The client left before its request had arrived.', {}, { cause }))
    request.on('data', onData)
    request.once('end', () => {
      // Every request closes; one that has arrived is not one whose client left.
      request.off('close', leave)
      resolve(Buffer.concat(chunks, size))
    })
    request.once('error', leave)
    request.once('close', leave)
  })
}

/** Refuses a body that is not JSON in UTF-8, by its head. `status` 415 travels in the details. */
export function requireJson(request: IncomingMessage): void {
  const refuse = (sentence: string) => new HubError('BAD_USER_INPUT', sentence, { status: 415 })
  const [type, ...parameters] = (request.headers['content-type'] ?? '').split(';').map(part => part.trim().toLowerCase())
  if (type !== 'application/json' && type !== 'application/graphql+json') {
    throw refuse(type ? `The body is "${type.slice(0, 100)}"; "application/json" is what is taken here.` : 'The request has no Content-Type; "application/json" is what is taken here.')
  }
  const charset = parameters.find(parameter => parameter.startsWith('charset='))?.slice(8).replaceAll('"', '')
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') throw refuse(`The body is in "${charset.slice(0, 40)}"; UTF-8 is what is taken here.`)
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') throw refuse(`The body is encoded with "${encoding.slice(0, 40)}"; send it as it is.`)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The JSON value of a body. Fails with BAD_USER_INPUT that says where the text stops being JSON. */
export function parseJson(body: Buffer): unknown {
  const text = decode(body)
  try {
    return JSON.parse(text)
  } catch {
    const offset = errorOffset(text)
    const before = text.slice(0, offset).split('\n')
    const line = before.length
    const column = (before.at(-1)?.length ?? 0) + 1
    throw new HubError('BAD_USER_INPUT', `The body is not JSON: ${offset >= text.length ? 'it ends too early' : 'what follows does not belong there'}, at line ${line}, column ${column}.`, { position: { offset, line, column } })
  }
}

function decode(body: Buffer): string {
  try {
    return utf8.decode(body)
  } catch (cause) {
    throw new HubError('BAD_USER_INPUT', 'The body is not text in UTF-8.', {}, { cause })
  }
}

/** RFC 8259: after a token of one kind, which tokens may follow; the stack tells objects from lists. */
const token = /[ \t\n\r]*(?:("(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([{}[\],:]))/y

/** Where a text that JSON.parse refused stops being JSON: the first character no token can start with, or a token out of place. */
export function errorOffset(text: string): number {
  const open: ('{' | '[')[] = []
  let want: 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' = 'value'
  token.lastIndex = 0
  for (;;) {
    const from = token.lastIndex
    const match = token.exec(text)
    if (!match) return from + (/^[ \t\n\r]*/.exec(text.slice(from))?.[0].length ?? 0)
    const [all, string, scalar, mark] = match
    const at = token.lastIndex - (string ?? scalar ?? mark ?? all).length
    const inside = open.at(-1)
    if ((want === 'key' || want === 'key or }') && string !== undefined) want = ':'
    else if (want === ':' && mark === ':') want = 'value'
    else if ((want === 'value' || want === 'value or ]') && (string !== undefined || scalar !== undefined)) want = ', or end'
    else if ((want === 'value' || want === 'value or ]') && (mark === '{' || mark === '[')) {
      open.push(mark)
      want = mark === '{' ? 'key or }' : 'value or ]'
    } else if ((mark === '}' && inside === '{' && (want === 'key or }' || want === ', or end')) || (mark === ']' && inside === '[' && (want === 'value or ]' || want === ', or end'))) {
      open.pop()
      want = ', or end'
    } else if (mark === ',' && inside && want === ', or end') want = inside === '{' ? 'key' : 'value'
    else return at
  }
}
