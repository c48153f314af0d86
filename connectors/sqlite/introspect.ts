import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { HubError } from '../../schema/errors.ts'
import type { ColumnType } from '../../schema/values.ts'
import type { ForeignKey } from '../ports/source-connector.ts'
import { identifier, type SqlColumn } from '../sql-text/filter.ts'

export interface SqliteTable {
  readonly name: string
  readonly columns: readonly SqlColumn[]
  readonly key: readonly string[]
  readonly foreignKeys: readonly ForeignKey[]
  readonly rowCount: number
}

/**
 * Tables and views with their columns. SQLite lets every row choose its own type, so a column is of its declared type only if every value in it is; else it is
 * what its values have in common, String at last. Reads each table once.
 */
export function introspect(database: DatabaseSync): SqliteTable[] {
  const names = database.prepare(`SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`).all()
  return names.map(({ name }) => tableOf(database, String(name)))
}

function tableOf(database: DatabaseSync, name: string): SqliteTable {
  try {
    const found = declaredColumns(database, name)
    const { columns, rowCount } = typed(database, '', identifier(name), found.map(column => ({ ...column, place: identifier(column.name) })))
    return { name, columns, key: keyOf(found), foreignKeys: foreignKeysOf(database, name), rowCount }
  } catch (error) {
    throw new HubError('UPSTREAM_REJECTED', `Table "${name}" cannot be looked at: ${error instanceof Error ? error.message : String(error)}`, { table: name }, { cause: error })
  }
}

export interface Declared {
  readonly name: string
  /** As it was declared; empty where there is no declaration. */
  readonly type: string
  readonly required: boolean
  /** Place in the primary key, from 1 on; 0 beside it. */
  readonly pk: number
}

export function declaredColumns(database: DatabaseSync, table: string): Declared[] {
  const declared = database.prepare('SELECT name, type, "notnull" AS required, pk FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid').all(table)
  return declared.map(row => ({ name: String(row['name']), type: String(row['type'] ?? ''), required: Number(row['required']) === 1, pk: Number(row['pk']) }))
}

function keyOf(columns: readonly Declared[]): string[] {
  return columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk).map(column => column.name)
}

/** What the columns are by all of their values: reads `from` once, which `before` may define. `place` is what a column is called there, quoted. */
export function typed(database: DatabaseSync, before: string, from: string, found: readonly (Declared & { readonly place: string })[], values: readonly SQLInputValue[] = []): { readonly columns: SqlColumn[]; readonly rowCount: number } {
  const statement = database.prepare(`${before} SELECT count(*) AS "rows", ${found.map((column, index) => factsSql(column.place, column.type, index)).join(', ')} FROM ${from}`)
  statement.setReadBigInts(true)
  const facts = statement.get(...values) ?? {}
  const columns = found.map(({ place, ...column }, index): SqlColumn => {
    const fact = (of: string) => Number(facts[`${of}${index}`] ?? 0)
    const type = typeOf(column.type, fact, [facts[`least${index}`], facts[`most${index}`]])
    return { name: column.name, type, nullable: !column.required && !(column.pk > 0 && fact('nulls') === 0), expression: plain(type, fact) ? place : readSql[type](place) }
  })
  return { columns, rowCount: Number(facts['rows']) }
}

const dateGlob = '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
const timeGlob = '[0-9][0-9]:[0-9][0-9]:[0-9][0-9]'

/** What one column's values are, counted; of the forms those that the declared type may have. */
function factsSql(column: string, declared: string, index: number): string {
  const moment = `substr(${column}, 1, 19) GLOB '${dateGlob}[T ]${timeGlob}' AND date(substr(${column}, 1, 10)) = substr(${column}, 1, 10) AND datetime(${column}) IS NOT NULL`
  const fraction = (text: string) => `(length(${text}) = 19 OR (substr(${text}, 20, 1) = '.' AND length(${text}) BETWEEN 21 AND 26 AND substr(${text}, 21) NOT GLOB '*[^0-9]*'))`
  const counts = {
    nulls: `${column} IS NULL`,
    integers: `typeof(${column}) = 'integer'`,
    reals: `typeof(${column}) = 'real'`,
    texts: `typeof(${column}) = 'text'`,
    blobs: `typeof(${column}) = 'blob'`,
  }
  const forms = {
    flags: `typeof(${column}) = 'integer' AND ${column} IN (0, 1)`,
    dates: `typeof(${column}) = 'text' AND ${column} GLOB '${dateGlob}' AND date(${column}) = ${column}`,
    moments: `typeof(${column}) = 'text' AND ${moment} AND ${fraction(column)}`,
    instants: `typeof(${column}) = 'text' AND substr(${column}, -1) = 'Z' AND ${moment} AND ${fraction(`substr(${column}, 1, length(${column}) - 1)`)}`,
    uuids: `typeof(${column}) = 'text' AND length(${column}) = 36 AND replace(${column}, '-', '') NOT GLOB '*[^0-9a-fA-F]*' AND ${column} LIKE '________-____-____-____-____________'`,
    documents: `typeof(${column}) <> 'blob' AND json_valid(${column})`,
  }
  const possible = declaredTypes.filter(([pattern]) => pattern.test(declared))
  const counted = [...Object.entries(counts), ...possible.map(([, , form]) => [form, forms[form]] as const), ...(possible.some(([, type]) => type === 'UUID') ? [['capitals', `typeof(${column}) = 'text' AND ${column} <> lower(${column})`] as const] : [])]
  const bounds = ['min', 'max'].map((end, at) => `${end}(CASE WHEN typeof(${column}) = 'integer' THEN ${column} END) AS ${at === 0 ? 'least' : 'most'}${index}`)
  return [...counted.map(([name, sql]) => `total(${sql}) AS ${name}${index}`), ...bounds].join(', ')
}

type Form = 'flags' | 'dates' | 'moments' | 'instants' | 'uuids' | 'documents'

/** Declared types whose values have a form of their own, and the fact that counts the values of that form. */
const declaredTypes: readonly (readonly [RegExp, ColumnType, Form])[] = [
  [/BOOL/i, 'Boolean', 'flags'],
  [/DATETIME|TIMESTAMP/i, 'LocalDateTime', 'moments'],
  [/DATETIME|TIMESTAMP/i, 'DateTime', 'instants'],
  [/DATE/i, 'Date', 'dates'],
  [/UUID|GUID/i, 'UUID', 'uuids'],
  [/JSON/i, 'JSON', 'documents'],
]

function typeOf(declared: string, fact: (of: string) => number, [least, most]: readonly unknown[]): ColumnType {
  const present = fact('integers') + fact('reals') + fact('texts') + fact('blobs')
  if (present === 0) return emptyType(declared)
  const own = declaredTypes.find(([pattern, , form]) => pattern.test(declared) && fact(form) === present)
  if (own) return own[1]
  if (fact('blobs') === present) return 'Bytes'
  if (fact('texts') + fact('blobs') > 0) return 'String'
  if (fact('reals') > 0 || /REAL|FLOA|DOUB/i.test(declared)) return 'Float'
  const narrow = typeof least === 'bigint' && typeof most === 'bigint' && least >= -(2n ** 31n) && most < 2n ** 31n
  return narrow && !/BIGINT|INT8|UNSIGNED/i.test(declared) ? 'Int' : 'Long'
}

/** By the declared type alone, where there is no value to contradict it. */
function emptyType(declared: string): ColumnType {
  const own = declaredTypes.find(([pattern]) => pattern.test(declared))
  if (own) return own[1]
  if (/INT/i.test(declared)) return /BIGINT|INT8|UNSIGNED/i.test(declared) ? 'Long' : 'Int'
  if (/REAL|FLOA|DOUB|NUM|DEC/i.test(declared)) return 'Float'
  return /BLOB/i.test(declared) ? 'Bytes' : 'String'
}

const trimmed = (text: string) => `CASE WHEN instr(${text}, '.') > 0 THEN rtrim(rtrim(${text}, '0'), '.') ELSE ${text} END`
const asIs = (column: string) => column
const withT = (column: string) => `replace(${column}, ' ', 'T')`

/** Whether the stored values are the canonical ones already; an index on the column then serves. */
function plain(type: ColumnType, fact: (of: string) => number): boolean {
  if (type === 'UUID') return fact('capitals') === 0
  return type === 'String' && fact('integers') + fact('reals') + fact('blobs') === 0
}

/** SQL that reads a column so that its values have the one type found, and texts of one meaning are one text. */
const readSql: Record<ColumnType, (column: string) => string> = {
  String: column => `CASE typeof(${column}) WHEN 'text' THEN ${column} WHEN 'blob' THEN hex(${column}) ELSE CAST(${column} AS TEXT) END`,
  Int: asIs, Long: asIs, Boolean: asIs, Bytes: asIs, Date: asIs, Time: asIs, JSON: asIs, Decimal: asIs,
  Float: column => `CASE WHEN typeof(${column}) IN ('text', 'blob') THEN ${column} WHEN abs(${column}) < 9e999 THEN CAST(${column} AS REAL) END`,
  LocalDateTime: column => `(${trimmed(withT(column))})`,
  DateTime: column => `(${trimmed(`substr(${withT(column)}, 1, length(${column}) - 1)`)} || 'Z')`,
  UUID: column => `lower(${column})`,
}

function foreignKeysOf(database: DatabaseSync, name: string): ForeignKey[] {
  const rows = database.prepare('SELECT id, "table" AS target, "from" AS source, "to" AS target_column FROM pragma_foreign_key_list(?) ORDER BY id, seq').all(name)
  const keys = new Map<string, { columns: string[]; table: string; references: string[] }>()
  for (const row of rows) {
    const id = String(row['id'])
    const key = keys.get(id) ?? { columns: [], table: String(row['target']), references: [] }
    key.columns.push(String(row['source']))
    const referred = row['target_column'] ?? primaryKey(database, key.table)[key.columns.length - 1]
    if (referred !== undefined && referred !== null) key.references.push(String(referred))
    keys.set(id, key)
  }
  return [...keys.values()].filter(key => key.references.length === key.columns.length).reverse()
}

function primaryKey(database: DatabaseSync, table: string): string[] {
  return database.prepare('SELECT name FROM pragma_table_xinfo(?) WHERE pk > 0 ORDER BY pk').all(table).map(row => String(row['name']))
}
