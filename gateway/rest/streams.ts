import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { closed } from '../../schema/findings.ts'
import type { AnsweredError } from '../http/errors.ts'
import type { Hub } from '../hub.ts'
import type { Route, RouteAnswer, RouteRequest } from '../http/routes.ts'
import { bodyOf, operation } from './operation.ts'
import { problem } from './problem.ts'

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

const limits = { retention_ms: z.int().optional(), retention_bytes: z.int().optional() }
const createBody = closed({ topic_name: z.string(), num_partitions: z.int().default(1), replication_factor: z.int().default(1), ...limits })
const updateBody = closed({ topic_name: z.string(), ...limits })

/** Topics: listed, looked at, made, altered and deleted, with the statuses of the system these routes come from. */
export function topicRoutes(hub: Hub): readonly Route[] {
  return [
    { method: 'GET', path: '/topic/list', answer: request => answerList(hub, request), failure },
    { method: 'GET', path: '/topic/config', answer: request => answerConfig(hub, request), failure },
    { method: 'POST', path: '/topic/create', answer: request => answerCreate(hub, request), failure },
    { method: 'PATCH', path: '/topic/update', answer: request => answerUpdate(hub, request), failure },
    { method: 'DELETE', path: '/topic/delete', answer: request => answerDelete(hub, request), failure },
  ]
}

async function answerList(hub: Hub, request: RouteRequest): Promise<RouteAnswer> {
  const names: string[] = []
  let after: string | null = null
  do {
    const { nodes, pageInfo }: Awaited<ReturnType<typeof list>>['topics'] = (await list(hub, request, { after, all: request.url.searchParams.get('include_internal') === 'true' })).topics
    names.push(...nodes.map(({ name }) => name))
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null
  } while (after !== null)
  return { status: 200, body: { topics: names } }
}

async function answerConfig(hub: Hub, request: RouteRequest): Promise<RouteAnswer> {
  const name = topicName(request)
  const { topic } = await config(hub, request, { name })
  if (!topic) throw new HubError('NOT_FOUND', `There is no topic "${name.slice(0, 249)}".`, { topic: name.slice(0, 249) })
  return { status: 200, body: shown(topic) }
}

async function answerCreate(hub: Hub, request: RouteRequest): Promise<RouteAnswer> {
  const { topic_name: name, num_partitions, replication_factor, retention_ms, retention_bytes } = bodyOf(createBody, await request.json())
  const { createTopic } = await create(hub, request, { input: { name, numPartitions: num_partitions, replicationFactor: replication_factor, retentionMs: retention_ms, retentionBytes: retention_bytes } })
  return { status: 201, headers: { location: `/topic/config?topic_name=${encodeURIComponent(name)}` }, body: shown(createTopic) }
}

async function answerUpdate(hub: Hub, request: RouteRequest): Promise<RouteAnswer> {
  const body = await request.json()
  const { topic_name: name, retention_ms, retention_bytes } = unprocessable(() => bodyOf(updateBody, body))
  const { updateTopic } = await update(hub, request, { input: { name, retentionMs: retention_ms, retentionBytes: retention_bytes } })
  return { status: 200, body: shown(updateTopic) }
}

async function answerDelete(hub: Hub, request: RouteRequest): Promise<RouteAnswer> {
  await remove(hub, request, { name: topicName(request) })
  return { status: 204 }
}

function topicName({ url }: RouteRequest): string {
  const name = url.searchParams.get('topic_name')
  if (name !== null) return name
  const message = 'The query parameter topic_name is missing.'
  throw new HubError('VALIDATION_ERROR', message, { field: 'topic_name', problems: [{ path: 'topic_name', message }], status: 422 })
}

/** A mistake of form here is 422, where other mistakes are 400. */
function unprocessable<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    throw new HubError(error.code, error.message, { ...error.details, status: 422 }, { cause: error })
  }
}

const worded = problem({ name: 'topic_name', partitions: 'num_partitions', replicas: 'replication_factor', retentionMs: 'retention_ms', retentionBytes: 'retention_bytes' })

const statuses: Readonly<Record<string, number>> = { VALIDATION_ERROR: 400, CONFLICT: 400, UPSTREAM_UNAVAILABLE: 500, UPSTREAM_REJECTED: 500, TIMEOUT: 500 }

function failure(error: AnsweredError): RouteAnswer {
  const { extensions } = error
  const status = typeof extensions['status'] === 'number' ? extensions['status'] : statuses[extensions.code]
  return worded(status === undefined ? error : { ...error, extensions: { ...extensions, status } })
}

function shown({ name, partitions, replicationFactor, config: entries, retentionMs, retentionBytes, messageCount, warnings }: Topic) {
  return {
    topic_name: name, num_partitions: partitions.length, replication_factor: replicationFactor, retention_ms: retentionMs, retention_bytes: retentionBytes, message_count: messageCount,
    partitions: partitions.map(({ id, leader, replicas, isr, beginOffset, endOffset }) => ({ id, leader, replicas, isr, begin_offset: beginOffset, end_offset: endOffset })),
    config: Object.fromEntries(entries.map(entry => [entry.name, entry.value])),
    ...(warnings.length > 0 && { warnings }),
  }
}
