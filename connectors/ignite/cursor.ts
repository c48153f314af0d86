import type { Scope } from '../ports/scope.ts'
import type { IgniteClient } from './client.ts'
import type { Connection } from './connection.ts'
import type { OpName } from './wire/codes.ts'
import type { Reader } from './wire/reader.ts'
import type { Writer } from './wire/writer.ts'

/** What opens a cursor and reads its pages; a page ends with one bool: whether more follow. */
export interface CursorMessage<Head, Item> {
  readonly operation: OpName
  readonly nextPage: OpName
  readonly write: (writer: Writer) => void
  /** What stands between the cursor's id and the first page. */
  readonly head: (reader: Reader) => Head
  readonly page: (reader: Reader, head: Head) => readonly Item[]
  /** Reads again after a schema was learned; see Cache.learning. */
  readonly learning?: <T>(read: (reader: Reader) => T) => (reader: Reader) => T | Promise<T>
  readonly timeoutMs?: number
}

export interface Cursor<Head, Item> {
  readonly head: Head
  /** Page after page, once. Ending early closes the cursor at the server. */
  readonly pages: AsyncGenerator<readonly Item[], void, void>
}

interface Opened<Head, Item> {
  readonly id: bigint
  readonly head: Head
  readonly items: readonly Item[]
  readonly more: boolean
}

/**
 * Answer: cursor id int64, head, page, more bool. The cursor lives on the connection that opened it, and at the server until its last page was read or it was closed
 * (OP_RESOURCE_CLOSE, its id int64).
 */
export async function openCursor<Head, Item>(scope: Scope, client: IgniteClient, message: CursorMessage<Head, Item>): Promise<Cursor<Head, Item>> {
  const connection = await client.connected(scope)
  const learning = message.learning ?? (read => read)
  const call = { signal: scope.signal, ...(message.timeoutMs !== undefined && { timeoutMs: message.timeoutMs }) }
  const read = learning((reader: Reader): Opened<Head, Item> => {
    const id = reader.i64()
    const head = message.head(reader)
    return { id, head, items: message.page(reader, head), more: reader.bool() }
  })
  const opened = await connection.request(message.operation, message.write, read, {
    ...call, discard: reader => closeCursor(client, connection, reader.i64()),
  })
  return { head: opened.head, pages: pagesOf(client, connection, message, opened, learning, call) }
}

async function* pagesOf<Head, Item>(
  client: IgniteClient, connection: Connection, message: CursorMessage<Head, Item>, opened: Opened<Head, Item>,
  learning: NonNullable<CursorMessage<Head, Item>['learning']>, call: { signal: AbortSignal; timeoutMs?: number },
): AsyncGenerator<readonly Item[], void, void> {
  let { more } = opened
  try {
    yield opened.items
    while (more) {
      const next = await connection.request(message.nextPage, writer => writer.i64(opened.id), learning(reader => ({ items: message.page(reader, opened.head), more: reader.bool() })), call)
      more = next.more
      yield next.items
    }
  } finally {
    if (more) closeCursor(client, connection, opened.id)
  }
}

/** Nobody waits for it: the server forgets the cursor with the connection at the latest. */
function closeCursor(client: IgniteClient, connection: Connection, id: bigint): void {
  if (connection.closed) return
  connection.request('resourceClose', writer => writer.i64(id), () => {}).catch(error => client.settings.log?.debug('Ignite: a cursor was not closed.', { reason: String(error) }))
}
