import { readFile } from 'node:fs/promises'
import type { GatewayInterface } from '@apollo/server-gateway-interface'
import { peer } from './peer.ts'

/** `node apollo-gateway.ts SUPERGRAPH`: @apollo/gateway behind Apollo Server's own HTTP server. */
const { ApolloGateway } = peer('@apollo/gateway') as { readonly ApolloGateway: new (options: { readonly supergraphSdl: string }) => GatewayInterface }
const { ApolloServer } = peer('@apollo/server') as typeof import('@apollo/server')
const { startStandaloneServer } = peer('@apollo/server/standalone') as typeof import('@apollo/server/standalone')

const gateway = new ApolloGateway({ supergraphSdl: await readFile(process.argv[2] ?? '', 'utf8') })
const { url } = await startStandaloneServer(new ApolloServer({ gateway }), { listen: { port: 0, host: '127.0.0.1' } })
console.log(url)
