import type { ExecutionResult } from 'graphql'
import type { Clock } from '../../connectors/ports/scope.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { every } from './every.ts'
import { type Exchange, streamHeaders } from './exchange.ts'
import type { Answer } from './operations.ts'
import { cursorIn } from './subscriptions.ts'

export interface EventStream {
  /** The events, or the one answer there is. An error thrown ends the stream; `failure` words it. */
  readonly events: AsyncIterable<ExecutionResult> | Answer
  readonly answer: (event: ExecutionResult) => Answer
  readonly failure: (error: unknown) => Answer
  /** Name and data of an event; absent: graphql-sse's. */
  readonly worded?: (result: Answer) => { readonly event: string; readonly data: unknown }
}

/**
 * graphql-sse, distinct connections: `next` events with a result each, then one `complete`. `id` is the cursor of the event, which a client that comes back may send as `Last-Event-ID`. The next event is pulled
 * when the socket has taken the one before, so a slow client holds one event here and no more.
 */
export async function writeEventStream(exchange: Exchange, { events, answer, failure, worded = asNext }: EventStream, options: { clock: Clock; pingIntervalMs: number; metrics: Metrics }): Promise<void> {
  const { response } = exchange
  response.writeHead(200, streamHeaders(exchange, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' }))
  // Some browsers report an open stream only when a first byte has come.
  response.write(':\n\n')
  // A comment now and then keeps proxies from closing a silent stream; a socket that is full needs none.
  const stopPings = every(options.clock, options.pingIntervalMs, () => {
    if (!response.writableNeedDrain && !response.destroyed) response.write(':\n\n')
  })
  const write = async (result: Answer, cursor?: string) => {
    const { event, data } = worded(result)
    await taken(exchange, `event: ${event}\n${cursor === undefined || /[\r\n\0]/.test(cursor) ? '' : `id: ${cursor}\n`}data: ${JSON.stringify(data)}\n\n`)
    options.metrics.events.inc({ transport: 'sse' })
  }
  try {
    if (Symbol.asyncIterator in events) {
      for await (const event of events) {
        if (response.destroyed) break
        await write(answer(event), cursorIn(event))
      }
    } else {
      await write(events)
    }
  } catch (error) {
    if (!response.destroyed) await write(failure(error))
  } finally {
    stopPings()
  }
  response.end('event: complete\ndata:\n\n')
}

function asNext(result: Answer): { event: string; data: Answer } {
  return { event: 'next', data: result }
}

/** An id without data (HTML, Server-sent events): a browser keeps it for its next `Last-Event-ID` and shows nothing. A socket that is full is told later. */
export function writeProgress({ response }: Exchange, cursor: string): void {
  if (response.headersSent && !response.writableNeedDrain && !response.writableEnded && !response.destroyed) response.write(`id: ${cursor}\n\n`)
}

/** Ends when the socket has room again, or is gone. */
export function taken({ response }: Exchange, chunk: string): Promise<void> {
  if (response.destroyed || response.write(chunk)) return Promise.resolve()
  return new Promise(resolve => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}
