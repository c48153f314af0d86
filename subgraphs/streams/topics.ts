import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { EventLog, TopicDetail, TopicInfo, TopicLimits } from '../../connectors/ports/event-log.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { simplePage } from '../../resolvers/connection.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { mustHold } from '../../resolvers/guard.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'

export interface TopicRoles {
  readonly events: EventLog
  readonly cursors: CursorSealer
}

/** Limits as a client gives them. */
interface GivenLimits {
  readonly retentionMs?: number | bigint | null
  readonly retentionBytes?: number | bigint | null
}

interface CreateInput extends GivenLimits {
  readonly name: string
  readonly numPartitions: number
  readonly replicationFactor: number
}

interface ListArguments {
  readonly first?: number | null
  readonly after?: string | null
  readonly includeInternal: boolean
}

/** Topics to list, look at, make, alter and delete. */
export function topicFields({ events, cursors }: TopicRoles): Subgraph['fields'] {
  return {
    Query: {
      topics: async (_: unknown, { includeInternal, ...page }: ListArguments, { scope }: Context) => {
        mustHold(scope, 'topic:read')
        const topics = (await events.topics(scope)).filter(topic => includeInternal || !topic.internal)
        return simplePage(topics, { name: ({ name }) => name, show: topic => shown(events, topic), identity: JSON.stringify(['topics', scope.tenant, includeInternal]), cursors }, page)
      },
      topic: async (_: unknown, { name }: { name: string }, { scope }: Context) => {
        mustHold(scope, 'topic:read')
        const topic = await events.topic(scope, name)
        return topic ? shown(events, topic) : null
      },
    },
    Mutation: {
      createTopic: async (_: unknown, { input }: { input: CreateInput }, { scope }: Context) => {
        mustHold(scope, 'topic:write')
        const { name, numPartitions, replicationFactor } = input
        const given = limitsOf(input)
        const placeholders = limitNames.filter(limit => given[limit] === 0)
        const limits = Object.fromEntries(limitNames.filter(limit => given[limit] !== undefined && given[limit] !== 0).map(limit => [limit, given[limit]])) as TopicLimits
        if (await events.topic(scope, name)) throw new HubError('CONFLICT', `Topic "${name}" exists already. Change its limits with updateTopic, or choose another name.`, { topic: name })
        await events.createTopic(scope, { name, partitions: numPartitions, replicas: replicationFactor, ...limits })
        return shown(events, await found(events, scope, name), placeholders.map(limit => `${limit} 0 was taken for "not given": the topic has the log's own limit. -1 stands for no limit.`))
      },
      updateTopic: async (_: unknown, { input }: { input: GivenLimits & { readonly name: string } }, { scope }: Context) => {
        mustHold(scope, 'topic:write')
        const limits = limitsOf(input)
        if (limitNames.every(limit => limits[limit] === undefined)) throw new HubError('BAD_USER_INPUT', `Nothing about topic "${input.name}" is to change: give retentionMs, retentionBytes, or both.`, { topic: input.name })
        await events.alterTopic(scope, input.name, limits)
        return shown(events, await found(events, scope, input.name))
      },
      deleteTopic: async (_: unknown, { name }: { name: string }, { scope }: Context) => {
        mustHold(scope, 'topic:write')
        if (!(await events.deleteTopic(scope, name))) throw await unknownTopic(events, scope, name)
        return true
      },
    },
  }
}

/** The topic, or NOT_FOUND with the nearest name. */
export async function found(events: EventLog, scope: Scope, name: string): Promise<TopicDetail> {
  const topic = await events.topic(scope, name)
  if (!topic) throw await unknownTopic(events, scope, name)
  return topic
}

async function unknownTopic(events: EventLog, scope: Scope, name: string): Promise<HubError> {
  const names = (await events.topics(scope)).map(topic => topic.name)
  return new HubError('NOT_FOUND', `There is no topic "${name}".${didYouMean(name, names)}`, { topic: name })
}

const limitNames = ['retentionMs', 'retentionBytes'] as const

/** A Long comes as a bigint beyond 2^53, which no limit reaches: the log refuses what it becomes. */
function limitsOf({ retentionMs, retentionBytes }: GivenLimits): TopicLimits {
  const number = (value: number | bigint | null | undefined) => (value === null || value === undefined ? undefined : Number(value))
  return { retentionMs: number(retentionMs), retentionBytes: number(retentionBytes) }
}

/** A topic as the graph has it. What a list does not know is asked for when it is selected, once a topic. */
function shown(events: EventLog, topic: TopicInfo | TopicDetail, warnings: readonly string[] = []) {
  const { name, places, replicas = 1, internal } = topic
  let asked: Promise<TopicDetail> | undefined
  const detail = (scope: Scope) => (asked ??= 'brokers' in topic ? Promise.resolve(topic) : found(events, scope, name))
  const limit = (given: number | undefined, config: string) => async (_: unknown, { scope }: Context) => given ?? numberIn(await detail(scope), config)
  return {
    name, internal, warnings,
    replicationFactor: replicas,
    messageCount: places.reduce((sum, { start, end }) => sum + end - start, 0),
    retentionMs: limit(topic.retentionMs, 'retention.ms'),
    retentionBytes: limit(topic.retentionBytes, 'retention.bytes'),
    config: async (_: unknown, { scope }: Context) => (await detail(scope)).config,
    partitions: async (_: unknown, { scope }: Context) => (await detail(scope)).brokers.map((partition, id) => ({ id, ...partition, beginOffset: places[id]?.start ?? 0, endOffset: places[id]?.end ?? 0 })),
  }
}

function numberIn({ config }: TopicDetail, name: string): number | null {
  const value = config.find(entry => entry.name === name)?.value
  return value === null || value === undefined ? null : Number(value)
}
