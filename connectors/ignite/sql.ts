import type { Value } from '../../schema/values.ts'
import type { Scope } from '../ports/scope.ts'
import { list } from './binary/metadata.ts'
import type { Cache } from './cache.ts'
import type { IgniteClient } from './client.ts'
import { type Cursor, openCursor } from './cursor.ts'
import { readValue, valueTypes, type ValueTypeName, writeValue } from './wire/values.ts'

/** A value bound to one `?`. What stands alone is typed by what it is: text, boolean, whole number (BIGINT), other number (DOUBLE). */
export type Argument = Value | { readonly type: ValueTypeName; readonly value: Value }

export interface SqlOptions {
  readonly schema?: string
  readonly pageRows?: number
  /** Needed for joins on anything but the affinity key: without it they answer wrong rows, without a word. */
  readonly distributedJoins?: boolean
  /** The server stops the statement after this long. */
  readonly timeoutMs?: number
}

export interface SqlResult {
  /** As the statement names them; upper case where it does not quote. */
  readonly columns: readonly string[]
  /** Rows as arrays in the columns' order, page by page; ending early closes the cursor. */
  readonly pages: AsyncGenerator<readonly (readonly Value[])[], void, void>
}

/**
 * Runs one statement. SQL sees single committed rows and no snapshot: rows of one transaction become visible one by one. DML is not part of a transaction.
 *
 * OP_QUERY_SQL_FIELDS request:
 *   cache id int32 = 0, flags int8 = 0, schema string, page size int32, max rows int32 = -1, sql string, int32 count × argument with type byte,
 *   statement kind int8 = 0 (any), distributed joins bool, local bool, replicated only bool, enforce join order bool, collocated bool, lazy bool,
 *   timeout int64 ms, include field names bool
 * Head of the answer: int32 count × name string. Page: int32 count × a value per column.
 */
export async function sql(scope: Scope, client: IgniteClient, statement: string, args: readonly Argument[] = [], options: SqlOptions = {}): Promise<SqlResult> {
  const timeoutMs = options.timeoutMs ?? client.settings.requestTimeoutMs
  const cursor: Cursor<readonly string[], readonly Value[]> = await openCursor(scope, client, {
    operation: 'sql', nextPage: 'sqlPage', timeoutMs: timeoutMs + graceMs,
    write: writer => {
      writer.i32(0)
      writer.u8(0)
      writer.string(options.schema ?? 'PUBLIC')
      writer.i32(options.pageRows ?? 1024)
      writer.i32(-1)
      writer.string(statement)
      writer.i32(args.length)
      for (const argument of args) {
        const { type, value } = typed(argument)
        writeValue(writer, valueTypes[type], value)
      }
      writer.u8(0)
      writer.bool(options.distributedJoins ?? false)
      for (let flag = 0; flag < 4; flag++) writer.bool(false)
      // Lazy: the server does not hold the whole result.
      writer.bool(true)
      writer.i64(timeoutMs)
      writer.bool(true)
    },
    head: reader => list(reader, () => reader.text()),
    page: (reader, columns) => list(reader, () => columns.map(() => readValue(reader))),
  })
  return { columns: cursor.head, pages: cursor.pages }
}

/** Runs one statement and answers all its rows at once; DML answers one row with the count of changes. */
export async function sqlRows(scope: Scope, client: IgniteClient, statement: string, args: readonly Argument[] = [], options: SqlOptions = {}): Promise<readonly (readonly Value[])[]> {
  const { pages } = await sql(scope, client, statement, args, options)
  const rows: (readonly Value[])[] = []
  for await (const page of pages) rows.push(...page)
  return rows
}

/**
 * Every entry of a cache, page by page, in no order, and as of no one moment.
 *
 * OP_QUERY_SCAN request: head of the cache, filter = null, page size int32, partition int32 = -1 (all), local bool. Page: int32 count × (key, value).
 */
export async function scan<K, V>(scope: Scope, client: IgniteClient, cache: Cache<K, V>, pageRows = 1024): Promise<AsyncGenerator<readonly { readonly key: K | undefined; readonly value: V | undefined }[], void, void>> {
  const { pages } = await openCursor(scope, client, {
    operation: 'scan', nextPage: 'scanPage',
    write: writer => {
      cache.writeHead(writer)
      writer.string(null)
      writer.i32(pageRows)
      writer.i32(-1)
      writer.bool(false)
    },
    head: () => undefined,
    page: reader => list(reader, () => cache.readEntry(reader)),
    learning: read => cache.learning(read),
  })
  return pages
}

/** The server is to speak first. */
const graceMs = 1_000

function typed(argument: Argument): { readonly type: ValueTypeName; readonly value: Value } {
  if (typeof argument === 'object' && argument !== null && 'type' in argument && 'value' in argument) return argument as { type: ValueTypeName; value: Value }
  const value = argument as Value
  if (typeof value === 'string') return { type: 'string', value }
  if (typeof value === 'boolean') return { type: 'boolean', value }
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return { type: 'long', value }
  return typeof value === 'number' ? { type: 'double', value } : { type: 'json', value }
}
