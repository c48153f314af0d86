import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { closed } from '../../schema/findings.ts'
import type { AnsweredError } from '../http/errors.ts'
import type { Hub } from '../hub.ts'
import type { Route, RouteAnswer, RouteRequest } from '../http/routes.ts'
import { flag } from './forms.ts'
import { operation } from './operation.ts'
import { problem } from './problem.ts'
import { route } from './route.ts'

interface Topic {
  readonly name: string
  readonly partitions: readonly { readonly id: number; readonly leader: number; readonly replicas: readonly number[]; readonly isr: readonly number[]; readonly beginOffset: number | string; readonly endOffset: number | string }[]
  readonly replicationFactor: number
  readonly config: readonly { readonly name: string; readonly value: string | null }[]
  readonly retentionMs: number | string | null
  readonly retentionBytes: number | string | null
  readonly messageCount: number | string
  readonly warnings: readonly string[]
}

const members = 'name partitions { id leader replicas isr beginOffset endOffset } replicationFactor config { name value } retentionMs retentionBytes messageCount warnings'

const list = operation<{ topics: { nodes: readonly { readonly name: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } }>(
  'query RestTopics($after: String, $all: Boolean!) { topics(first: 1000, after: $after, includeInternal: $all) { nodes { name } pageInfo { hasNextPage endCursor } } }',
)
const config = operation<{ topic: Topic | null }>(`query RestTopic($name: String!) { topic(name: $name) { ${members} } }`)
const create = operation<{ createTopic: Topic }>(`mutation RestCreateTopic($input: CreateTopicInput!, $idempotencyKey: String) { createTopic(input: $input, idempotencyKey: $idempotencyKey) { ${members} } }`)
const update = operation<{ updateTopic: Topic }>(`mutation RestUpdateTopic($input: UpdateTopicInput!, $idempotencyKey: String) { updateTopic(input: $input, idempotencyKey: $idempotencyKey) { ${members} } }`)
const remove = operation<{ deleteTopic: boolean }>('mutation RestDeleteTopic($name: String!, $idempotencyKey: String) { deleteTopic(name: $name, idempotencyKey: $idempotencyKey) }')

const named = closed({ topic_name: z.string({ error: 'the name of a topic' }) })
const limits = { retention_ms: z.int().optional(), retention_bytes: z.int().optional() }
const createBody = closed({ topic_name: z.string(), num_partitions: z.int().default(1), replication_factor: z.int().default(1), ...limits })
const updateBody = closed({ topic_name: z.string(), ...limits })

/** Topics: listed, looked at, made, altered and deleted, with the statuses of the system these routes come from. */
export function topicRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'GET', path: '/topic/list', summary: 'The names of all topics.', failure, answers: { 200: 'Names.' },
      query: closed({ include_internal: flag.optional().describe('With the topics of the system itself.') }),
      answer: (request, { query }) => answerList(hub, request, query.include_internal ?? false),
    }),
    route({
      method: 'GET', path: '/topic/config', summary: 'One topic.', query: named, failure, answers: { 200: 'Its partitions and settings.' },
      answer: async (request, { query: { topic_name: name } }) => {
        const { topic } = await config(hub, request, { name })
        if (!topic) throw new HubError('NOT_FOUND', `There is no topic "${name.slice(0, 249)}".`, { topic: name.slice(0, 249) })
        return { status: 200, body: shown(topic) }
      },
    }),
    route({
      method: 'POST', path: '/topic/create', summary: 'Makes a topic.', body: createBody, failure, answers: { 201: 'The topic.' },
      answer: async (request, { body: { topic_name: name, num_partitions, replication_factor, retention_ms, retention_bytes } }) => {
        const { createTopic } = await create(hub, request, { input: { name, numPartitions: num_partitions, replicationFactor: replication_factor, retentionMs: retention_ms, retentionBytes: retention_bytes } })
        return { status: 201, headers: { location: `/topic/config?topic_name=${encodeURIComponent(name)}` }, body: shown(createTopic) }
      },
    }),
    route({
      method: 'PATCH', path: '/topic/update', summary: 'Changes how long, and how much, a topic keeps.', body: updateBody, failure: updateFailure, answers: { 200: 'The topic.' },
      answer: async (request, { body: { topic_name: name, retention_ms, retention_bytes } }) => {
        const { updateTopic } = await update(hub, request, { input: { name, retentionMs: retention_ms, retentionBytes: retention_bytes } })
        return { status: 200, body: shown(updateTopic) }
      },
    }),
    route({
      method: 'DELETE', path: '/topic/delete', summary: 'Deletes a topic with its messages.', query: named, failure, answers: { 204: 'It is gone.' },
      answer: async (request, { query: { topic_name: name } }) => {
        await remove(hub, request, { name })
        return { status: 204 }
      },
    }),
  ]
}

async function answerList(hub: Hub, request: RouteRequest, all: boolean): Promise<RouteAnswer> {
  const names: string[] = []
  let after: string | null = null
  do {
    const { nodes, pageInfo }: Awaited<ReturnType<typeof list>>['topics'] = (await list(hub, request, { after, all })).topics
    names.push(...nodes.map(({ name }) => name))
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null
  } while (after !== null)
  return { status: 200, body: { topics: names } }
}

const worded = problem({ name: 'topic_name', partitions: 'num_partitions', replicas: 'replication_factor', retentionMs: 'retention_ms', retentionBytes: 'retention_bytes' })

const statuses: Readonly<Record<string, number>> = { VALIDATION_ERROR: 400, CONFLICT: 400, UPSTREAM_UNAVAILABLE: 500, UPSTREAM_REJECTED: 500, TIMEOUT: 500 }

function failure(error: AnsweredError): RouteAnswer {
  const { code, in: where } = error.extensions
  return withStatus(error, where === 'query' ? 422 : statuses[code])
}

/** A mistake of form is 422 here, and 400 where a topic is made. */
function updateFailure(error: AnsweredError): RouteAnswer {
  return error.extensions['in'] === undefined ? failure(error) : withStatus(error, 422)
}

function withStatus(error: AnsweredError, status: number | undefined): RouteAnswer {
  return worded(status === undefined ? error : { ...error, extensions: { ...error.extensions, status } })
}

function shown({ name, partitions, replicationFactor, config: entries, retentionMs, retentionBytes, messageCount, warnings }: Topic) {
  return {
    topic_name: name, num_partitions: partitions.length, replication_factor: replicationFactor, retention_ms: retentionMs, retention_bytes: retentionBytes, message_count: messageCount,
    partitions: partitions.map(({ id, leader, replicas, isr, beginOffset, endOffset }) => ({ id, leader, replicas, isr, begin_offset: beginOffset, end_offset: endOffset })),
    config: Object.fromEntries(entries.map(entry => [entry.name, entry.value])),
    ...(warnings.length > 0 && { warnings }),
  }
}
