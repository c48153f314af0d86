import type { ClusterNode, ClusterState } from '../../ports/region-store.ts'
import type { Scope } from '../../ports/scope.ts'
import { writePartitionsRequest } from '../affinity.ts'
import type { IgniteClient } from '../client.ts'
import { sqlRows } from '../sql.ts'
import type { Entries } from './table.ts'

/** Whoever asks how the cluster is does not wait longer for figures. */
const countLimitMs = 300

interface Spread {
  readonly topologyVersion: number
  /** By node id in lower case. */
  readonly partitions: ReadonlyMap<string, { primary: number; backup: number }> | undefined
}

/** The nodes this process is to speak to: those it does with their ids and partitions, the others as DOWN. */
export async function clusterState(scope: Scope, client: IgniteClient, entries: readonly Entries[], waiting: number): Promise<ClusterState> {
  scope.signal.throwIfAborted()
  const { hosts } = client.stats()
  const up = hosts.filter(({ state }) => state === 'connected')
  const spread = up.length > 0 ? await spreadOf(scope, client, entries) : undefined
  const nodes = hosts.map(({ host, state, nodeId }): ClusterNode => {
    const id = nodeId ?? host
    const isUp = state === 'connected' && spread !== undefined
    const held = isUp ? spread.partitions && (spread.partitions.get(id.toLowerCase()) ?? { primary: 0, backup: 0 }) : undefined
    return { id, address: host, state: isUp ? 'UP' : 'DOWN', partitionsPrimary: held?.primary ?? null, partitionsBackup: held?.backup ?? null }
  })
  return {
    nodes: [...new Map(nodes.map(node => [node.id, node])).values()], topologyVersion: spread?.topologyVersion ?? null,
    pool: { size: up.length, idle: up.filter(({ inFlight }) => inFlight === 0).length, waiting },
  }
}

async function spreadOf(scope: Scope, client: IgniteClient, entries: readonly Entries[]): Promise<Spread | undefined> {
  try {
    const topologyVersion = await client.send(scope, { operation: 'partitions', write: writer => writePartitionsRequest(writer), read: reader => Number(reader.i64()), repeatable: true })
    return { topologyVersion, partitions: await partitionsOf(scope, client, entries) }
  } catch (error) {
    scope.signal.throwIfAborted()
    scope.log.debug('Ignite: the cluster does not answer.', { reason: String(error) })
    return undefined
  }
}

/** How many partitions each node holds; undefined where the cluster does not count them at once, as between two states. */
async function partitionsOf(scope: Scope, client: IgniteClient, entries: readonly Entries[]): Promise<Spread['partitions']> {
  const counted = new Map<string, { primary: number; backup: number }>()
  if (entries.length === 0) return counted
  const ids = entries.map(({ id }) => id).join(', ')
  const late = Promise.withResolvers<undefined>()
  const cancel = client.settings.clock.after(countLimitMs, () => late.resolve(undefined))
  const rows = await Promise.race([
    late.promise,
    sqlRows(scope, client, `SELECT NODE_ID, IS_PRIMARY, COUNT(*) FROM SYS.PARTITION_STATES WHERE CACHE_GROUP_ID IN (${ids}) GROUP BY NODE_ID, IS_PRIMARY`).catch(error => {
      scope.log.debug('Ignite: the cluster does not say how entries are spread.', { reason: String(error) })
      return undefined
    }),
  ]).finally(cancel)
  for (const [node, isPrimary, count] of rows ?? []) {
    const id = String(node).toLowerCase()
    const held = counted.get(id) ?? { primary: 0, backup: 0 }
    held[isPrimary === true ? 'primary' : 'backup'] += Number(count)
    counted.set(id, held)
  }
  return rows && counted
}
