import { remoteError } from '../../gateway/federation/errors.ts'
import { Posted } from '../../gateway/federation/http/sender.ts'
import { Room } from '../../gateway/federation/http/room.ts'
import type { LocalService } from '../../gateway/federation/local.ts'
import type { RawAnswer, SubgraphRequest, SubgraphService } from '../../gateway/federation/supergraph.ts'

/** Numbers from 0 up to 1, one after the other. */
export type Dice = () => number

/** An answer over HTTP with these bytes, in memory that was others' before. */
export function rawAnswer(bytes: Buffer): RawAnswer {
  const room = new Room(0)
  room.add(bytes, 0, bytes.length)
  return new Posted(200, {}, room)
}

/** A subgraph of this process as one behind a URL: it takes its variables as JSON, and its answer is bytes that `bytesOf` makes of the result. */
export function rawService({ schema: _schema, write: _write, ...service }: LocalService, bytesOf: (result: unknown, request: SubgraphRequest) => Buffer): SubgraphService {
  const send = async (request: SubgraphRequest) => {
    const { json = {}, ...asked } = request
    const taken = Object.fromEntries(Object.entries(json).map(([name, value]) => [name, JSON.parse(value) as unknown]))
    return rawAnswer(bytesOf(await service.execute({ ...asked, variables: { ...asked.variables, ...taken } }), request))
  }
  const read = ({ text }: RawAnswer) => {
    const { data, errors } = JSON.parse(text) as { data?: Record<string, unknown> | null; errors?: unknown[] }
    return { data: data ?? null, isPlain: !text.includes('\\'), ...(errors && { errors: errors.map(error => remoteError(service.name, error)) }) }
  }
  return { ...service, takesJson: true, raw: { send, read }, execute: async request => read(await send(request)) }
}

/** The value as JSON that another program might have written: white space, keys in another order, escapes nobody needs, numbers with an exponent or zeros behind. */
export function jsonInSomeForm(value: unknown, dice: Dice): string {
  const isBlank = dice() < 0.5
  const isShuffled = dice() < 0.5
  const isEscaped = dice() < 0.5
  const isLong = dice() < 0.5
  const blank = () => (isBlank && dice() < 0.3 ? [' ', '\n', '\t', '\r\n  '][Math.floor(dice() * 4)] : '')
  const write = (one: unknown): string => {
    if (typeof one === 'string') return isEscaped ? escaped(one, dice) : JSON.stringify(one)
    if (typeof one === 'number') return isLong ? long(one, dice) : JSON.stringify(one)
    if (Array.isArray(one)) return `[${blank()}${one.map(item => `${blank()}${write(item)}${blank()}`).join()}]`
    if (typeof one !== 'object' || one === null) return JSON.stringify(one)
    const entries = Object.entries(one)
    const ordered = isShuffled && dice() < 0.5 ? entries.toReversed() : entries
    return `{${blank()}${ordered.map(([key, item]) => `${blank()}${JSON.stringify(key)}${blank()}:${blank()}${write(item)}${blank()}`).join()}}`
  }
  return `${blank()}${write(JSON.parse(JSON.stringify(value)))}${blank()}`
}

function escaped(text: string, dice: Dice): string {
  return JSON.stringify(text).replace(/[a-zA-Z0-9/ ](?![^"]*\\)/g, char => (dice() < 0.2 ? (char === '/' ? '\\/' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`) : char))
}

function long(number: number, dice: Dice): string {
  const text = JSON.stringify(number)
  if (/[.e]/.test(text)) return dice() < 0.3 ? number.toExponential() : text
  const roll = dice()
  return number === 0 ? text : roll < 0.2 ? `${text}.0` : roll < 0.3 ? `${text}e0` : roll < 0.4 ? `${text}00E-2` : text
}
