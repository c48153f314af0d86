import { createServer, type IncomingMessage, type Server } from 'node:http'

type Answer = string | Buffer

/** A server on loopback with the least that JSON over HTTP costs: each body is parsed, what `answer` gives is written. Prints its URL when it listens. */
export function serveJson(answer: (path: string | undefined, body: unknown) => unknown): Server {
  return serveBodies(async (path, body) => JSON.stringify(await answer(path, JSON.parse(body))))
}

/** The same, bodies as they come and answers ready to be written. */
export function serveBodies(answer: (path: string | undefined, body: string) => Answer | Promise<Answer>): Server {
  const server = createServer(async (request, response) => {
    const text = await answer(request.url, await bodyOf(request))
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (typeof address === 'object' && address !== null) console.log(`http://127.0.0.1:${address.port}`)
  })
  return server
}

/** By events: an iterator over the request costs two microseconds more. */
function bodyOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part)).on('end', () => resolve(Buffer.concat(parts).toString())).on('error', reject)
  })
}
