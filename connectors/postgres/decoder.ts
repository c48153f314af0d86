import { HubError } from '../../schema/errors.ts'
import type { Row, Value } from '../../schema/values.ts'
import type { FollowedTable, SourceChange } from '../ports/source-feed.ts'
import { noSuchTable, pickColumns } from '../sql-text/columns.ts'
import type { Ask, PostgresTable } from './introspect.ts'
import type { Message, OldTuple, Relation, Tuple } from './pgoutput.ts'
import { converters, type PostgresColumn } from './types.ts'

/** A followed table with the columns somebody takes, and each one's type as the server numbers and names it. */
interface Followed {
  readonly table: PostgresTable
  readonly columns: ReadonlyMap<string, PostgresColumn>
  readonly types: ReadonlyMap<string, { readonly oid: number; readonly name: string }>
}

/** A value only the server can read, and where it goes. */
interface Open {
  readonly into: Record<string, Value>
  readonly column: string
  readonly text: string
  readonly type: string
}

/** Values one statement reads. */
const readTogether = 1_000

/** What is followed: its tables, columns and types as they are now. A table or column that is not there → NOT_FOUND. One statement. */
export async function followed(ask: Ask, source: string, schema: string, known: readonly PostgresTable[], wanted: readonly FollowedTable[]): Promise<readonly Followed[]> {
  const names = [...new Set(wanted.map(({ table }) => table))]
  const types = await ask(`SELECT c.relname, a.attname, a.atttypid::text, format_type(a.atttypid, NULL) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname IN (SELECT json_array_elements_text($2::json)) AND a.attnum > 0 AND NOT a.attisdropped`, [schema, JSON.stringify(names)])
  return names.map(name => {
    const table = known.find(one => one.name === name)
    if (!table) throw noSuchTable(source, name, known.map(one => one.name))
    const columns = pickColumns(name, table.columns, [...new Set(wanted.filter(one => one.table === name).flatMap(one => [...one.columns, ...one.key]))])
    return {
      table,
      columns: new Map(columns.map(column => [column.name, column])),
      types: new Map(types.filter(([relname]) => relname === name).map(([, column, oid, type]) => [column ?? '', { oid: Number(oid), name: type ?? '' }])),
    }
  })
}

/** Turns the messages of one transaction after the other into changes of rows, typed as a scan types them. */
export class Decoder {
  readonly #source: string
  readonly #schema: string
  readonly #followed: readonly Followed[]
  readonly #relations = new Map<number, { readonly relation: Relation; readonly followed: Followed | undefined }>()
  #changes: SourceChange[] = []
  #open: Open[] = []

  constructor(source: string, schema: string, tables: readonly Followed[]) {
    this.#source = source
    this.#schema = schema
    this.#followed = tables
  }

  /** How many changes the transaction has so far. */
  get size(): number {
    return this.#changes.length
  }

  /** Takes one message between begin and commit. A table that is not any more as it was → UPSTREAM_REJECTED. */
  take(message: Message): void {
    switch (message.kind) {
      case 'relation':
        this.#learn(message.relation)
        return
      case 'truncate':
        for (const oid of message.oids) {
          const table = this.#of(oid)?.followed?.table
          if (table) this.#changes.push({ kind: 'truncate', table: table.name })
        }
        return
      case 'insert':
      case 'update':
      case 'delete':
        this.#row(message)
    }
  }

  /** The changes of the transaction that ends here, and none of the next. Asks the server for values that only it can read. */
  async end(ask: Ask): Promise<readonly SourceChange[]> {
    const open = this.#open
    const changes = this.#changes
    this.#open = []
    this.#changes = []
    for (let at = 0; at < open.length; at += readTogether) {
      const some = open.slice(at, at + readTogether)
      const [texts = []] = await ask(`SELECT ${some.map(({ type }, index) => `to_jsonb($${index + 1}::${type})::text`).join(', ')}`, some.map(({ text }) => text))
      some.forEach(({ into, column }, index) => {
        const text = texts[index] ?? null
        into[column] = text === null ? null : converters.JSON(text)
      })
    }
    return changes
  }

  #row(message: Extract<Message, { kind: 'insert' | 'update' | 'delete' }>): void {
    const known = this.#of(message.oid)
    if (!known?.followed) return
    const { relation, followed } = known
    const table = followed.table.name
    const before = message.kind === 'insert' || !message.before ? undefined : this.#before(relation, followed, message.before)
    if (message.kind === 'delete') this.#changes.push({ kind: 'remove', table, before: before ?? {} })
    else this.#changes.push({ kind: 'put', table, row: this.#after(relation, followed, message), ...(before ? { before } : {}) })
  }

  #before(relation: Relation, followed: Followed, { whole, cells }: OldTuple): Row {
    const row: Record<string, Value> = {}
    relation.columns.forEach((column, index) => {
      if (whole || column.identity) this.#cell(followed, column.name, cells[index], row)
    })
    return row
  }

  #after(relation: Relation, followed: Followed, { after, ...message }: Extract<Message, { after: Tuple }>): Row {
    const old = message.kind === 'update' && message.before?.whole ? message.before.cells : []
    const row: Record<string, Value> = {}
    relation.columns.forEach(({ name }, index) => {
      this.#cell(followed, name, after[index] === undefined ? old[index] : after[index], row)
    })
    return row
  }

  #cell({ columns, types }: Followed, name: string, written: string | null | undefined, into: Record<string, Value>): void {
    const column = columns.get(name)
    if (!column || written === undefined) return
    if (written !== null && column.written === 'asked') {
      into[name] = null
      this.#open.push({ into, column: name, text: written, type: types.get(name)?.name ?? 'text' })
      return
    }
    const text = written === null || typeof column.written !== 'function' ? written : column.written(written)
    into[name] = text === null ? null : converters[column.type](text)
  }

  #of(oid: number) {
    const known = this.#relations.get(oid)
    if (!known) throw new HubError('UPSTREAM_REJECTED', `Source "${this.#source}" told of a row of relation ${oid} without telling what that is.`, { source: this.#source })
    return known
  }

  #learn(relation: Relation): void {
    const found = relation.schema === this.#schema ? this.#followed.find(({ table }) => table.name === relation.name) : undefined
    this.#relations.set(relation.oid, { relation, followed: found })
    const other = [...(found?.columns.keys() ?? [])].filter(name => relation.columns.find(column => column.name === name)?.type !== found?.types.get(name)?.oid)
    if (other.length > 0) throw new HubError('UPSTREAM_REJECTED', `Table "${relation.name}" of source "${this.#source}" is not as it was: ${other.map(name => `"${name}"`).join(', ')} went or has another type. It is read again as it is now; where the catalog names the column, it has to follow.`, { source: this.#source, table: relation.name })
  }
}
