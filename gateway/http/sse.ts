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
}

/**
 * graphql-sse, distinct connections: `next` events with a result each, then one `complete`. `id` is the cursor of the event. The next event is pulled
 * when the socket has taken the one before, so a slow client holds one event here and no more.
 */
export async function writeEventStream(exchange: Exchange, { events, answer, failure }: EventStream, options: { clock: Clock; pingIntervalMs: number; metrics: Metrics }): Promise<void> {
  const { response } = exchange
  response.writeHead(200, streamHeaders(exchange, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' }))
  // Some browsers report an open stream only when a first byte has come.
  response.write(':\n\n')
  // A comment now and then keeps proxies from closing a silent stream; a socket that is full needs none.
  const stopPings = every(options.clock, options.pingIntervalMs, () => {
    if (!response.writableNeedDrain && !response.destroyed) response.write(':\n\n')
  })
  const write = async (result: Answer, cursor?: string) => {
    await taken(exchange, `event: next\n${cursor === undefined || /[\r\n\0]/.test(cursor) ? '' : `id: ${cursor}\n`}data: ${JSON.stringify(result)}\n\n`)
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

/** Ends when the socket has room again, or is gone. */
function taken({ response }: Exchange, chunk: string): Promise<void> {
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
