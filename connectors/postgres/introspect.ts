import type { ForeignKey } from '../ports/source-connector.ts'
import { type Bound, identifier } from '../sql-text/filter.ts'
import { mappingOf, type PostgresColumn } from './types.ts'

export interface PostgresTable {
  readonly name: string
  /** Quoted, with its schema. */
  readonly relation: string
  readonly columns: readonly PostgresColumn[]
  readonly key: readonly string[]
  readonly foreignKeys: readonly ForeignKey[]
  readonly description?: string
}

/** Runs a statement and answers its rows; values as text. */
export type Ask = (sql: string, values: readonly Bound[]) => Promise<readonly (readonly (string | null)[])[]>

/** Begins a statement that asks for types: `base` has the type below each domain, which `typtype <> 'd'` tells from the domains between, and whether null is refused on the way. */
export const baseTypes = `WITH RECURSIVE base(type, oid, required) AS (
      SELECT oid, oid, typnotnull FROM pg_type
      UNION ALL SELECT base.type, t.typbasetype, base.required OR b.typnotnull FROM base JOIN pg_type t ON t.oid = base.oid JOIN pg_type b ON b.oid = t.typbasetype WHERE t.typtype = 'd'
    )`

/** Tables, partitioned tables, views, materialized views and foreign tables of one schema that may be read, with the columns that may. Three statements. */
export async function introspect(ask: Ask, schema: string): Promise<PostgresTable[]> {
  const tables = await ask(`SELECT c.oid::text, c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND has_any_column_privilege(c.oid, 'SELECT') ORDER BY c.relname`, [schema])
  const columns = await ask(`${baseTypes}
    SELECT a.attrelid::text, a.attname, t.typname, t.typtype::text, t.typcategory::text, (a.attnotnull OR base.required)::text, col_description(a.attrelid, a.attnum),
      (co.oid IS NOT NULL AND NOT co.collisdeterministic)::text
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN base ON base.type = a.atttypid
    JOIN pg_type t ON t.oid = base.oid AND t.typtype <> 'd' LEFT JOIN pg_collation co ON co.oid = a.attcollation
    WHERE n.nspname = $1 AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(a.attrelid, a.attnum, 'SELECT') ORDER BY a.attrelid, a.attnum`, [schema])
  const keys = await ask(`SELECT k.conrelid::text, k.contype::text, f.relname, names(k.conrelid, k.conkey), names(k.confrelid, k.confkey)
    FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace LEFT JOIN pg_class f ON f.oid = k.confrelid
    WHERE n.nspname = $1 AND k.contype IN ('p', 'f') AND k.conparentid = 0 AND (f.oid IS NULL OR f.relnamespace = n.oid) ORDER BY k.conname`.replaceAll(/names\((\S+), (\S+)\)/g,
    `(SELECT json_agg(a.attname ORDER BY u.place) FROM unnest($2) WITH ORDINALITY AS u(number, place) JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = u.number)`), [schema])

  return tables.map(([oid, name, description]): PostgresTable => {
    const own = keys.filter(([table]) => table === oid).map(([, kind, target, from, to]) => ({ kind, target: target ?? '', from: namesIn(from), to: namesIn(to) }))
    return {
      name: name ?? '',
      relation: `${identifier(schema)}.${identifier(name ?? '')}`,
      columns: columns.filter(([table]) => table === oid).map(columnOf),
      key: own.find(({ kind }) => kind === 'p')?.from ?? [],
      foreignKeys: own.filter(({ kind }) => kind === 'f').map(({ target, from, to }) => ({ columns: from, table: target, references: to })),
      ...(description ? { description } : {}),
    }
  })
}

function columnOf([, name, base, typtype, typcategory, required, description, caseless]: readonly (string | null)[]): PostgresColumn {
  const quoted = identifier(name ?? '')
  const { type, bound, read, written } = mappingOf(base ?? '', typtype ?? '', typcategory ?? '')
  const expression = read?.(quoted) ?? (caseless === 'true' ? `(${quoted} COLLATE "C")` : quoted)
  return { name: name ?? '', type, bound, nullable: required !== 'true', expression, ...(written ? { written } : {}), ...(description ? { description } : {}) }
}

function namesIn(json: string | null | undefined): string[] {
  return json ? (JSON.parse(json) as string[]) : []
}
