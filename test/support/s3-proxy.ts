import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** What the proxy sees of a request: `PUT /bucket/key?partNumber=2`. */
export type Asked = Pick<IncomingMessage, 'method' | 'url'>

/** What becomes of an answer: as it is, another text with status 200, or the connection ends without one. */
export type Fate = 'pass' | 'lost' | { readonly text: string }

export interface S3Proxy {
  readonly endpoint: string
  close(): Promise<void>
}

/** Hands requests on to a store as they are, so that their signatures hold. `before` runs when one came, `after` when the store has answered. */
export async function openS3Proxy(endpoint: string, { before = () => undefined, after = () => 'pass' }: { readonly before?: (asked: Asked) => void | Promise<void>; readonly after?: (asked: Asked) => Fate }): Promise<S3Proxy> {
  const { hostname, port } = new URL(endpoint)
  const server = createServer(async (asked, answer) => {
    const body = await buffer(asked).catch(() => undefined)
    // Who asked has left.
    if (!body) return
    await before(asked)
    const handed = request({ hostname, port, method: asked.method, path: asked.url, headers: asked.headers }, told => {
      const fate = after(asked)
      if (fate === 'lost') {
        told.resume()
        answer.destroy()
      } else if (fate === 'pass') {
        answer.writeHead(told.statusCode ?? 500, told.headers)
        told.pipe(answer)
      } else {
        told.resume()
        answer.writeHead(200, { 'content-type': 'application/xml' })
        answer.end(fate.text)
      }
    })
    handed.on('error', () => answer.destroy())
    handed.end(body)
  })
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise(closed => server.close(closed))
    },
  }
}
