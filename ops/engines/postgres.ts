import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { insteadOfRoot, install } from './apt.ts'
import { EngineError, type Engine, type EngineNode, type Launch, type Site } from './engine.ts'
import { run } from './program.ts'

const installations = '/usr/lib/postgresql'
const owner = 'tributary'

/** Folder of the newest installed server's programs; undefined: none is installed. */
export function installedPostgres(): string | undefined {
  if (!existsSync(installations)) return undefined
  const versions = readdirSync(installations).sort((a, b) => Number(b) - Number(a))
  return versions.map(version => join(installations, version, 'bin')).find(bin => existsSync(join(bin, 'initdb')))
}

/** One server that can be followed by logical replication. Not on PostgreSQL's own port, which the service of the same package may hold. */
export const postgres: Engine = {
  name: 'postgres',
  ports: () => ({ client: 15_432 }),

  async fetch(site) {
    if (installedPostgres() === undefined) await install(site, 'postgres', 'postgresql')
  },

  async launch(site, node): Promise<Launch> {
    const bin = installedPostgres()
    if (bin === undefined) throw new EngineError(`There is no PostgreSQL server below ${installations}, although its package is installed.`)
    const user = insteadOfRoot('postgres')
    const { folder, cluster, password } = await clusterOf(site, node, bin)
    const settings = {
      listen_addresses: '127.0.0.1', port: node.ports.client, unix_socket_directories: cluster, timezone: 'UTC',
      wal_level: 'logical', max_wal_senders: 10, max_replication_slots: 10, max_slot_wal_keep_size: '512MB', shared_buffers: '64MB',
      // Nothing here has to outlive the machine. Commits stay synchronous: otherwise followers hear of them only at the next tick of the log's writer.
      fsync: 'off', full_page_writes: 'off',
    }
    return {
      version: (/\d+(\.\d+)+/.exec(await run(join(bin, 'postgres'), ['--version'], { signal: site.signal })) ?? ['unknown'])[0],
      command: join(bin, 'postgres'),
      args: ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      ...(user && { user }),
      folder,
      reach: { POSTGRES_URL: `postgresql://${owner}:${password}@127.0.0.1:${node.ports.client}/postgres` },
    }
  },

  async answers({ reach }, signal) {
    const client = new pg.Client({ connectionString: reach['POSTGRES_URL'], connectionTimeoutMillis: 10_000, query_timeout: 10_000 })
    const abandon = () => { client.connection.stream.destroy() }
    signal.addEventListener('abort', abandon, { once: true })
    try {
      await client.connect()
      await client.query('SELECT 1')
    } finally {
      signal.removeEventListener('abort', abandon)
      await client.end()
    }
  },
}

/** The server's files, made at the first start; root's cache folder is closed to the server's user, so there they lie in that user's home. */
async function clusterOf(site: Site, node: EngineNode, bin: string): Promise<{ readonly folder: string; readonly cluster: string; readonly password: string }> {
  const user = insteadOfRoot('postgres')
  const folder = user ? join(user.home, `tributary-${createHash('sha256').update(site.home).digest('hex').slice(0, 12)}`) : node.data
  const cluster = join(folder, 'cluster')
  const passwordFile = join(folder, 'password')
  if (!existsSync(join(cluster, 'PG_VERSION'))) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 })
    if (user) for (const path of [folder, passwordFile]) await chown(path, user.uid, user.gid)
    await run(join(bin, 'initdb'), ['-D', cluster, '-U', owner, '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'], { cwd: folder, signal: site.signal, ...(user && { user }) })
  }
  return { folder, cluster, password: await readFile(passwordFile, 'utf8') }
}
