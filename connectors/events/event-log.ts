import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { EventLog, EventPlace, NewEvent, StoredEvent, TopicDetail, TopicInfo, TopicLimits, TopicSettings } from '../ports/event-log.ts'
import type { Clock, Log, Scope } from '../ports/scope.ts'
import { lockDirectory } from '../segments/directory-lock.ts'
import { isInternal, refuseInternal, storedName, storedNameOf, topicOf } from '../topics/names.ts'
import { checkLimits, checkSettings, mustEqual } from '../topics/settings.ts'
import { type Offsets, openOffsets, type StoredTopic } from './offsets.ts'
import { openPartition, type Partition } from './partition.ts'

export interface EventLogOptions {
  /** Holds one directory of segments per partition and the groups' offsets. */
  readonly directory: string
  readonly clock: Clock
  readonly log: Log
  /** Size at which a partition begins a new segment: retention goes by whole ones. */
  readonly segmentBytes?: number
}

/** How often age is looked at, where a topic has a limit. */
const sweepEveryMs = 30_000

interface Topic extends StoredTopic {
  readonly parts: readonly Partition[]
}

/** Opens the topics of a directory. Another process that has it open → CONFLICT naming that process. */
export async function openEventLog(options: EventLogOptions): Promise<EventLog> {
  const { directory, segmentBytes = 32 * 1024 * 1024 } = options
  const unlock = lockDirectory(directory)
  let offsets: Offsets | undefined
  try {
    offsets = openOffsets(directory)
    const opened = new SegmentEvents({ ...options, segmentBytes }, offsets, unlock)
    await opened.begin()
    return opened
  } catch (error) {
    offsets?.close()
    unlock()
    throw error
  }
}

class SegmentEvents implements EventLog {
  readonly #options: Required<EventLogOptions>
  readonly #offsets: Offsets
  readonly #unlock: () => void
  readonly #topics = new Map<string, Topic>()
  /** Topics being made or removed: one after the other. */
  #changing: Promise<unknown> = Promise.resolve()
  #spread = 0
  #stopSweeping: () => void = () => undefined
  #closed = false

  constructor(options: Required<EventLogOptions>, offsets: Offsets, unlock: () => void) {
    this.#options = options
    this.#offsets = offsets
    this.#unlock = unlock
  }

  async begin(): Promise<void> {
    const stored = this.#offsets.topics()
    const known = new Set(stored.map(({ id }) => `topic-${id}`))
    // A topic removed just before a crash may have left its segments.
    for (const name of await readdir(this.#options.directory)) {
      if (/^topic-\d+$/.test(name) && !known.has(name)) await rm(join(this.#options.directory, name), { recursive: true })
    }
    for (const topic of stored) this.#topics.set(topic.name, await this.#open(topic))
    this.#sweepLater()
  }

  createTopic(scope: Scope, settings: TopicSettings): Promise<void> {
    return this.#oneByOne(async () => {
      this.#enter(scope)
      checkSettings(scope.tenant, settings)
      refuseInternal(settings.name, 'made')
      if (settings.replicas !== undefined && settings.replicas > 1) {
        throw new HubError('VALIDATION_ERROR', `The topic cannot have ${settings.replicas} copies: the embedded log keeps 1.`, { problems: [{ path: 'replicas', message: 'More copies than there are logs.' }] })
      }
      const name = storedName(scope.tenant, settings.name)
      const existing = this.#topics.get(name)
      if (existing) return mustEqual({ ...existing, name: settings.name }, settings)
      this.#topics.set(name, await this.#open(this.#offsets.create({ ...settings, name })))
    })
  }

  async topics(scope: Scope): Promise<readonly TopicInfo[]> {
    this.#enter(scope)
    const own = [...this.#topics.values()].filter(({ name }) => topicOf(scope.tenant, name) !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1))
    return Promise.all(own.map(topic => infoOf(scope, topic)))
  }

  async topic(scope: Scope, name: string): Promise<TopicDetail | undefined> {
    this.#enter(scope)
    const topic = this.#topics.get(storedNameOf(scope.tenant, name) ?? '')
    if (!topic) return undefined
    const config = (['retentionBytes', 'retentionMs'] as const).map(limit => ({
      name: limit === 'retentionMs' ? 'retention.ms' : 'retention.bytes', value: String(topic[limit] ?? -1), source: topic[limit] === undefined ? 'DEFAULT_CONFIG' : 'TOPIC_CONFIG', isDefault: topic[limit] === undefined,
    }))
    return { ...(await infoOf(scope, topic)), brokers: topic.parts.map(() => ({ leader: 0, replicas: [0], isr: [0] })), config }
  }

  alterTopic(scope: Scope, name: string, limits: TopicLimits): Promise<void> {
    return this.#oneByOne(async () => {
      this.#enter(scope)
      checkLimits(limits)
      const { parts, ...topic } = this.#topic(scope, name)
      const altered = { ...topic, ...(limits.retentionMs !== undefined && { retentionMs: limits.retentionMs }), ...(limits.retentionBytes !== undefined && { retentionBytes: limits.retentionBytes }) }
      this.#offsets.alter(altered)
      this.#topics.set(topic.name, { ...altered, parts })
      for (const part of parts) this.#retain(altered, part)
    })
  }

  deleteTopic(scope: Scope, name: string): Promise<boolean> {
    return this.#oneByOne(async () => {
      this.#enter(scope)
      refuseInternal(name, 'deleted')
      const topic = this.#topics.get(storedName(scope.tenant, name))
      if (!topic) return false
      this.#topics.delete(topic.name)
      this.#offsets.delete(topic.id)
      const reason = new HubError('NOT_FOUND', `Topic "${name}" was deleted.`, { topic: name })
      await Promise.all(topic.parts.map(part => part.close(reason)))
      await rm(this.#directoryOf(topic), { recursive: true })
      return true
    })
  }

  async append(scope: Scope, name: string, events: readonly NewEvent[]): Promise<readonly EventPlace[]> {
    this.#enter(scope)
    const topic = this.#topic(scope, name)
    const now = this.#options.clock.now()
    const partitions = events.map(({ key }) => (key === undefined ? this.#spread++ : crc32(key)) % topic.partitions)
    const places: EventPlace[] = []
    await Promise.all([...new Set(partitions)].map(async partition => {
      const indexes = partitions.flatMap((other, index) => (other === partition ? [index] : []))
      const part = this.#part(scope, topic, partition)
      const first = await part.append(indexes.map(index => events[index] as NewEvent), now)
      for (const [nth, index] of indexes.entries()) places[index] = { partition, offset: first + nth }
      if (part.grown) this.#retain(topic, part)
    }))
    return places
  }

  async read(scope: Scope, name: string, partition: number, offset: number, limit: number): Promise<readonly StoredEvent[]> {
    this.#enter(scope)
    const part = this.#part(scope, this.#topic(scope, name), partition)
    await part.retained()
    return part.read(offset, limit)
  }

  async wait(scope: Scope, name: string, partition: number, offset: number): Promise<void> {
    this.#enter(scope)
    await this.#part(scope, this.#topic(scope, name), partition).wait(offset, scope.signal)
  }

  async committed(scope: Scope, group: string, name: string): Promise<readonly number[]> {
    this.#enter(scope)
    const topic = this.#topic(scope, name)
    const offsets = topic.parts.map(() => 0)
    for (const { partition, offset } of this.#offsets.committed(topic.id, group)) offsets[partition] = offset
    return offsets
  }

  async commit(scope: Scope, group: string, name: string, partition: number, offset: number): Promise<void> {
    this.#enter(scope)
    const topic = this.#topic(scope, name)
    this.#part(scope, topic, partition)
    if (!Number.isSafeInteger(offset) || offset < 0) throw new HubError('BAD_USER_INPUT', `${offset} is not an offset: a whole number from 0 on.`, { offset })
    await this.#offsets.commit(topic.id, group, partition, offset)
  }

  async check(scope: Scope): Promise<void> {
    this.#enter(scope)
    this.#offsets.topics()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopSweeping()
    await this.#changing
    const reason = new HubError('SHUTTING_DOWN', 'The event log was closed.')
    for (const { parts } of this.#topics.values()) await Promise.all(parts.map(part => part.close(reason)))
    this.#offsets.close()
    this.#unlock()
  }

  #enter(scope: Scope): void {
    scope.signal.throwIfAborted()
    if (this.#closed) throw new HubError('SHUTTING_DOWN', 'The event log is closed.')
  }

  #topic(scope: Scope, name: string): Topic {
    const topic = this.#topics.get(storedName(scope.tenant, name))
    if (topic) return topic
    const names = [...this.#topics.keys()].flatMap(stored => topicOf(scope.tenant, stored) ?? [])
    throw new HubError('NOT_FOUND', `There is no topic "${name}".${didYouMean(name, names)}`, { topic: name })
  }

  #part(scope: Scope, topic: Topic, partition: number): Partition {
    const part = topic.parts[partition]
    if (part) return part
    const name = topicOf(scope.tenant, topic.name)
    throw new HubError('NOT_FOUND', `Topic "${name}" has no partition ${partition}; it has ${topic.partitions}, from 0.`, { topic: name, partition })
  }

  async #open(topic: StoredTopic): Promise<Topic> {
    const { segmentBytes, log } = this.#options
    const parts: Partition[] = []
    for (let number = 0; number < topic.partitions; number++) parts.push(await openPartition({ directory: join(this.#directoryOf(topic), String(number)), number, segmentBytes, log }))
    return { ...topic, parts }
  }

  #directoryOf({ id }: StoredTopic): string {
    return join(this.#options.directory, `topic-${id}`)
  }

  #oneByOne<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(step)
    this.#changing = done.catch(() => undefined)
    return done
  }

  #sweepLater(): void {
    this.#stopSweeping = this.#options.clock.after(sweepEveryMs, () => {
      for (const topic of this.#topics.values()) if (topic.retentionMs !== undefined) for (const part of topic.parts) this.#retain(topic, part)
      this.#sweepLater()
    })
  }

  #retain(topic: StoredTopic, part: Partition): void {
    if (topic.retentionMs === undefined && topic.retentionBytes === undefined) return
    part.retain(topic, this.#options.clock.now()).catch(error => this.#options.log.error('Old events could not be deleted.', { topic: topic.name, error: String(error) }))
  }
}

async function infoOf({ tenant }: Scope, { id: _, parts, ...settings }: Topic): Promise<TopicInfo> {
  await Promise.all(parts.map(part => part.retained()))
  const name = topicOf(tenant, settings.name) ?? settings.name
  return { ...settings, name, replicas: 1, internal: isInternal(name), places: parts.map(({ start, end }) => ({ start, end })) }
}
