import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine, EngineNode, Launch } from './engine.ts'
import { javaFor } from './java.ts'
import { artifact, classPath, fetchMaven } from './maven.ts'
import { mavenPinOf } from './versions.ts'
import { converse } from './wire.ts'

const javaRange = { from: 17, to: 17 }

/** What Cassandra reaches into, as its own options for Java 17 name it. */
const exported = [
  'java.base/java.lang', 'java.base/java.lang.ref', 'java.base/java.lang.reflect', 'java.base/jdk.internal.loader', 'java.base/jdk.internal.misc', 'java.base/jdk.internal.ref', 'java.base/jdk.internal.util.jar',
  'java.base/sun.nio.ch', 'java.base/sun.nio.fs', 'java.management/com.sun.jmx.remote.security', 'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry', 'java.rmi/sun.rmi.server', 'java.rmi/sun.rmi.transport.tcp', 'java.sql/java.sql',
]
const opened = [
  'java.base/java.io', 'java.base/java.lang', 'java.base/java.lang.module', 'java.base/java.lang.reflect', 'java.base/java.math', 'java.base/java.net', 'java.base/java.nio', 'java.base/java.util',
  'java.base/java.util.concurrent', 'java.base/java.util.concurrent.atomic', 'java.base/java.util.concurrent.locks', 'java.base/jdk.internal.loader', 'java.base/jdk.internal.math', 'java.base/jdk.internal.module',
  'java.base/jdk.internal.ref', 'java.base/jdk.internal.reflect', 'java.base/jdk.internal.util.jar', 'java.base/sun.net', 'java.base/sun.nio.ch', 'java.base/sun.security.util', 'jdk.management/com.sun.management.internal',
]

/** One node that does not wait for others. */
export const cassandra: Engine = {
  name: 'cassandra',
  ports: () => ({ client: 9_042, storage: 7_000, jmx: 7_199 }),

  async fetch(site) {
    await fetchMaven(site, 'cassandra')
    await javaFor(site, 'cassandra', javaRange)
  },

  async launch(site, node): Promise<Launch> {
    const java = await javaFor(site, 'cassandra', javaRange)
    const config = join(node.data, 'config')
    await mkdir(config, { recursive: true })
    // Every value is text, a number or a list that JSON writes as YAML reads it.
    await writeFile(join(config, 'cassandra.yaml'), Object.entries(configuration(node)).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`).join(''))
    await writeFile(join(config, 'logback.xml'), logging)
    return {
      version: mavenPinOf('cassandra').version,
      command: java.command,
      args: [
        '-Xms512m', '-Xmx768m', '-Xss256k', '-XX:+UseSerialGC', '-XX:MaxDirectMemorySize=256m', '-Duser.timezone=UTC', '-Djava.net.preferIPv4Stack=true', '-Djdk.attach.allowAttachSelf=true',
        ...exported.map(name => `--add-exports=${name}=ALL-UNNAMED`), ...opened.map(name => `--add-opens=${name}=ALL-UNNAMED`), `-javaagent:${artifact(site, 'cassandra', /^jamm-/)}`,
        `-Dcassandra.config=file://${join(config, 'cassandra.yaml')}`, `-Dcassandra.storagedir=${node.data}`, '-Dlogback.configurationFile=logback.xml', '-Dcassandra-foreground=yes',
        '-Dcassandra.skip_wait_for_gossip_to_settle=0', '-Dcassandra.ring_delay_ms=0', '-Dcassandra.superuser_setup_delay_ms=0', `-Dcassandra.jmx.local.port=${node.ports['jmx']}`,
        '-cp', `${config}:${classPath(site, 'cassandra')}`, 'org.apache.cassandra.service.CassandraDaemon',
      ],
      reach: { CASSANDRA_HOST: `127.0.0.1:${node.ports.client}`, CASSANDRA_DATACENTER: 'datacenter1' },
    }
  },

  /**
   * CQL binary protocol 4. A frame: uint8 version, uint8 flags, int16 stream, uint8 opcode, int32 length of the body.
   *   STARTUP (1) : string map                                → READY (2)
   *   QUERY (7)   : long string, uint16 consistency, uint8 0  → RESULT (8)
   */
  async answers({ ports }, signal) {
    const startup = frame(1, Buffer.concat([uint16(1), text('CQL_VERSION'), text('3.0.0')]))
    const statement = Buffer.from('SELECT release_version FROM system.local')
    const query = frame(7, Buffer.concat([uint32(statement.length), statement, uint16(1), Buffer.from([0])]))
    let opcode = 0
    const framing = { headerBytes: 9, bodyLength: (header: Buffer) => { opcode = header.readUInt8(4); return header.readInt32BE(5) } }
    await converse(ports.client, framing, [startup, query], signal)
    if (opcode !== 8) throw new Error(`Cassandra answered with opcode ${opcode}`)
  },
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const text = (value: string) => Buffer.concat([uint16(Buffer.byteLength(value)), Buffer.from(value)])
const frame = (opcode: number, body: Buffer) => Buffer.concat([Buffer.from([4, 0, 0, 0, opcode]), uint32(body.length), body])

function configuration({ ports, data }: EngineNode): Record<string, unknown> {
  return {
    cluster_name: 'tributary', num_tokens: 4, partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner', endpoint_snitch: 'SimpleSnitch',
    seed_provider: [{ class_name: 'org.apache.cassandra.locator.SimpleSeedProvider', parameters: [{ seeds: `127.0.0.1:${ports['storage']}` }] }],
    listen_address: '127.0.0.1', storage_port: ports['storage'], rpc_address: '127.0.0.1', start_native_transport: true, native_transport_port: ports.client,
    data_file_directories: [join(data, 'data')], commitlog_directory: join(data, 'commitlog'), saved_caches_directory: join(data, 'saved_caches'), hints_directory: join(data, 'hints'), cdc_raw_directory: join(data, 'cdc_raw'),
    authenticator: 'AllowAllAuthenticator', authorizer: 'AllowAllAuthorizer', auto_snapshot: false,
    commitlog_sync: 'periodic', commitlog_sync_period: '100ms', commitlog_segment_size: '8MiB', commitlog_total_space: '128MiB',
    concurrent_reads: 8, concurrent_writes: 8, concurrent_counter_writes: 4, concurrent_compactors: 1,
    memtable_heap_space: '96MiB', memtable_offheap_space: '64MiB', key_cache_size: '8MiB', counter_cache_size: '4MiB', prepared_statements_cache_size: '10MiB', file_cache_size: '64MiB', networking_cache_size: '32MiB',
    memtable: { configurations: { trie: { class_name: 'TrieMemtable' }, default: { inherits: 'trie' } } }, sstable: { selected_format: 'bti' }, storage_compatibility_mode: 'NONE',
  }
}

const logging = `<configuration>
  <appender name="console" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d{ISO8601} %-5level %logger{20} %msg%n</pattern></encoder></appender>
  <root level="INFO"><appender-ref ref="console"/></root>
</configuration>
`
