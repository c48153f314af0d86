import { createServer, type IncomingMessage } from 'node:http'
import { WebSocketServer, type WebSocket } from 'ws'

/**
 * What the hub is compared with: the least a JSON server can do. A request's body is parsed and a ready object, set before by `PUT /ready`, is written as JSON.
 * `POST /publish` writes it to every open WebSocket that subscribed, as a message of the graphql-transport-ws protocol.
 */
const sockets = new Map<WebSocket, string>()
let ready: unknown = {}

const server = createServer(async (request, response) => {
  const body = await bodyOf(request)
  const parsed: unknown = JSON.parse(body)
  if (request.url === '/ready') ready = parsed
  if (request.url === '/publish') for (const [socket, id] of sockets) socket.send(JSON.stringify({ id, type: 'next', payload: ready }))
  const answer = JSON.stringify(request.url === '/publish' ? { data: {} } : ready)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) }).end(answer)
})

new WebSocketServer({ server, path: '/graphql' }).on('connection', socket => {
  socket.on('close', () => sockets.delete(socket))
  socket.on('message', data => {
    const message: { type: string; id?: string } = JSON.parse(String(data))
    if (message.type === 'connection_init') socket.send('{"type":"connection_ack"}')
    if (message.type === 'subscribe' && message.id !== undefined) sockets.set(socket, message.id)
  })
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) console.log(`http://127.0.0.1:${address.port}`)
})
process.once('SIGTERM', () => process.exit(0))

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString()
}
