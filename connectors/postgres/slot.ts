import pg from 'pg'
import { HubError } from '../../schema/errors.ts'
import type { FollowRequest } from '../ports/source-feed.ts'
import { lsnOf } from './wal-stream.ts'

/** Runs one command on a connection that replicates; rows as text by column. */
export type Run = (command: string) => Promise<readonly Readonly<Record<string, string | null>>[]>

export interface Publication {
  readonly relation: string
  readonly table: string
  readonly columns: readonly string[]
}

/** Makes the publication of this name hold the tables with all that happens to them. Answers whether something had to be changed. */
export async function publish(run: Run, name: string, schema: string, tables: readonly Publication[]): Promise<boolean> {
  const [known] = await run(`SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate AS whole FROM pg_publication WHERE pubname = ${pg.escapeLiteral(name)}`)
  const relations = tables.map(({ relation }) => relation).join(', ')
  if (!known) {
    await run(`CREATE PUBLICATION ${name} FOR TABLE ${relations}`)
    return true
  }
  // Columns and filters of a table are in this view from PostgreSQL 15 on; before there are none.
  const held = await run(`SELECT tablename, to_jsonb(t) ->> 'attnames' AS columns, to_jsonb(t) ->> 'rowfilter' AS filter FROM pg_publication_tables t WHERE pubname = ${pg.escapeLiteral(name)} AND schemaname = ${pg.escapeLiteral(schema)}`)
  const fits = ({ table, columns }: Publication) => {
    const own = held.find(({ tablename }) => tablename === table)
    const named = own?.['columns'] ? (JSON.parse(own['columns']) as string[]) : undefined
    return own !== undefined && own['filter'] === null && (named === undefined || columns.every(column => named.includes(column)))
  }
  if (known['whole'] === 't' && tables.every(fits)) return false
  await run(`ALTER PUBLICATION ${name} SET TABLE ${relations}`)
  await run(`ALTER PUBLICATION ${name} SET (publish = 'insert, update, delete, truncate')`)
  return true
}

/** How far somebody reads from the slot; undefined while nobody does. */
export async function otherReader(run: Run, name: string): Promise<bigint | undefined> {
  const slot = await slotOf(run, name)
  return slot?.reader ? lsnOf(slot.confirmed ?? '0/0') : undefined
}

/** The place the slot goes on from, or why it cannot. */
export async function continuation(run: Run, { consumer, from }: FollowRequest): Promise<bigint | string> {
  const slot = await slotOf(run, consumer)
  if (from === undefined) return 'There is no place to go on from.'
  if (!slot) return `Replication slot "${consumer}" is gone, and with it what happened meanwhile.`
  if (slot.status === 'lost' || slot.confirmed === null) return `The server has let go of what replication slot "${consumer}" had still to read: it keeps no more than max_slot_wal_keep_size.`
  if (lsnOf(slot.confirmed) > lsnOf(from)) return `Somebody else has read on from replication slot "${consumer}".`
  return lsnOf(from)
}

/** A new slot in the place of the one there was; it waits for the transactions that run. The snapshot is good until the next command of the connection. */
export async function beginSlot(run: Run, { consumer, lasting }: FollowRequest): Promise<{ readonly lsn: bigint; readonly snapshot: string }> {
  await dropSlot(run, consumer)
  const [made] = await run(`CREATE_REPLICATION_SLOT ${consumer}${lasting ? '' : ' TEMPORARY'} LOGICAL pgoutput EXPORT_SNAPSHOT`)
  return { lsn: lsnOf(made?.['consistent_point'] ?? '0/0'), snapshot: made?.['snapshot_name'] ?? '' }
}

/** Lets go of the slot, and of what the server keeps for it. IN_USE while somebody reads from it. */
export async function dropSlot(run: Run, name: string): Promise<void> {
  const slot = await slotOf(run, name)
  if (slot?.reader) throw new HubError('IN_USE', `Replication slot "${name}" is read by another process, server process ${slot.reader}.`, { slot: name })
  if (slot) await run(`DROP_REPLICATION_SLOT ${name}`)
}

async function slotOf(run: Run, name: string): Promise<{ readonly reader: string | null; readonly status: string | null; readonly confirmed: string | null } | undefined> {
  const [slot] = await run(`SELECT active_pid, confirmed_flush_lsn, to_jsonb(s) ->> 'wal_status' AS status FROM pg_replication_slots s WHERE slot_name = ${pg.escapeLiteral(name)}`)
  return slot && { reader: slot['active_pid'] ?? null, status: slot['status'] ?? null, confirmed: slot['confirmed_flush_lsn'] ?? null }
}
