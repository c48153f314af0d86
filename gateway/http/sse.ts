import type { Clock } from '../../connectors/ports/scope.ts'
import { every } from './every.ts'
import { drained, type Exchange, streamHeaders } from './exchange.ts'
import { Member, type SharedEvent } from './member.ts'
import type { Answer } from './operations.ts'
import { type Framing, Outlet, type Windows } from './outlet.ts'
import { Pieces } from './pieces.ts'
import type { FrontSettings } from './settings.ts'

export interface EventStream {
  /** The events, the parts of the answer, or the one answer there is. An error thrown ends the stream; `failure` words it. */
  readonly events: Member | Pieces | Answer
  readonly failure: (error: unknown) => Answer
  /** Name and data of an event; absent: graphql-sse's. */
  readonly worded?: (result: Answer) => { readonly event: string; readonly data: unknown }
}

export interface EventStreamOptions {
  readonly settings: Pick<FrontSettings['subscriptions'], 'pingIntervalMs' | 'maxBufferedBytes'>
  readonly clock: Clock
  readonly windows: Windows
}

/** Texts one after the other. */
const plain: Framing = {
  size: (head, body) => head.length + body.length,
  put: (into, at, head, body) => at + head.copy(into, at) + body.copy(into, at + head.length),
}
const nothing = Buffer.alloc(0)

/**
 * graphql-sse, distinct connections: `next` events with a result each, then one `complete`. `id` is the cursor of the event, which a client that comes back may send as `Last-Event-ID`. Between them,
 * an id without data may stand (HTML, Server-sent events): a browser keeps it for its next `Last-Event-ID` and shows nothing. Of an answer in parts each is an event, and is made when the socket has
 * taken the one before.
 */
export async function writeEventStream(exchange: Exchange, { events, failure, worded }: EventStream, { settings, clock, windows }: EventStreamOptions): Promise<void> {
  const { response } = exchange
  response.writeHead(200, streamHeaders(exchange, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' }))
  // Some browsers report an open stream only when a first byte has come.
  response.write(':\n\n')
  const outlet = new Outlet(windows, { framing: plain, target: response, isOpen: () => !response.destroyed && !response.writableEnded, maxBufferedBytes: settings.maxBufferedBytes })
  // A comment now and then keeps proxies from closing a silent stream; one that has something to take needs none.
  const stopPings = every(clock, settings.pingIntervalMs, () => {
    if (outlet.isEmpty && !response.destroyed) response.write(':\n\n')
  })
  const write = (result: Answer) => outlet.put(nothing, textOf(worded ? worded(result) : { event: 'next', data: result }), true)
  try {
    if (events instanceof Member) {
      events.attach({
        get hasRoom() { return outlet.hasRoom },
        whenRoom: call => outlet.whenRoom(call),
        take: (event, hasTo) => outlet.put(nothing, worded ? textOf(worded(event.answer), event.cursor) : sharedText(event), hasTo),
        progress: cursor => {
          if (outlet.isEmpty && !response.destroyed) response.write(`id: ${cursor}\n\n`)
        },
      })
      await events.next()
    } else if (events instanceof Pieces) {
      for await (const piece of events) {
        write(piece)
        outlet.flush()
        await drained(exchange)
        if (response.destroyed) break
      }
    } else write(events)
  } catch (error) {
    if (!response.destroyed) write({ ...failure(error), ...(events instanceof Pieces && { hasNext: false }) })
  } finally {
    stopPings()
  }
  outlet.flush()
  response.end('event: complete\ndata:\n\n')
}

/** Of events that several clients are sent. */
const texts = new WeakMap<SharedEvent, Buffer>()

function sharedText(event: SharedEvent): Buffer {
  const known = texts.get(event)
  if (known) return known
  const text = Buffer.concat([headOf('next', event.cursor), event.json, Buffer.from('\n\n')])
  texts.set(event, text)
  return text
}

function textOf({ event, data }: { readonly event: string; readonly data: unknown }, cursor?: string): Buffer {
  return Buffer.concat([headOf(event, cursor), Buffer.from(`${JSON.stringify(data)}\n\n`)])
}

function headOf(event: string, cursor: string | undefined): Buffer {
  return Buffer.from(`event: ${event}\n${cursor === undefined || /[\r\n\0]/.test(cursor) ? '' : `id: ${cursor}\n`}data: `)
}
