import { setTimeout as pause } from 'node:timers/promises'
import { HubError } from '../../schema/errors.ts'
import type { TopicDetail, TopicInfo, TopicLimits, TopicSettings } from '../ports/event-log.ts'
import type { Scope } from '../ports/scope.ts'
import { mustEqual } from '../topics/settings.ts'
import { isInternal, topicOf } from '../topics/names.ts'
import { alterConfigsRequest } from './alter-configs.ts'
import { send, type ConfigEntry, type Metadata } from './client.ts'
import type { Connections } from './connections.ts'
import { attempt, isType } from './failures.ts'
import { placesOf } from './places.ts'

const topicResource = 2
const setOnTopic = 1
const answerMs = 9_000

/** Who set a configuration's value, in Kafka's words, by its number. */
const sources = ['UNKNOWN', 'TOPIC_CONFIG', 'DYNAMIC_BROKER_CONFIG', 'DYNAMIC_DEFAULT_BROKER_CONFIG', 'STATIC_BROKER_CONFIG', 'DEFAULT_CONFIG'] as const

const limitConfigs = { retentionMs: 'retention.ms', retentionBytes: 'retention.bytes' } as const satisfies Record<keyof TopicLimits, string>

type Described = Metadata['topicMetadata'][number]

/** The tenant's topics by name: one request for all, one for their limits, two to each broker for their offsets. */
export async function listTopics(scope: Scope, connections: Connections): Promise<readonly TopicInfo[]> {
  return attempt(scope, async () => {
    const { topicMetadata } = await connections.metadata([])
    const own = topicMetadata.filter(({ topic }) => topicOf(scope.tenant, topic) !== undefined)
    if (own.length === 0) return []
    const broker = await connections.any()
    const [places, { resources }] = await Promise.all([
      placesOf(connections, own.map(({ topic, partitionMetadata }) => ({ topic, partitions: partitionMetadata.map((_, index) => index) }))),
      broker.describeConfigs({ resources: own.map(({ topic }) => ({ type: topicResource, name: topic, configNames: Object.values(limitConfigs) })) }),
    ])
    const configs = new Map(resources.map(({ resourceName, configEntries }) => [resourceName, configEntries]))
    return own.map(topic => infoOf(scope, topic, configs.get(topic.topic) ?? [], places.get(topic.topic) ?? [])).sort((a, b) => (a.name < b.name ? -1 : 1))
  })
}

export async function describeTopic(scope: Scope, connections: Connections, stored: string): Promise<TopicDetail | undefined> {
  try {
    return await attempt(scope, async () => {
      const { topicMetadata: [topic] } = await connections.metadata([stored])
      if (!topic) return undefined
      const partitions = topic.partitionMetadata.toSorted((a, b) => a.partitionId - b.partitionId)
      const broker = await connections.any()
      const [places, { resources }] = await Promise.all([
        placesOf(connections, [{ topic: stored, partitions: partitions.map(({ partitionId }) => partitionId) }]),
        broker.describeConfigs({ resources: [{ type: topicResource, name: stored }] }),
      ])
      const entries = resources[0]?.configEntries ?? []
      return {
        ...infoOf(scope, topic, entries, places.get(stored) ?? []),
        brokers: partitions.map(({ leader, replicas, isr }) => ({ leader, replicas, isr })),
        config: entries.map(({ configName, configValue, configSource, isSensitive }) => ({
          name: configName, value: isSensitive ? null : configValue, source: sources[configSource] ?? 'UNKNOWN', isDefault: configSource !== setOnTopic,
        })).sort((a, b) => (a.name < b.name ? -1 : 1)),
      }
    })
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export async function createTopic(scope: Scope, connections: Connections, stored: string, settings: TopicSettings, segmentBytes: number | undefined): Promise<void> {
  const existing = await describeTopic(scope, connections, stored)
  if (existing) return mustEqual(existing, settings)
  const configEntries = Object.entries({ ...limitEntries(settings), ...(segmentBytes === undefined ? {} : { 'segment.bytes': String(segmentBytes) }) }).map(([name, value]) => ({ name, value }))
  try {
    await attempt(scope, async () => {
      const broker = await connections.controller()
      await broker.createTopics({ topics: [{ topic: stored, numPartitions: settings.partitions, replicationFactor: settings.replicas ?? 1, configEntries }], timeout: answerMs })
    })
  } catch (error) {
    if (!isType(causeOf(error), 'TOPIC_ALREADY_EXISTS')) throw error
    // Someone else was first, or an attempt without answer had succeeded.
    const made = await describeTopic(scope, connections, stored)
    if (!made) throw error
    return mustEqual(made, settings)
  }
  await settled(scope, async () => {
    connections.forget(stored)
    const leaders = await connections.leaders(stored)
    if (leaders?.length !== settings.partitions || leaders.some(leader => leader < 0)) return false
    await placesOf(connections, [{ topic: stored, partitions: leaders.map((_, index) => index) }])
    return true
  })
}

/** Changes the named settings and no other. */
export async function alterTopic(scope: Scope, connections: Connections, stored: string, limits: TopicLimits): Promise<void> {
  const wanted = limitEntries(limits)
  await attempt(scope, async () => { await send(await connections.controller(), alterConfigsRequest(stored, wanted)) })
  await settled(scope, async () => {
    const { resources } = await (await connections.any()).describeConfigs({ resources: [{ type: topicResource, name: stored, configNames: Object.keys(wanted) }] })
    return resources[0]?.configEntries.every(({ configName, configValue }) => configValue === wanted[configName]) === true
  })
}

/** False where there is none. */
export async function deleteTopic(scope: Scope, connections: Connections, stored: string): Promise<boolean> {
  let tried = false
  try {
    await attempt(scope, async () => {
      const broker = await connections.controller()
      await broker.deleteTopics({ topics: [stored], timeout: answerMs })
    }, () => { tried = true })
  } catch (error) {
    // Gone at a second attempt: the first one, without answer, had deleted it.
    if (isMissing(error)) return tried
    throw error
  }
  await settled(scope, async () => {
    connections.forget(stored)
    return (await connections.leaders(stored)) === undefined
  })
  return true
}

export function isMissing(error: unknown): boolean {
  return isType(error, 'UNKNOWN_TOPIC_OR_PARTITION') || isType(causeOf(error), 'UNKNOWN_TOPIC_OR_PARTITION')
}

function causeOf(error: unknown): unknown {
  return error instanceof HubError ? error.cause : error
}

/** Brokers hear of a change one after the other: ends when the answer is yes. */
async function settled(scope: Scope, isSo: () => Promise<boolean>): Promise<void> {
  for (;;) {
    const done = await attempt(scope, isSo).catch((error: unknown) => {
      if (isMissing(error)) return false
      throw error
    })
    if (done) return
    await pause(10, undefined, { signal: scope.signal }).catch(() => scope.signal.throwIfAborted())
  }
}

function limitEntries(limits: TopicLimits): Record<string, string> {
  const given = (Object.keys(limitConfigs) as (keyof TopicLimits)[]).filter(limit => limits[limit] !== undefined)
  return Object.fromEntries(given.map(limit => [limitConfigs[limit], String(limits[limit])]))
}

function infoOf({ tenant }: Scope, { topic, isInternal: own, partitionMetadata }: Described, entries: readonly ConfigEntry[], places: TopicInfo['places']): TopicInfo {
  const set = (limit: keyof TopicLimits) => entries.find(({ configName, configSource }) => configName === limitConfigs[limit] && configSource === setOnTopic)?.configValue
  const [retentionMs, retentionBytes] = [set('retentionMs'), set('retentionBytes')]
  const name = topicOf(tenant, topic) ?? topic
  return {
    name,
    partitions: partitionMetadata.length,
    replicas: partitionMetadata[0]?.replicas.length ?? 1,
    ...(typeof retentionMs === 'string' && { retentionMs: Number(retentionMs) }),
    ...(typeof retentionBytes === 'string' && { retentionBytes: Number(retentionBytes) }),
    internal: own || isInternal(name),
    places,
  }
}
