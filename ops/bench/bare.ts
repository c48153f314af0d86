import { WebSocketServer, type WebSocket } from 'ws'
import { serveJson } from './json-server.ts'

/**
 * What the hub is compared with: the least a JSON server can do. A request's body is parsed and a ready object, set before by `PUT /ready`, is written as JSON.
 * `POST /publish` writes it to every open WebSocket that subscribed, as a message of the graphql-transport-ws protocol.
 */
const sockets = new Map<WebSocket, string>()
let ready: unknown = {}

const server = serveJson((path, body) => {
  if (path === '/ready') ready = body
  if (path !== '/publish') return ready
  for (const [socket, id] of sockets) socket.send(JSON.stringify({ id, type: 'next', payload: ready }))
  return { data: {} }
})

new WebSocketServer({ server, path: '/graphql' }).on('connection', socket => {
  socket.on('close', () => sockets.delete(socket))
  socket.on('message', data => {
    const message: { type: string; id?: string } = JSON.parse(String(data))
    if (message.type === 'connection_init') socket.send('{"type":"connection_ack"}')
    if (message.type === 'subscribe' && message.id !== undefined) sockets.set(socket, message.id)
  })
})
process.once('SIGTERM', () => process.exit(0))
