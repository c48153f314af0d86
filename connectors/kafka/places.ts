import { protocolError, readCommitted } from './client.ts'
import type { Connections } from './connections.ts'

const latest = -1
const earliest = -2

export interface Bounds {
  readonly start: number
  readonly end: number
}

/** First and next offset of each partition asked for, in that order, by topic. Two requests for each broker that leads one. */
export async function placesOf(connections: Connections, topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]): Promise<Map<string, Bounds[]>> {
  const byLeader = new Map<number, { topic: string; partition: number }[]>()
  for (const { topic, partitions } of topics) {
    const leaders = await leadersOf(connections, topic, partitions)
    for (const partition of partitions) {
      const leader = leaders[partition]
      // LEADER_NOT_AVAILABLE, UNKNOWN_TOPIC_OR_PARTITION
      if (leader === undefined || leader < 0) throw protocolError(leader === undefined ? 3 : 5)
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), { topic, partition }])
    }
  }
  const found = new Map<string, number>()
  await Promise.all([...byLeader].flatMap(([leader, parts]) => [earliest, latest].map(timestamp => ask(connections, leader, parts, timestamp, found))))
  const at = (topic: string, partition: number, timestamp: number) => found.get(`${timestamp} ${partition} ${topic}`) ?? 0
  return new Map(topics.map(({ topic, partitions }) => [topic, partitions.map(partition => ({ start: at(topic, partition, earliest), end: at(topic, partition, latest) }))]))
}

/** What is known may be of before another program added partitions. */
async function leadersOf(connections: Connections, topic: string, partitions: readonly number[]): Promise<readonly number[]> {
  const known = (await connections.leaders(topic)) ?? []
  if (partitions.every(partition => known[partition] !== undefined)) return known
  connections.forget(topic)
  return (await connections.leaders(topic)) ?? []
}

async function ask(connections: Connections, leader: number, parts: readonly { topic: string; partition: number }[], timestamp: number, found: Map<string, number>): Promise<void> {
  const broker = await connections.at(leader, 'requests')
  const topics = [...Map.groupBy(parts, ({ topic }) => topic)].map(([topic, of]) => ({ topic, partitions: of.map(({ partition }) => ({ partition, timestamp })) }))
  const { responses } = await broker.listOffsets({ replicaId: -1, isolationLevel: readCommitted, topics })
  for (const { topic, partitions } of responses) for (const { partition, offset } of partitions) found.set(`${timestamp} ${partition} ${topic}`, Number(offset))
}
