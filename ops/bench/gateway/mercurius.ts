import { hubWorld } from './hub-world.ts'
import { peer } from './peer.ts'

/** `node mercurius.ts USERS`: the hub's data in maps behind one schema, each operation compiled by graphql-jit. */
interface Fastify {
  register(plugin: unknown, options: object): void
  listen(where: { readonly port: number; readonly host: string }): Promise<string>
}

const fastify = peer('fastify') as () => Fastify
const { sdl, resolvers } = hubWorld(Number(process.argv[2])).whole
const server = fastify()
server.register(peer('mercurius'), { schema: sdl, resolvers, jit: 1 })
console.log(await server.listen({ port: 0, host: '127.0.0.1' }))
