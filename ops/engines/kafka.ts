import { randomBytes } from 'node:crypto'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine, EngineNode, Launch } from './engine.ts'
import { javaFor } from './java.ts'
import { classPath, fetchMaven } from './maven.ts'
import { run } from './program.ts'
import { mavenPinOf } from './versions.ts'
import { bigEndianLength, converse } from './wire.ts'

const javaRange = { from: 17 }

/** One broker that is its own controller. Topics are made by whoever needs them, never by being written to. */
export const kafka: Engine = {
  name: 'kafka',
  ports: () => ({ client: 9_092, controller: 9_093 }),

  async fetch(site) {
    await fetchMaven(site, 'kafka')
    await javaFor(site, 'kafka', javaRange)
  },

  async launch(site, node): Promise<Launch> {
    const java = await javaFor(site, 'kafka', javaRange)
    const file = join(node.data, 'server.properties')
    await writeFile(file, Object.entries(configuration(node)).map(([key, value]) => `${key}=${value}\n`).join(''))
    const program = (...args: string[]) => ['-XX:+UseSerialGC', '-Djava.awt.headless=true', '-Djava.net.preferIPv4Stack=true', '-Duser.timezone=UTC', '-Dorg.slf4j.simpleLogger.showDateTime=true', '-cp', classPath(site, 'kafka'), ...args]
    if (!(await isFormatted(node))) {
      // The first character may not be a hyphen: the tool would take it for an option.
      const cluster = `T${randomBytes(16).toString('base64url').slice(1, 22)}`
      await run(java.command, ['-Xmx128m', '-XX:TieredStopAtLevel=1', ...program('kafka.tools.StorageTool', 'format', '-t', cluster, '-c', file)], { signal: site.signal })
    }
    return {
      version: mavenPinOf('kafka').version,
      command: java.command,
      args: ['-Xms256m', '-Xmx384m', ...program('kafka.Kafka', file)],
      reach: { KAFKA_BROKER: `127.0.0.1:${node.ports.client}` },
    }
  },

  /**
   * Metadata, version 1, big-endian:
   *   request : int32 length, int16 api 3, int16 version 1, int32 correlation, string client (int16 length), array of topics (int32 0 = none)
   *   answer  : int32 length, int32 correlation, array of brokers (int32 count), …
   */
  async answers({ ports }, signal) {
    const [answer] = await converse(ports.client, bigEndianLength, [Buffer.from([0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])], signal)
    const brokers = answer && answer.length >= 8 ? answer.readInt32BE(4) : 0
    if (brokers !== 1) throw new Error(`Kafka knows ${brokers} brokers`)
  },
}

const logsOf = ({ data }: EngineNode) => join(data, 'logs')

async function isFormatted(node: EngineNode): Promise<boolean> {
  return stat(join(logsOf(node), 'meta.properties')).then(() => true, () => false)
}

function configuration(node: EngineNode): Record<string, string | number | boolean> {
  const { client, controller } = node.ports
  return {
    'process.roles': 'broker,controller', 'node.id': 1, 'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`, 'advertised.listeners': `PLAINTEXT://127.0.0.1:${client}`,
    'inter.broker.listener.name': 'PLAINTEXT', 'controller.listener.names': 'CONTROLLER', 'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': logsOf(node), 'num.partitions': 1, 'auto.create.topics.enable': false,
    // One broker: everything that wants copies gets one.
    'offsets.topic.replication.factor': 1, 'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1, 'transaction.state.log.min.isr': 1, 'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1, 'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0, 'num.network.threads': 2, 'num.io.threads': 4, 'log.cleaner.dedupe.buffer.size': 8 << 20,
    // Limits hold within a second, so that what trimming does can be seen.
    'log.retention.check.interval.ms': 1_000, 'log.initial.task.delay.ms': 1_000,
  }
}
