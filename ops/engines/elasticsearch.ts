import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Engine, Launch, Site } from './engine.ts'
import { javaFor } from './java.ts'
import { artifact, classPath, fetchMaven, folderOf } from './maven.ts'
import { run } from './program.ts'
import { mavenPinOf } from './versions.ts'

const javaRange = { from: 21 }
const sources = join(import.meta.dirname, 'elasticsearch')

const classesOf = (site: Site) => join(folderOf(site, 'elasticsearch'), 'classes')

/** One node from the server's published libraries: no scripts, no analyzers of languages, no delete-by-query, none of x-pack. */
export const elasticsearch: Engine = {
  name: 'elasticsearch',
  ports: () => ({ client: 9_200, transport: 9_300 }),

  async fetch(site) {
    await Promise.all([fetchMaven(site, 'elasticsearch'), fetchMaven(site, 'elasticsearch', 'ecj'), javaFor(site, 'elasticsearch', javaRange)])
  },

  async launch(site, node): Promise<Launch> {
    const java = await javaFor(site, 'elasticsearch', javaRange)
    await compile(site)
    const [config, temporary] = [join(node.data, 'config'), join(node.data, 'tmp')]
    for (const folder of [config, temporary]) await mkdir(folder, { recursive: true })
    const settings = {
      'cluster.name': 'tributary', 'node.name': 'elasticsearch', 'network.host': '127.0.0.1', 'http.port': node.ports.client, 'transport.port': node.ports['transport'],
      'discovery.type': 'single-node', 'cluster.routing.allocation.disk.threshold_enabled': false, 'node.store.allow_mmap': false,
    }
    await writeFile(join(config, 'elasticsearch.yml'), Object.entries(settings).map(([name, value]) => `${name}: ${value}\n`).join(''))
    return {
      version: mavenPinOf('elasticsearch').version,
      command: java.command,
      args: [
        // The first compiler alone: on two cores the second makes the start three times as long.
        '-Xms512m', '-Xmx768m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:MaxDirectMemorySize=256m', '-Djava.net.preferIPv4Stack=true', '-Dfile.encoding=UTF-8', '-Duser.timezone=UTC',
        '-Dio.netty.noUnsafe=true', '-Dio.netty.noKeySetOptimization=true', '-Dio.netty.recycler.maxCapacityPerThread=0', '-Dlog4j.shutdownHookEnabled=false', '-Dlog4j2.disable.jmx=true',
        `-Des.path.home=${node.data}`, '-Des.distribution.type=tar', `-Djava.io.tmpdir=${temporary}`,
        '--enable-native-access=ALL-UNNAMED', '--add-opens=java.base/java.io=ALL-UNNAMED', '--add-opens=java.base/java.nio=ALL-UNNAMED', '--add-modules=jdk.net,jdk.management.agent',
        '-cp', `${classesOf(site)}:${classPath(site, 'elasticsearch')}`, 'org.elasticsearch.node.Start', node.data,
      ],
      reach: { ELASTICSEARCH_URL: `http://127.0.0.1:${node.ports.client}` },
    }
  },

  async answers({ ports }, signal) {
    const response = await fetch(`http://127.0.0.1:${ports.client}/_cluster/health?wait_for_status=yellow&timeout=2s`, { signal })
    const health = z.object({ status: z.string(), timed_out: z.boolean() }).parse(await response.json())
    if (health.timed_out) throw new Error(`Elasticsearch says that it is ${health.status}`)
  },
}

/** With a compiler from the registry, because a runtime has none of its own. Our sources change without a version: they are compiled at every start. */
async function compile(site: Site): Promise<void> {
  const java = await javaFor(site, 'elasticsearch', javaRange)
  const classes = classesOf(site)
  const compiling = `${classes}.new`
  await rm(compiling, { recursive: true, force: true })
  const files = (await readdir(sources, { recursive: true })).filter(name => name.endsWith('.java')).map(name => join(sources, name))
  await run(java.command, ['-jar', artifact(site, 'ecj', /^ecj-/), '-21', '-nowarn', '--system', java.home, '-cp', classPath(site, 'elasticsearch'), '-d', compiling, ...files], { signal: site.signal })
  if (existsSync(classes)) await rm(classes, { recursive: true })
  await rename(compiling, classes)
}
