import type { FeedTrouble, FollowedTable, FollowRequest } from '../ports/source-feed.ts'
import { identifier } from '../sql-text/filter.ts'
import type { Ask } from './introspect.ts'

/** What logical replication needs of the server, the role and each table, where it is missing, with the statement that mends it. Two statements. */
export async function feedTroubles(ask: Ask, schema: string, { consumer, tables }: Pick<FollowRequest, 'consumer' | 'tables'>): Promise<FeedTrouble[]> {
  const [[server] = []] = await ask(serverSql, [consumer])
  const found = await ask(tablesSql, [schema, JSON.stringify(tables.map(({ table }) => table)), consumer])
  const { mayCreate, ...facts } = JSON.parse(server ?? '{}') as ServerFacts
  const known = new Map(found.map(([name, own]) => [name, JSON.parse(own ?? '{}') as TableFacts]))
  const ofTables = tables.flatMap(table => {
    const own = known.get(table.table)
    return own ? tableTroubles(schema, table, own, mayCreate, consumer).map(message => ({ table: table.table, message })) : []
  })
  return [...serverTroubles(facts).map(message => ({ message })), ...ofTables]
}

interface ServerFacts {
  readonly walLevel: string
  readonly standby: boolean
  /** By its own right, or by that of the role managed services give it. */
  readonly mayReplicate: boolean
  readonly mayCreate: boolean
  readonly slots: number
  readonly maxSlots: number
  /** Slots nobody reads from. */
  readonly idle: readonly string[]
  /** Quoted. */
  readonly role: string
}

interface TableFacts {
  readonly kind: string
  readonly persistence: string
  readonly hasChildren: boolean
  readonly owned: boolean
  readonly rowSecurity: boolean
  /** `f`: the whole row is its identity. */
  readonly identityKind: string
  readonly names: Readonly<Record<string, string>>
  /** Column numbers. */
  readonly identity: readonly number[] | null
  readonly unique: readonly (readonly number[])[]
  /** Names of columns the server computes and does not send. */
  readonly generated: readonly string[]
  readonly published: boolean
}

const serverSql = `SELECT json_build_object(
    'walLevel', current_setting('wal_level'), 'standby', pg_is_in_recovery(), 'role', quote_ident(current_user),
    'mayReplicate', r.rolsuper OR r.rolreplication OR EXISTS (SELECT FROM pg_roles m WHERE m.rolname = 'rds_replication' AND pg_has_role(m.oid, 'member')),
    'mayCreate', has_database_privilege(current_database(), 'CREATE'), 'maxSlots', current_setting('max_replication_slots')::int,
    'slots', (SELECT count(*) FROM pg_replication_slots WHERE slot_name <> $1),
    'idle', (SELECT coalesce(json_agg(slot_name ORDER BY slot_name), '[]') FROM pg_replication_slots WHERE NOT active AND slot_name <> $1))::text
  FROM pg_roles r WHERE r.rolname = current_user`

const keyColumns = `(SELECT json_agg(u.number ORDER BY u.place) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u(number, place) WHERE u.place <= i.indnkeyatts)`
const tablesSql = `SELECT c.relname, json_build_object(
    'kind', c.relkind, 'persistence', c.relpersistence, 'hasChildren', EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid), 'owned', pg_has_role(c.relowner, 'USAGE'),
    'rowSecurity', row_security_active(c.oid), 'identityKind', c.relreplident,
    'names', (SELECT json_object_agg(a.attnum, a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'identity', (SELECT ${keyColumns} FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident)),
    'unique', (SELECT coalesce(json_agg(${keyColumns}), '[]') FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL),
    'generated', (SELECT coalesce(json_agg(a.attname), '[]') FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attgenerated <> ''),
    'published', EXISTS (SELECT FROM pg_publication p JOIN pg_publication_tables t ON t.pubname = p.pubname WHERE p.pubname = $3 AND t.schemaname = n.nspname AND t.tablename = c.relname))::text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname IN (SELECT json_array_elements_text($2::json))`

function serverTroubles({ walLevel, standby, mayReplicate, slots, maxSlots, idle, role }: Omit<ServerFacts, 'mayCreate'>): string[] {
  const said: string[] = []
  if (walLevel !== 'logical') said.push(`wal_level is "${walLevel}", and the server tells of changes with "logical" only. Run ALTER SYSTEM SET wal_level = 'logical'; and restart the server.`)
  if (standby) said.push('The server is a standby, which tells of no changes. Name the primary in the source.')
  if (!mayReplicate) said.push(`Role ${role} may not replicate. Run ALTER ROLE ${role} WITH REPLICATION;`)
  if (slots >= maxSlots) {
    const wayOut = idle.length > 0 ? `Nobody reads from ${idle.join(', ')}: drop what is not needed with SELECT pg_drop_replication_slot('${idle[0]}'); or run` : 'Run'
    said.push(`All ${maxSlots} replication slots of the server are in use. ${wayOut} ALTER SYSTEM SET max_replication_slots = ${slots + 5}; and restart the server.`)
  }
  return said
}

function tableTroubles(schema: string, { table, columns, key }: FollowedTable, facts: TableFacts, mayCreate: boolean, consumer: string): string[] {
  const relation = `${identifier(schema)}.${identifier(table)}`
  const kind = kinds[facts.kind] ?? (facts.hasChildren ? 'is the parent of other tables' : facts.persistence === 'u' ? 'is unlogged' : undefined)
  if (kind !== undefined) return [`"${table}" ${kind}, and the server does not tell of all its changes. Follow an ordinary table, or read it again on time: load: { eager: true, every: PT1M }.`]
  const said: string[] = []
  const named = (numbers: readonly number[]) => numbers.map(number => facts.names[number] ?? '')
  const identity = facts.identityKind === 'f' ? Object.values(facts.names) : named(facts.identity ?? [])
  const outside = key.filter(column => !identity.includes(column))
  if (identity.length === 0) said.push(`"${table}" has no replica identity, so an UPDATE does not say which row it changed. Give it a primary key, or run ALTER TABLE ${relation} REPLICA IDENTITY FULL;`)
  else if (outside.length > 0) said.push(`The region's key has ${outside.map(column => `"${column}"`).join(', ')}, which the replica identity of "${table}" (${identity.join(', ')}) lacks, so a DELETE does not say which entry went. Run ALTER TABLE ${relation} REPLICA IDENTITY FULL;`)
  if (!facts.unique.some(numbers => named(numbers).every(column => key.includes(column)))) said.push(`Nothing in "${table}" keeps two rows from having the same ${key.join(', ')}, which is the region's key. Run ALTER TABLE ${relation} ADD UNIQUE (${key.map(identifier).join(', ')});`)
  if (facts.rowSecurity) said.push(`Row security shows the role a part of "${table}" only, while changes are told of every row. Run ALTER ROLE … WITH BYPASSRLS; or follow with the role that owns the table.`)
  const computed = columns.filter(column => facts.generated.includes(column))
  if (computed.length > 0) said.push(`${computed.map(column => `"${column}"`).join(', ')} of "${table}" is generated, and changes do not carry it. Leave it out with load: { columns: [${columns.filter(column => !computed.includes(column)).join(', ')}] }.`)
  if (!facts.published && !(mayCreate && facts.owned)) said.push(`The role may not publish "${table}": it needs CREATE on the database and to own the table. A superuser may publish it instead: CREATE PUBLICATION ${consumer} FOR TABLE ${relation}; (ALTER PUBLICATION ${consumer} ADD TABLE ${relation}; where there is one).`)
  return said
}

const kinds: Readonly<Record<string, string>> = { v: 'is a view', m: 'is a materialized view', f: 'is a foreign table', p: 'is partitioned' }
