import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface HeldSubgraph {
  readonly url: string
  /** A question has arrived and waits. */
  asked(): Promise<void>
  /** Answers what waits with this data, and closes nothing. */
  release(data: unknown): void
  close(): Promise<void>
}

/** A Federation subgraph somewhere else that answers its SDL at once and everything else when the test says so. */
export async function heldSubgraph(sdl: string): Promise<HeldSubgraph> {
  const held: ServerResponse[] = []
  let arrived = Promise.withResolvers<void>()
  const answer = (response: ServerResponse, data: unknown) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data }))
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const { query } = JSON.parse(await text(request)) as { query: string }
    if (query.includes('_service')) return answer(response, { _service: { sdl } })
    held.push(response)
    arrived.resolve()
  }
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    asked: () => arrived.promise,
    release(data) {
      for (const response of held.splice(0)) answer(response, data)
      arrived = Promise.withResolvers()
    },
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
