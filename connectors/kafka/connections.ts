import { type Broker, type ClientOptions, type Cluster, type Metadata, newCluster } from './client.ts'
import { isType } from './failures.ts'

/** Which connection to a broker: a broker answers one connection's requests one after the other. */
type Line = 'requests' | 'fetches'

/** A broker's answers about a topic are taken for true so long. */
const leadersMaxAgeMs = 60_000

interface Pool {
  readonly pool: readonly { isConnected(): boolean; connect(): Promise<unknown> }[]
}

/** Ways to the brokers of one cluster, made when first needed and made anew when they broke. */
export class Connections {
  readonly #cluster: Cluster
  readonly #finding = new Map<string, Promise<Broker>>()
  readonly #connecting = new WeakMap<object, Promise<unknown>>()
  readonly #leaders = new Map<string, { readonly byPartition: readonly number[]; readonly untilMs: number }>()
  #started: Promise<void> | undefined

  constructor(options: ClientOptions) {
    this.#cluster = newCluster(options)
  }

  any(): Promise<Broker> {
    return this.#found('any', 'requests', () => this.#cluster.brokerPool.findConnectedBroker())
  }

  at(nodeId: number, line: Line): Promise<Broker> {
    return this.#found(`${line} ${nodeId}`, line, () => this.#cluster.findBroker({ nodeId }))
  }

  controller(): Promise<Broker> {
    return this.#found('controller', 'requests', () => this.#cluster.findControllerBroker())
  }

  coordinator(groupId: string): Promise<Broker> {
    return this.#found(`group ${groupId}`, 'requests', () => this.#cluster.findGroupCoordinator({ groupId }))
  }

  async metadata(topics: readonly string[]): Promise<Metadata> {
    return (await this.any()).metadata(topics)
  }

  /** Who leads each partition, by its number; undefined where there is no such topic. Asked of a broker once a minute, or when `forget` was told that it is wrong. */
  async leaders(stored: string): Promise<readonly number[] | undefined> {
    const known = this.#leaders.get(stored)
    if (known && known.untilMs > performance.now()) return known.byPartition
    try {
      const { topicMetadata } = await this.metadata([stored])
      const byPartition = (topicMetadata[0]?.partitionMetadata ?? []).toSorted((a, b) => a.partitionId - b.partitionId).map(({ leader }) => leader)
      this.#leaders.set(stored, { byPartition, untilMs: performance.now() + leadersMaxAgeMs })
      return byPartition
    } catch (error) {
      this.forget(stored)
      if (isType(error, 'UNKNOWN_TOPIC_OR_PARTITION')) return undefined
      throw error
    }
  }

  forget(stored: string): void {
    this.#leaders.delete(stored)
  }

  async close(): Promise<void> {
    await this.#started?.catch(() => undefined)
    await this.#cluster.disconnect()
  }

  #start(): Promise<void> {
    this.#started ??= this.#learn().catch(error => {
      this.#started = undefined
      throw error
    })
    return this.#started
  }

  async #learn(): Promise<void> {
    await this.#cluster.connect()
    await this.#cluster.refreshMetadata()
  }

  /** Who asks for the same broker at the same time waits for the same answer. */
  #found(key: string, line: Line, find: () => Promise<Broker>): Promise<Broker> {
    const known = this.#finding.get(key)
    if (known) return known
    const finding = this.#start().then(find).then(broker => this.#open(broker, line)).finally(() => this.#finding.delete(key))
    this.#finding.set(key, finding)
    return finding
  }

  /** One attempt to connect at a time: kafkajs would open one socket for each request that finds none. */
  async #open(broker: Broker, line: Line): Promise<Broker> {
    const connection = (broker.connectionPool as unknown as Pool).pool[line === 'fetches' ? 1 : 0]
    if (!connection || connection.isConnected()) return broker
    const connecting = this.#connecting.get(connection) ?? connection.connect().finally(() => this.#connecting.delete(connection))
    this.#connecting.set(connection, connecting)
    await connecting
    return broker
  }
}
