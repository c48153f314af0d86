import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Engine, EngineNode, Launch, Site } from './engine.ts'
import { javaFor } from './java.ts'
import { artifact, fetchMaven, folderOf } from './maven.ts'
import { run } from './program.ts'
import { mavenPinOf } from './versions.ts'

const javaRange = { from: 24 }

/** The connectors in use, of some forty that come along: each one costs time at every start. The one of PostgreSQL needs the types of `geospatial`. */
const plugins = new Set(['tpch', 'memory', 'postgresql', 'geospatial', 'cassandra', 'elasticsearch', 'ignite', 'kafka', 'hive', 'iceberg'])

const serverOf = (site: Site) => join(folderOf(site, 'trino'), 'server')
const warehouseOf = ({ data }: EngineNode) => join(data, 'warehouse')

/** One coordinator that is its own worker. Catalogs created by statement are kept with its data. */
export const trino: Engine = {
  name: 'trino',
  ports: () => ({ client: 18_080 }),

  async fetch(site) {
    await Promise.all([fetchServer(site), javaFor(site, 'trino', javaRange)])
  },

  async launch(site, node): Promise<Launch> {
    const java = await javaFor(site, 'trino', javaRange)
    const etc = join(node.data, 'etc')
    // Trino disables a catalog whose folder is not there.
    for (const folder of [join(etc, 'catalog'), warehouseOf(node)]) await mkdir(folder, { recursive: true })
    for (const [file, properties] of Object.entries(configuration(node))) await writeFile(join(etc, file), Object.entries(properties).map(([key, value]) => `${key}=${value}\n`).join(''))
    return {
      version: mavenPinOf('trino').version,
      command: java.command,
      args: [
        '-Xms512m', '-Xmx1200m', '-XX:+UseSerialGC', '-XX:+ExitOnOutOfMemoryError', '-XX:ReservedCodeCacheSize=192M', '-XX:-OmitStackTraceInFastThrow',
        '-XX:PerMethodRecompilationCutoff=10000', '-XX:PerBytecodeRecompilationCutoff=10000', '-XX:+EnableDynamicAgentLoading',
        '-Djdk.attach.allowAttachSelf=true', '-Djdk.nio.maxCachedBufferSize=2000000', '-Dfile.encoding=UTF-8', '-Duser.timezone=UTC',
        '--add-opens=java.base/java.nio=ALL-UNNAMED', '--enable-native-access=ALL-UNNAMED', '--sun-misc-unsafe-memory-access=allow',
        `-Dconfig=${join(etc, 'config.properties')}`, `-Dlog.levels-file=${join(etc, 'log.properties')}`, `-Dplugin.dir=${join(serverOf(site), 'plugin')}`,
        '-Dnode.environment=tributary', '-Dnode.id=trino', `-Dnode.data-dir=${node.data}`, '-Dnode.internal-address=127.0.0.1', '-Dnode.bind-ip=127.0.0.1',
        '-cp', join(serverOf(site), 'lib', '*'), 'io.trino.server.TrinoServer',
      ],
      reach: { TRINO_URL: `http://127.0.0.1:${node.ports.client}` },
    }
  },

  /** `/v1/info` says that it is starting until the catalogs are there; a statement is accepted a moment later, when a worker is. */
  async answers({ ports }, signal) {
    const root = `http://127.0.0.1:${ports.client}`
    const info = z.object({ starting: z.boolean() }).parse(await (await fetch(`${root}/v1/info`, { signal })).json())
    if (info.starting) throw new Error('Trino says that it is starting')
    const page = z.object({ nextUri: z.string().optional(), data: z.array(z.unknown()).optional(), error: z.object({ message: z.string() }).optional() })
    let answer = page.parse(await (await fetch(`${root}/v1/statement`, { method: 'POST', body: 'SELECT 1', headers: { 'x-trino-user': 'engines' }, signal })).json())
    let rows = 0
    while (answer.nextUri) {
      answer = page.parse(await (await fetch(answer.nextUri, { signal })).json())
      rows += answer.data?.length ?? 0
    }
    if (rows !== 1) throw new Error(answer.error?.message ?? `SELECT 1 answered ${rows} rows`)
  },
}

/** Unpacks the distribution and keeps of it what is used. */
async function fetchServer(site: Site): Promise<void> {
  const server = serverOf(site)
  const kept: readonly string[] = await readdir(join(server, 'plugin')).catch(() => [])
  if ([...plugins].every(name => kept.includes(name))) return
  await fetchMaven(site, 'trino')
  const archive = artifact(site, 'trino', /\.tar\.gz$/)
  const unpacking = `${server}.unpacking`
  await rm(unpacking, { recursive: true, force: true })
  await mkdir(unpacking, { recursive: true })
  site.say('trino', 'unpacking')
  // Everything, because plugins are hard links to each other's files.
  await run('tar', ['-xzf', archive, '-C', unpacking, '--strip-components=1'], { signal: site.signal })
  for (const name of await readdir(join(unpacking, 'plugin'))) if (!plugins.has(name)) await rm(join(unpacking, 'plugin', name), { recursive: true })
  await rm(server, { recursive: true, force: true })
  await rename(unpacking, server)
  await rm(archive)
}

function configuration(node: EngineNode): Record<string, Record<string, string | number | boolean>> {
  const { ports } = node
  const local = { 'fs.native-local.enabled': true, 'local.location': warehouseOf(node) }
  return {
    'config.properties': {
      coordinator: true, 'node-scheduler.include-coordinator': true, 'http-server.http.port': ports.client, 'discovery.uri': `http://127.0.0.1:${ports.client}`,
      'query.max-memory': '400MB', 'query.max-memory-per-node': '400MB', 'memory.heap-headroom-per-node': '300MB',
      // Found in etc/catalog below the working folder, and kept there.
      'catalog.management': 'dynamic',
    },
    'log.properties': { 'io.trino': 'WARN' },
    'catalog/tpch.properties': { 'connector.name': 'tpch' },
    'catalog/memory.properties': { 'connector.name': 'memory', 'memory.max-data-per-node': '64MB' },
    'catalog/hive.properties': { 'connector.name': 'hive', 'hive.metastore': 'file', 'hive.metastore.catalog.dir': 'local:///hive', 'hive.non-managed-table-writes-enabled': true, ...local },
    'catalog/iceberg.properties': { 'connector.name': 'iceberg', 'iceberg.catalog.type': 'TESTING_FILE_METASTORE', 'hive.metastore.catalog.dir': 'local:///iceberg', ...local },
  }
}
