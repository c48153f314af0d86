import { HubError } from '../../schema/errors.ts'
import type { EventLog, StoredEvent, TopicInfo } from '../../connectors/ports/event-log.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { mustHold } from '../../resolvers/guard.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import type { Decoder } from './decode.ts'
import { messageTests, type MessageFilter, type MessageTests } from './filter.ts'
import { follow } from './follow.ts'
import { positionCodec, type Positions } from './positions.ts'
import { found } from './topics.ts'

export interface MessageRoles {
  readonly events: EventLog
  readonly cursors: CursorSealer
  readonly decode: Decoder
}

interface PageArguments {
  readonly topic: string
  readonly partition?: number | null
  readonly from?: number | bigint | null
  readonly where?: MessageFilter | null
  readonly first: number | null
  readonly after?: string | null
}

interface FollowArguments {
  readonly topic: string
  readonly from: 'LATEST' | 'EARLIEST' | 'CURSOR' | null
  readonly after?: string | null
  readonly where?: MessageFilter | null
}

const largestPage = 1_000
/** Messages read for one page, passing or not. */
const mostRead = 10_000
const readAtOnce = 500

/** Messages of a topic: a page of them, and as they come. */
export function messageFields(roles: MessageRoles): Subgraph['fields'] {
  return {
    Query: {
      topicMessages: (_: unknown, args: PageArguments, { scope }: Context) => {
        mustHold(scope, 'topic:read')
        return page(roles, scope, args)
      },
    },
    Subscription: {
      topicMessages: {
        subscribe: async (_: unknown, args: FollowArguments, { scope }: Context) => {
          mustHold(scope, 'topic:read')
          return subscribed(roles, scope, args)
        },
        resolve: (message: unknown) => message,
      },
    },
  }
}

async function page({ events, cursors, decode }: MessageRoles, scope: Scope, { topic: name, partition, from, where, first, after }: PageArguments) {
  const size = first ?? 50
  if (size < 0 || size > largestPage) throw new HubError('BAD_USER_INPUT', `first is ${size}; it takes 0 to ${largestPage}. Page on with the cursor for more.`, { field: 'first' })
  if (from !== null && from !== undefined && from < 0) throw new HubError('BAD_USER_INPUT', `from is ${from}; offsets begin at 0.`, { field: 'from' })
  const tests = messageTests(where)
  const topic = await found(events, scope, name)
  if (partition !== null && partition !== undefined && !topic.places[partition]) throw new HubError('NOT_FOUND', `Topic "${name}" has no partition ${partition}; it has ${topic.partitions}, from 0.`, { topic: name, partition })
  const codec = positionCodec(cursors, ['topicMessages', scope.tenant, name, partition ?? null, where ?? null], topic)
  const begin = topic.places.map(({ start }) => Math.max(start, Number(from ?? start)))
  const positions = [...(after ? codec.open(after) : begin)]
  const wanted = topic.places.flatMap((_, id) => (partition === null || partition === undefined || partition === id ? [id] : []))

  const messages: Message[] = []
  let read = 0
  for (const id of wanted) {
    const end = topic.places[id]?.end ?? 0
    // Offsets may be missing: only an empty answer, or one behind the end, says that this was all.
    while (messages.length < size && read < mostRead && (positions[id] ?? 0) < end) {
      const batch = (await events.read(scope, name, id, positions[id] ?? 0, Math.min(readAtOnce, where ? readAtOnce : size - messages.length))).filter(event => event.offset < end)
      if (batch.length === 0) positions[id] = end
      for (const event of batch) {
        if (messages.length === size) break
        read += 1
        positions[id] = event.offset + 1
        const message = await passing(scope, event, tests, decode)
        if (message) messages.push({ ...message, cursor: codec.seal(positions) })
      }
    }
  }
  const isMore = wanted.some(id => (positions[id] ?? 0) < (topic.places[id]?.end ?? 0))
  return {
    edges: messages.map(node => ({ cursor: node.cursor, node })),
    nodes: messages,
    pageInfo: {
      hasNextPage: isMore,
      hasPreviousPage: Boolean(after),
      startCursor: messages[0]?.cursor ?? null,
      // Behind everything that was read: also where nothing of it passed.
      endCursor: messages.length > 0 || read > 0 ? codec.seal(positions) : null,
    },
  }
}

async function subscribed({ events, cursors, decode }: MessageRoles, scope: Scope, { topic: name, from, after, where }: FollowArguments) {
  const start = from ?? 'LATEST'
  if ((start === 'CURSOR') !== Boolean(after)) throw new HubError('BAD_USER_INPUT', start === 'CURSOR' ? 'from: CURSOR needs the cursor in "after".' : `"after" goes with from: CURSOR, not with ${start}.`, { field: 'after' })
  const tests = messageTests(where)
  const topic = await found(events, scope, name)
  const codec = positionCodec(cursors, ['topicMessages live', scope.tenant, name, where ?? null], topic)
  const positions = after ? codec.open(after) : beginning(topic, start)
  return follow(scope, events, name, positions, async (event, reached) => {
    const message = await passing(scope, event, tests, decode)
    return message && { ...message, cursor: codec.seal(reached) }
  })
}

function beginning({ places }: TopicInfo, start: 'LATEST' | 'EARLIEST' | 'CURSOR'): Positions {
  return places.map(place => (start === 'EARLIEST' ? place.start : place.end))
}

type Message = Awaited<ReturnType<typeof described>> & { readonly cursor: string }

/** The message, if it passes. */
async function passing(scope: Scope, event: StoredEvent, tests: MessageTests, decode: Decoder) {
  if (!tests.event(event)) return undefined
  const message = await described(scope, event, decode)
  return tests.value(message.value) ? message : undefined
}

async function described(scope: Scope, event: StoredEvent, decode: Decoder) {
  const { partition, offset, appendedAtMs, key, headers } = event
  return { partition, offset, timestamp: new Date(appendedAtMs).toISOString(), key: key ?? null, headers: headers ?? {}, ...(await decode(scope, event)) }
}
