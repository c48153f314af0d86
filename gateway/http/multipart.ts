import type { OutgoingHttpHeaders } from 'node:http'
import type { WordedDelivery } from './operations.ts'
import { drained, type Exchange, streamHeaders } from './exchange.ts'

/** Whether the client takes answers in parts, as the draft of 2022-08-24 has them, which is also meant by those that name no draft. */
export function takesParts(accept = ''): boolean {
  return accept.includes('multipart/mixed') && accept.split(',').some(range => {
    const [type, ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
    const draft = parameters.find(parameter => parameter.startsWith('deferspec='))
    return type === 'multipart/mixed' && (draft === undefined || draft === 'deferspec=20220824') && !parameters.some(parameter => /^q=0(\.0*)?$/.test(parameter))
  })
}

/** Incremental delivery over HTTP: each piece as JSON in a part of its own, as soon as it is there. The next is made when the socket has taken the one before. What fails in between cuts the connection: the end that is missing says so. */
export async function writeParts(exchange: Exchange, deliveries: AsyncIterable<WordedDelivery>, headers: OutgoingHttpHeaders): Promise<void> {
  const { response } = exchange
  response.writeHead(200, streamHeaders(exchange, { ...headers, 'content-type': 'multipart/mixed; boundary="-"; deferSpec=20220824', 'x-accel-buffering': 'no' }))
  let before = '\r\n---\r\n'
  try {
    for await (const delivery of deliveries) {
      if (response.destroyed) return
      response.write(`${before}content-type: application/json; charset=utf-8\r\n\r\n${JSON.stringify(delivery)}\r\n---${delivery.hasNext ? '' : '--'}\r\n`)
      before = ''
      await drained(exchange)
    }
  } catch (error) {
    response.destroy()
    throw error
  }
  response.end()
}
