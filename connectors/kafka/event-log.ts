import { Partitioners } from 'kafkajs'
import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { EventLog, EventPlace, NewEvent, StoredEvent, TopicDetail, TopicInfo, TopicLimits, TopicSettings } from '../ports/event-log.ts'
import type { Clock, Log, Scope } from '../ports/scope.ts'
import { refuseInternal, storedName, storedNameOf, topicOf } from '../topics/names.ts'
import { checkLimits, checkSettings } from '../topics/settings.ts'
import { untilLeft } from '../signals/until-left.ts'
import type { ProducedMessage } from './client.ts'
import { Connections } from './connections.ts'
import { attempt } from './failures.ts'
import { Groups } from './groups.ts'
import { PartitionProducer } from './producer.ts'
import { readFrom } from './reader.ts'
import { Runs } from './runs.ts'
import { alterTopic, createTopic, deleteTopic, describeTopic, isMissing, listTopics } from './topics.ts'
import { Watcher } from './watcher.ts'

export interface KafkaOptions {
  /** `host:port` each, of any brokers of the cluster: the others are learned from them. Kafka 2.3 or newer. */
  readonly brokers: readonly string[]
  /** Stamps what is appended. */
  readonly clock: Clock
  readonly log: Log
  /** Size at which partitions of topics made here begin a new segment: retention goes by whole ones. Absent: as the brokers are set up. */
  readonly segmentBytes?: number
}

/**
 * Topics of a Kafka cluster. Nothing is connected before it is needed, and what breaks is connected again: a call goes on trying for 30 s, or until its scope ends.
 *
 *   topic   a tenant's name for it is mapped as connectors/topics/names.ts says
 *   group   `tributary.` and the group's name, mapped in the same way
 *   key     its UTF-8 bytes; the partition by Kafka's own hash, so that other programs' events of one key meet ours
 *   header  text as UTF-8 bytes; of one that another program gave several times the last
 */
export function openKafkaEvents(options: KafkaOptions): EventLog {
  return new KafkaEvents(options)
}

interface Appending {
  readonly producers: Map<number, PartitionProducer>
  readonly partitionOf: ReturnType<typeof Partitioners.DefaultPartitioner>
}

class KafkaEvents implements EventLog {
  readonly #options: KafkaOptions
  readonly #connections: Connections
  readonly #runs = new Runs()
  readonly #watcher: Watcher
  readonly #groups: Groups
  readonly #appending = new Map<string, Appending>()
  readonly #closing = new AbortController()

  constructor(options: KafkaOptions) {
    this.#options = options
    const { brokers, log } = options
    this.#connections = new Connections({ brokers, log, clientId: 'tributary' })
    this.#watcher = new Watcher(new Connections({ brokers, log, clientId: 'tributary-wait' }), this.#runs, log)
    this.#groups = new Groups(this.#connections)
  }

  async createTopic(scope: Scope, settings: TopicSettings): Promise<void> {
    this.#enter(scope)
    checkSettings(scope.tenant, settings)
    refuseInternal(settings.name, 'made')
    await createTopic(scope, this.#connections, storedName(scope.tenant, settings.name), settings, this.#options.segmentBytes)
  }

  async topics(scope: Scope): Promise<readonly TopicInfo[]> {
    this.#enter(scope)
    return listTopics(scope, this.#connections)
  }

  async topic(scope: Scope, name: string): Promise<TopicDetail | undefined> {
    this.#enter(scope)
    const stored = storedNameOf(scope.tenant, name)
    return stored === undefined ? undefined : describeTopic(scope, this.#connections, stored)
  }

  async alterTopic(scope: Scope, name: string, limits: TopicLimits): Promise<void> {
    this.#enter(scope)
    checkLimits(limits)
    const { stored } = await this.#known(scope, name)
    refuseInternal(name, 'altered')
    await alterTopic(scope, this.#connections, stored, limits)
  }

  async deleteTopic(scope: Scope, name: string): Promise<boolean> {
    this.#enter(scope)
    refuseInternal(name, 'deleted')
    const stored = storedName(scope.tenant, name)
    const deleted = await deleteTopic(scope, this.#connections, stored)
    this.#appending.delete(stored)
    this.#runs.forget(stored)
    this.#watcher.gone(stored)
    return deleted
  }

  async append(scope: Scope, name: string, events: readonly NewEvent[]): Promise<readonly EventPlace[]> {
    this.#enter(scope)
    refuseInternal(name, 'written to')
    const { stored, leaders } = await this.#known(scope, name)
    const appending = this.#appending.get(stored) ?? { producers: new Map<number, PartitionProducer>(), partitionOf: Partitioners.DefaultPartitioner() }
    this.#appending.set(stored, appending)
    const timestamp = String(this.#options.clock.now())
    const messages = events.map(event => messageOf(event, timestamp))
    const partitionMetadata = leaders.map((leader, partitionId) => ({ partitionErrorCode: 0, partitionId, leader, replicas: [], isr: [] }))
    const partitions = messages.map(message => appending.partitionOf({ topic: stored, partitionMetadata, message }))
    const places: EventPlace[] = []
    await untilLeft(scope.signal, Promise.all([...Map.groupBy(partitions.keys(), index => partitions[index] ?? 0)].map(async ([partition, indexes]) => {
      const producer = appending.producers.get(partition) ?? new PartitionProducer({ connections: this.#connections, clock: this.#options.clock, closing: this.#closing.signal, topic: stored, partition })
      appending.producers.set(partition, producer)
      const first = await producer.append(indexes.map(index => messages[index] as ProducedMessage), scope.signal)
      this.#runs.appended(stored, partition, first + indexes.length)
      for (const [nth, index] of indexes.entries()) places[index] = { partition, offset: first + nth }
    }))).catch(error => this.#gone(scope, name, stored, error))
    return places
  }

  async read(scope: Scope, name: string, partition: number, offset: number, limit: number): Promise<readonly StoredEvent[]> {
    this.#enter(scope)
    const { stored } = await this.#known(scope, name, partition)
    return readFrom(scope, { connections: this.#connections, runs: this.#runs }, { topic: stored, partition, offset }, limit).catch(error => this.#gone(scope, name, stored, error))
  }

  async wait(scope: Scope, name: string, partition: number, offset: number): Promise<void> {
    this.#enter(scope)
    const { stored, leaders } = await this.#known(scope, name, partition)
    const known = this.#watcher.knows(stored, partition, offset)
    if (known === true) return
    if (known === undefined && (await this.read(scope, name, partition, offset, 1)).length > 0) return
    await this.#watcher.wait(stored, partition, offset, leaders[partition] ?? 0, scope.signal)
  }

  async committed(scope: Scope, group: string, name: string): Promise<readonly number[]> {
    this.#enter(scope)
    const { stored, leaders } = await this.#known(scope, name)
    return this.#groups.committed(scope, groupId(scope, group), stored, leaders.length).catch(error => this.#gone(scope, name, stored, error))
  }

  async commit(scope: Scope, group: string, name: string, partition: number, offset: number): Promise<void> {
    this.#enter(scope)
    const { stored } = await this.#known(scope, name, partition)
    if (!Number.isSafeInteger(offset) || offset < 0) throw new HubError('BAD_USER_INPUT', `${offset} is not an offset: a whole number from 0 on.`, { offset })
    await this.#groups.commit(scope, groupId(scope, group), stored, partition, offset).catch(error => this.#gone(scope, name, stored, error))
  }

  async check(scope: Scope): Promise<void> {
    this.#enter(scope)
    await attempt(scope, () => this.#connections.metadata(['__consumer_offsets'])).catch((error: unknown) => {
      if (!isMissing(error)) throw error
    })
  }

  async close(): Promise<void> {
    this.#closing.abort(new HubError('SHUTTING_DOWN', 'The event log was closed.'))
    await Promise.all([this.#watcher.close(), this.#connections.close()])
  }

  #enter(scope: Scope): void {
    scope.signal.throwIfAborted()
    this.#closing.signal.throwIfAborted()
  }

  /** The topic's name in Kafka and the leader of each partition. A topic or partition that is none → NOT_FOUND with the nearest name. */
  async #known(scope: Scope, name: string, partition = 0): Promise<{ stored: string; leaders: readonly number[] }> {
    const stored = storedName(scope.tenant, name)
    const leaders = await attempt(scope, () => this.#connections.leaders(stored))
    if (!leaders) throw await this.#unknown(scope, name)
    if (leaders[partition] === undefined) throw new HubError('NOT_FOUND', `Topic "${name}" has no partition ${partition}; it has ${leaders.length}, from 0.`, { topic: name, partition })
    return { stored, leaders }
  }

  /** A topic that another program deleted was taken for one that is there. */
  async #gone(scope: Scope, name: string, stored: string, error: unknown): Promise<never> {
    if (!isMissing(error)) throw error
    this.#connections.forget(stored)
    this.#runs.forget(stored)
    this.#appending.delete(stored)
    throw await this.#unknown(scope, name)
  }

  async #unknown(scope: Scope, name: string): Promise<HubError> {
    const { topicMetadata } = await attempt(scope, () => this.#connections.metadata([]))
    const names = topicMetadata.flatMap(({ topic }) => topicOf(scope.tenant, topic) ?? [])
    return new HubError('NOT_FOUND', `There is no topic "${name}".${didYouMean(name, names)}`, { topic: name })
  }
}

function messageOf({ key, value, headers }: NewEvent, timestamp: string): ProducedMessage {
  return { key: key === undefined ? null : Buffer.from(key), value: Buffer.from(value.buffer, value.byteOffset, value.byteLength), headers: headers ?? {}, timestamp }
}

function groupId({ tenant }: Scope, group: string): string {
  return `tributary.${storedName(tenant, group)}`
}
