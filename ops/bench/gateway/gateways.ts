import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, startProgram, startServer } from '../processes.ts'
import { ours, plainEnv, type Contender } from './contender.ts'
import { peersFolder } from './peer.ts'
import { buildHiveRouter, hiveRouter, pinned } from './peers.ts'

const root = join(import.meta.dirname, '../../..')
const cli = join(root, 'gateway/cli.ts')

/** The product, started with these arguments. Loading may take its time. */
export function tributary(args: readonly string[], env = plainEnv): Contender {
  return { name: ours, version: version(), start: () => startServer(cli, [...args, '--port', '0'], env, 600_000) }
}

/** The product's, of the working copy. */
export function version(): string {
  return execFileSync('git', ['describe', '--always', '--dirty'], { cwd: root, encoding: 'utf8' }).trim()
}

/** Hive Gateway with the planner in Rust; in one process. */
export function hiveGateway(supergraph: string): Contender {
  return {
    name: 'Hive Gateway, Rust planner', version: `${pinned['@graphql-hive/gateway']} / ${pinned['@graphql-hive/router-runtime']}`,
    async start() {
      const port = await freePort()
      const bin = join(peersFolder, 'node_modules/@graphql-hive/gateway/dist/bin.js')
      const args = [bin, 'supergraph', supergraph, '--hive-router-runtime', '--host', '127.0.0.1', '--port', String(port), '--fork', '1']
      return startProgram({ command: process.execPath, args, env: { ...plainEnv, LOG_LEVEL: 'error' }, cwd: peersFolder, url: `http://127.0.0.1:${port}` })
    },
  }
}

/** Joins requests alike while they are in flight, which it does when it is told to. */
export function hiveRouterOver(supergraph: string, folder: string): Contender {
  return {
    name: 'Hive Router', version: hiveRouter.version,
    async start() {
      await buildHiveRouter()
      const port = await freePort()
      const config = join(folder, 'hive-router.yaml')
      await writeFile(config, JSON.stringify({ supergraph: { source: 'file', path: supergraph }, http: { host: '127.0.0.1', port }, log: { level: 'error' }, traffic_shaping: { router: { dedupe: { enabled: true } } } }))
      return startProgram({ command: hiveRouter.binary, args: [], env: { ...plainEnv, ROUTER_CONFIG_FILE_PATH: config }, url: `http://127.0.0.1:${port}` })
    },
  }
}

export function apolloGateway(supergraph: string): Contender {
  return {
    name: '@apollo/gateway, Apollo Server', version: `${pinned['@apollo/gateway']} / ${pinned['@apollo/server']}`,
    start: () => startServer(join(import.meta.dirname, 'apollo-gateway.ts'), [supergraph], plainEnv),
  }
}

export function mercurius(users: number): Contender {
  return {
    name: 'mercurius with jit, one schema', version: `${pinned['mercurius']} / ${pinned['graphql-jit']}`,
    start: () => startServer(join(import.meta.dirname, 'mercurius.ts'), [String(users)], plainEnv),
  }
}

/** Peers that cannot be installed from a package registry, and why. */
export const outOfReach = [
  { name: 'Cosmo Router', why: 'the Go module proxy answered 403 for github.com/wundergraph/cosmo/router when it was asked in November 2026; beside that there are only binaries and container images' },
]
