import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { install } from './apt.ts'
import type { Engine, Launch } from './engine.ts'
import { run } from './program.ts'

const program = '/usr/bin/redis-server'

/** In memory only. Not on Redis's own port, which the service of the same package may hold. */
export const redis: Engine = {
  name: 'redis',
  ports: () => ({ client: 16_379 }),

  async fetch(site) {
    if (!existsSync(program)) await install(site, 'redis', 'redis-server')
  },

  async launch(site, node): Promise<Launch> {
    const version = /v=(\S+)/.exec(await run(program, ['--version'], { signal: site.signal }))?.[1] ?? 'unknown'
    const options = { bind: '127.0.0.1', port: node.ports.client, dir: node.data, save: '', appendonly: 'no', maxmemory: '128mb', 'notify-keyspace-events': 'KEA' }
    return {
      version,
      command: program,
      args: Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
      reach: { REDIS_URL: `redis://127.0.0.1:${node.ports.client}` },
    }
  },

  async answers({ ports }, signal) {
    const socket = connect({ host: '127.0.0.1', port: ports.client, signal })
    try {
      socket.write('PING\r\n')
      for await (const chunk of socket) {
        if (String(chunk).startsWith('+PONG')) return
        throw new Error(`Redis answered ${String(chunk).trim()}`)
      }
      throw new Error('the connection was closed')
    } finally {
      socket.destroy()
    }
  },
}
