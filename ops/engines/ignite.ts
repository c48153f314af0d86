import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine, EngineNode, Launch, Site } from './engine.ts'
import { javaFor } from './java.ts'
import { classPath, fetchMaven } from './maven.ts'
import { mavenPinOf } from './versions.ts'
import { converse, littleEndianLength } from './wire.ts'

const javaRange = { from: 17 }
const mib = 1 << 20

/** What Ignite reaches into, as its own start script opens it. */
const opened = [
  'java.base/jdk.internal.access', 'java.base/jdk.internal.misc', 'java.base/sun.nio.ch', 'java.base/sun.util.calendar', 'java.base/sun.reflect.generics.reflectiveObjects',
  'java.base/java.io', 'java.base/java.nio', 'java.base/java.net', 'java.base/java.util', 'java.base/java.util.concurrent', 'java.base/java.util.concurrent.locks',
  'java.base/java.util.concurrent.atomic', 'java.base/java.lang', 'java.base/java.lang.invoke', 'java.base/java.lang.reflect', 'java.base/java.math', 'java.base/java.time', 'java.base/java.text',
  'java.sql/java.sql', 'java.management/com.sun.jmx.mbeanserver', 'java.management/sun.management', 'jdk.management/com.sun.management.internal', 'jdk.internal.jvmstat/sun.jvmstat.monitor', 'java.desktop/java.awt.font',
]

/** A cluster in memory of one or two nodes that find each other on the loopback. */
export const ignite: Engine = {
  name: 'ignite',
  mostNodes: 2,
  ports: node => ({ client: 10_799 + node, communication: 11_099 + node, discovery: 11_199 + node }),

  async fetch(site) {
    await fetchMaven(site, 'ignite')
    await javaFor(site, 'ignite', javaRange)
  },

  async launch(site, node): Promise<Launch> {
    const java = await javaFor(site, 'ignite', javaRange)
    const file = join(node.data, 'ignite.xml')
    await writeFile(file, configuration(site, node))
    return {
      version: mavenPinOf('ignite').version,
      command: java.command,
      args: [
        '-Xms256m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:MaxDirectMemorySize=1g', '-Duser.timezone=UTC', '-Djava.net.preferIPv4Stack=true',
        '-DIGNITE_QUIET=true', '-DIGNITE_NO_ASCII=true', '-DIGNITE_UPDATE_NOTIFIER=false',
        ...(java.version >= 24 ? ['--enable-native-access=ALL-UNNAMED', '--sun-misc-unsafe-memory-access=allow'] : []),
        ...opened.map(name => `--add-opens=${name}=ALL-UNNAMED`),
        '-cp', classPath(site, 'ignite'), 'org.apache.ignite.startup.cmdline.CommandLineStartup', file,
      ],
      reach: { [`IGNITE_HOST_${node.number}`]: `127.0.0.1:${node.ports.client}` },
    }
  },

  /**
   * Ignite thin client protocol, little-endian, every message behind its length (int32):
   *   handshake : int8 1, int16 × 3 version, int8 2 = thin client   → int8 1 = welcome
   *   request   : int16 1050 = names of the caches, int64 id        → int64 id, int32 status, 0 = fine
   */
  async answers({ ports }, signal) {
    const handshake = Buffer.from([8, 0, 0, 0, 1, 1, 0, 2, 0, 0, 0, 2])
    const cacheNames = Buffer.alloc(14)
    cacheNames.writeInt32LE(10)
    cacheNames.writeInt16LE(1050, 4)
    const [welcome, names] = await converse(ports.client, littleEndianLength, [handshake, cacheNames], signal)
    if (welcome?.[0] !== 1) throw new Error('Ignite refused the handshake')
    if (names?.readInt32LE(8) !== 0) throw new Error(`Ignite answered with status ${names?.readInt32LE(8)}`)
  },
}

function configuration(site: Site, { ports }: EngineNode): string {
  const seeds = Array.from({ length: ignite.mostNodes ?? 1 }, (_, index) => `<value>127.0.0.1:${ignite.ports(index + 1)['discovery']! + site.portOffset}</value>`)
  const bean = (name: string, properties: string) => `<bean class="org.apache.ignite.${name}">${properties}</bean>`
  const value = (name: string, text: string | number | boolean) => `<property name="${name}" value="${text}"/>`
  const nested = (name: string, content: string) => `<property name="${name}">${content}</property>`
  return `<?xml version="1.0" encoding="UTF-8"?>
<beans xmlns="http://www.springframework.org/schema/beans" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans.xsd">
${bean('configuration.IgniteConfiguration', [
    value('localHost', '127.0.0.1'), value('metricsLogFrequency', 0),
    // A machine with more to do than it has cores lets a node wait; a cluster must not fall apart over it.
    value('failureDetectionTimeout', 60_000),
    ...['publicThreadPoolSize', 'systemThreadPoolSize', 'stripedPoolSize', 'queryThreadPoolSize'].map(pool => value(pool, 4)),
    nested('connectorConfiguration', '<null/>'),
    nested('dataStorageConfiguration', bean('configuration.DataStorageConfiguration', value('metricsEnabled', true) + nested('defaultDataRegionConfiguration',
      bean('configuration.DataRegionConfiguration', value('name', 'default') + value('initialSize', 32 * mib) + value('maxSize', 512 * mib) + value('metricsEnabled', true))))),
    nested('clientConnectorConfiguration', bean('configuration.ClientConnectorConfiguration', value('host', '127.0.0.1') + value('port', ports.client) + value('portRange', 0) + value('threadPoolSize', 4)
      + nested('thinClientConfiguration', bean('configuration.ThinClientConfiguration', value('maxActiveTxPerConnection', 100))))),
    nested('communicationSpi', bean('spi.communication.tcp.TcpCommunicationSpi', value('localPort', ports['communication']!) + value('localPortRange', 0))),
    nested('discoverySpi', bean('spi.discovery.tcp.TcpDiscoverySpi', value('localPort', ports['discovery']!) + value('localPortRange', 0)
      + nested('ipFinder', bean('spi.discovery.tcp.ipfinder.vm.TcpDiscoveryVmIpFinder', nested('addresses', `<list>${seeds.join('')}</list>`))))),
  ].join('\n'))}
</beans>
`
}
