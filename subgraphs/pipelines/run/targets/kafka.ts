import type { EventLog, NewEvent } from '../../../../connectors/ports/event-log.ts'
import { keyOf } from '../../../../connectors/ports/region-store.ts'
import { asHubError, HubError } from '../../../../schema/errors.ts'
import { didYouMean } from '../../../../schema/names.ts'
import { quoteIdentifier } from '../../../../schema/quote.ts'
import type { Column, Row } from '../../../../schema/values.ts'
import type { kafka as shape } from '../../document/targets.ts'
import { names } from '../../plan/relation.ts'
import type { Checked } from '../../xml/check.ts'
import type { RunContext } from '../parts.ts'
import { done, selectOf, type Target } from './target.ts'
import { digestOf, markHeader, TopicWrite } from './topic-write.ts'

/** Of one append. A log takes it as one batch, and Kafka, as it is set up, up to a megabyte. */
const mostOfAppend = { messages: 1_000, bytes: 512 * 1024 }

/**
 * A message for each row, in their order: the row as a JSON object, as the graph answers it; the key made of columns, one as its text, several as the JSON array of their texts, the same as keys of regions. Headers say which
 * pipeline and which run it is from. A topic takes no transaction: messages are appended when everything of the run is ready, some at a time, and what fails says how many are there. A further attempt finds those and appends the others alone.
 */
export const kafkaTarget: Target<Checked<typeof shape>> = {
  async prepare({ step, checked: { values: { topic, keys = [] } }, from, mark }, context) {
    const { scope, workspace } = context
    const events = await writableTopic(topic, context)
    refuseKeys(keys, from.columns, topic)
    const write = await TopicWrite.open(scope, { events, topic, mark })
    if (write.isDone) return done(`topic ${topic}`)

    const dataset = `${step.id} rows`
    await workspace.define(dataset, selectOf(from), from.columns)
    const rows = await workspace.keep(dataset)
    await refuseNulls(dataset, keys, topic, context)
    const headers = headersOf(mark, context)
    const messages = async function* (): AsyncGenerator<NewEvent, void, void> {
      const { batches } = await workspace.read(selectOf({ ...from, sql: quoteIdentifier(dataset) }))
      for await (const batch of batches) for (const row of batch) yield messageOf(row, keys, headers)
    }
    await refuseOthers(await write.look(), messages(), topic)
    return {
      rows, into: `topic ${topic}`, isDone: false,
      async commit() {
        const there = await write.look()
        await write.begin()
        await append(messages(), { topic, events, there, count: rows }, context)
        await write.end()
      },
      rollback: async () => undefined,
    }
  },
}

async function writableTopic(name: string, { scope, parts: { topics } }: RunContext): Promise<EventLog> {
  if (!topics) throw new HubError('VALIDATION_ERROR', `Topic "${name}" cannot be written from here: topics are the hub's. Put the pipeline into the hub's folder and run it there.`)
  const { events } = topics
  const found = await events.topic(scope, name)
  if (!found) throw new HubError('NOT_FOUND', `There is no topic "${name}".${didYouMean(name, (await events.topics(scope)).flatMap(one => (one.internal ? [] : [one.name])))}`, { topic: name })
  if (found.internal) throw new HubError('FORBIDDEN', `Topic "${name}" is internal to the log; pipelines do not write it.`, { topic: name })
  return events
}

function refuseKeys(keys: readonly string[], columns: readonly Column[], topic: string): void {
  const missing = keys.filter(key => !names(columns).includes(key))
  if (missing.length > 0) throw new HubError('VALIDATION_ERROR', `Rows for topic "${topic}" have no column ${missing.map(key => `"${key}"`).join(', ')}, of which keys of messages are to be made.${didYouMean(missing[0] ?? '', names(columns))}`)
  const nested = keys.filter(key => columns.some(({ name, type }) => name === key && type === 'JSON'))
  if (nested.length > 0) throw new HubError('VALIDATION_ERROR', `Keys of messages for topic "${topic}" cannot be made of ${nested.map(key => `"${key}"`).join(', ')}: JSON has no text that is the same whatever the order of its members.`)
}

async function refuseNulls(dataset: string, keys: readonly string[], topic: string, { workspace }: RunContext): Promise<void> {
  if (keys.length === 0) return
  const { batches } = await workspace.read(`SELECT count(*) AS missing FROM ${quoteIdentifier(dataset)} WHERE ${keys.map(key => `${quoteIdentifier(key)} IS NULL`).join(' OR ')}`)
  for await (const [row] of batches) {
    const missing = Number(row?.['missing'])
    if (missing > 0) throw new HubError('VALIDATION_ERROR', `Keys of messages for topic "${topic}" are made of ${keys.join(', ')}: ${missing} of the rows to write ${missing === 1 ? 'has' : 'have'} no value there.`)
  }
}

/** Messages that an attempt before has appended, and that are none of this one. */
async function refuseOthers(there: ReadonlyMap<string, number>, messages: AsyncIterable<NewEvent>, topic: string): Promise<void> {
  if (there.size === 0) return
  const left = new Map(there)
  for await (const message of messages) takeOne(left, message)
  const others = countOf(left)
  if (others > 0) throw new HubError('CONFLICT', `Of the messages that an attempt before has appended to topic "${topic}" ${others} ${others === 1 ? 'is' : 'are'} not among the rows of this one: what the pipeline reads has changed since. Nothing more is appended. A new run appends all messages.`, { topic })
}

function headersOf(mark: string, { bindings, pipelineId, runId }: RunContext): Readonly<Record<string, string>> {
  return { 'tributary-pipeline': `${String(bindings.get('app'))}/${pipelineId}`, 'tributary-run': runId, [markHeader]: mark }
}

function messageOf(row: Row, keys: readonly string[], headers: Readonly<Record<string, string>>): NewEvent {
  const value = Buffer.from(JSON.stringify(row, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one)))
  return { ...(keys.length > 0 && { key: keyOf(keys, row) }), value, headers }
}

/** Whether it is there once more than was taken. */
function takeOne(there: Map<string, number>, message: NewEvent): boolean {
  if (there.size === 0) return false
  const digest = digestOf(message)
  const count = there.get(digest) ?? 0
  if (count > 1) there.set(digest, count - 1)
  else there.delete(digest)
  return count > 0
}

function countOf(messages: ReadonlyMap<string, number>): number {
  return [...messages.values()].reduce((sum, count) => sum + count, 0)
}

interface Appending {
  readonly topic: string
  readonly events: EventLog
  /** How often messages are there already, by their digests. */
  readonly there: ReadonlyMap<string, number>
  /** Of all messages. */
  readonly count: number
}

async function append(messages: AsyncIterable<NewEvent>, { topic, events, there, count }: Appending, { scope }: RunContext): Promise<void> {
  const left = new Map(there)
  let waiting: NewEvent[] = []
  let bytes = 0
  let put = countOf(there)
  /** Of the append under way. */
  let asked = 0
  const flush = async () => {
    asked = waiting.length
    await events.append(scope, topic, waiting)
    put += asked
    asked = 0
    waiting = []
    bytes = 0
  }
  try {
    for await (const message of messages) {
      if (takeOne(left, message)) continue
      const size = message.value.length + (message.key?.length ?? 0)
      if (waiting.length === mostOfAppend.messages || (waiting.length > 0 && bytes + size > mostOfAppend.bytes)) await flush()
      waiting.push(message)
      bytes += size
    }
    if (waiting.length > 0) await flush()
  } catch (error) {
    const { code, message, details } = asHubError(error)
    const unknown = asked === 0 ? '' : `; of ${asked} more that is not known`
    throw new HubError(code, `${put} of ${count} messages are in topic "${topic}"${unknown}: ${message} A further attempt of the run appends those that are missing; a new run appends all.`, details, { cause: error })
  }
}
