import { identifier } from '../sql-text/filter.ts'
import { noSuchTarget } from '../sql-text/table-write.ts'
import { type Ask, baseTypes } from './introspect.ts'
import { mappingOf } from './types.ts'

/** A table that is written. */
export interface Target {
  readonly schema: string
  /** Quoted, with its schema. */
  readonly relation: string
  /** A table of this database's own: it can be locked. */
  readonly isTable: boolean
  readonly columns: readonly TargetColumn[]
  /** Columns of which the table holds every combination once, as the server checks at each row. */
  readonly uniques: readonly (readonly string[])[]
}

export interface TargetColumn {
  readonly name: string
  /** As a statement declares a column of it: `numeric(10,2)`. */
  readonly declared: string
  /** What its values are bound as. */
  readonly bound: string
}

/** The table by its name: with its schema, or alone when its schema is on the search path. None → NOT_FOUND with the nearest names. Three statements. */
export async function findTarget(ask: Ask, called: string, table: string): Promise<Target> {
  const [found] = await ask(`SELECT c.oid::text, n.nspname, c.relname, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'f') AND (n.nspname || '.' || c.relname = $1 OR c.relname = $1 AND pg_table_is_visible(c.oid)) ORDER BY c.relname = $1 LIMIT 1`, [table])
  if (!found) throw noSuchTarget(called, table, await knownTables(ask, table))
  const [oid = '', schema, name, kind] = found
  const columns = await ask(`${baseTypes}
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), t.typname, t.typtype::text, t.typcategory::text
    FROM pg_attribute a JOIN base ON base.type = a.atttypid JOIN pg_type t ON t.oid = base.oid AND t.typtype <> 'd'
    WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, [oid])
  const uniques = await ask(`SELECT (SELECT json_agg(a.attname) FROM unnest(i.indkey[0:i.indnkeyatts - 1]) AS k(number) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number)
    FROM pg_index i WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL`, [oid])
  return {
    schema: schema ?? '',
    relation: `${identifier(schema ?? '')}.${identifier(name ?? '')}`,
    isTable: kind === 'r' || kind === 'p',
    columns: columns.map(([column, declared, base, typtype, typcategory]) => ({ name: column ?? '', declared: declared ?? '', bound: mappingOf(base ?? '', typtype ?? '', typcategory ?? '').bound })),
    uniques: uniques.map(([names]) => JSON.parse(names ?? '[]') as string[]),
  }
}

/** Called as the one that is missing is: with their schemas, or alone. */
async function knownTables(ask: Ask, missing: string): Promise<string[]> {
  const name = missing.includes('.') ? `n.nspname || '.' || c.relname` : 'c.relname::text'
  const tables = await ask(`SELECT ${name} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname !~ '^(pg_|information_schema$)' ${missing.includes('.') ? '' : 'AND pg_table_is_visible(c.oid)'}`, [])
  return tables.map(([table]) => table ?? '')
}
