import { HubError, type Code } from '../../schema/errors.ts'
import type { Row } from '../../schema/values.ts'
import type { Entry, Member } from '../ports/region-store.ts'
import { decodeRow, encodeRow } from '../regions/record.ts'

/** From a worker: entries it asks for, or members of them as JSON, under the graph it knows; that nobody waits for them any more; that it no longer answers from any older graph. */
export type Asked =
  | readonly ['get', id: number, graph: number, region: string, tenant: string, isNear: boolean, timeoutMs: number, keys: readonly string[]]
  | readonly ['json', id: number, graph: number, region: string, tenant: string, timeoutMs: number, keys: readonly string[], members: readonly Member[]]
  | readonly ['leave', id: number]
  | readonly ['took', graph: number]

/** From the owner: the graph from now on; entries; JSON, null where the rows have to be read for it; why there is neither; entries that changed, and regions of which all may have. */
export type Told =
  | readonly ['graph', graph: number, description: unknown]
  | readonly ['got', id: number, entries: readonly WrittenEntry[]]
  | readonly ['text', id: number, json: string | null]
  | readonly ['failed', id: number, code: Code, message: string]
  | readonly ['changed', entries: readonly (readonly [region: string, tenant: string, key: string])[], resets: readonly string[]]

/** An entry, 0 where there is none; the columns whose whole numbers are written as texts. */
export type WrittenEntry = 0 | readonly [key: string, version: number, writtenAtMs: number, row: Row, longs?: readonly string[]]

export function writtenEntry(entry: Entry | undefined): WrittenEntry {
  if (!entry) return 0
  const { row, longs } = encodeRow(entry.row)
  return longs ? [entry.key, entry.version, entry.writtenAtMs, row ?? {}, longs] : [entry.key, entry.version, entry.writtenAtMs, row ?? {}]
}

export function readEntry(written: WrittenEntry): Entry | undefined {
  if (written === 0) return undefined
  const [key, version, writtenAtMs, row, longs] = written
  return { key, version, writtenAtMs, row: Object.freeze(decodeRow(row, longs) ?? {}) }
}

/** What a worker sent, looked at: VALIDATION_ERROR where it is none of these. */
export function askedIn(message: unknown): Asked {
  if (Array.isArray(message)) {
    const [kind, id, graph, region, tenant, ...rest] = message as unknown[]
    if ((kind === 'leave' || kind === 'took') && isCount(id)) return message as unknown as Asked
    const [isNear, timeoutMs, keys, members] = kind === 'json' ? [false, ...rest] : rest
    const isRead = isCount(id) && isCount(graph) && isText(region) && isText(tenant) && typeof isNear === 'boolean' && isCount(timeoutMs) && Array.isArray(keys) && keys.every(isText)
    if (isRead && (kind === 'get' || (kind === 'json' && Array.isArray(members) && members.every(isMember)))) return message as unknown as Asked
  }
  throw new HubError('VALIDATION_ERROR', `"${JSON.stringify(message).slice(0, 100)}" is nothing a worker asks an owner for.`)
}

function isMember(value: unknown): value is Member {
  const { name, column, as, required } = (value ?? {}) as Record<string, unknown>
  return isText(name) && isText(column) && (as === undefined || isText(as)) && (required === undefined || required === true)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
