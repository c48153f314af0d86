import { createServer, type IncomingMessage, type Server } from 'node:http'

/** A server on loopback with the least that JSON over HTTP costs: each body is parsed, what `answer` gives is written. Prints its URL when it listens. */
export function serveJson(answer: (path: string | undefined, body: unknown) => unknown): Server {
  const server = createServer(async (request, response) => {
    const text = JSON.stringify(await answer(request.url, JSON.parse(await bodyOf(request))))
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (typeof address === 'object' && address !== null) console.log(`http://127.0.0.1:${address.port}`)
  })
  return server
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString()
}
