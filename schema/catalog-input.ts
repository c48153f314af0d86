import { z } from 'zod'
import { durationMs } from './duration.ts'
import { argumentOperators } from './filter.ts'
import { closed } from './findings.ts'
import { columnTypes } from './values.ts'

/** Column types as a field is declared: `Int`, `Int!`; `ID` is a String column the graph shows as ID. */
export const fieldTypes = ['ID', ...columnTypes].flatMap(type => [type, `${type}!`])
export const strategies = ['READ_THROUGH', 'WRITE_THROUGH', 'WRITE_BEHIND', 'REFRESH_AHEAD'] as const
export type Strategy = (typeof strategies)[number]

const text = z.string().min(1)
/** How a secret is referred to. */
const reference = `\${env:NAME} or \${file:path}`
const description = text.optional().describe('A sentence for people: it becomes the description in the graph.')
const positive = (what: string) => z.int({ error: what }).min(1, { error: what })
const durationForm = 'an ISO 8601 duration of weeks, days, hours, minutes or seconds above zero, such as PT10M or P1D'
const duration = z
  .string({ error: durationForm })
  .refine(value => durationMs(value) !== undefined, { error: durationForm })
  .meta({ format: 'duration', examples: ['PT10M', 'P1D'] })
const textOrList = z.union([text, z.array(text).min(1)])
const named = <Schema extends z.ZodType>(schema: Schema) => z.record(z.string(), schema)

/** How a file is written. */
export const fileFormat = z.discriminatedUnion('type', [
  closed({
    type: z.literal('csv').describe('Values in lines.'),
    header: z.boolean().optional().describe('Whether the first line holds the column names. Default true.'),
    delimiter: z.string().min(1).max(4).optional().describe('What stands between two values. Default a comma; in files that end in .tsv or .tab a tab.'),
    quote: z.string().max(1).optional().describe('What stands round a value that holds a delimiter. Default `"`; empty: values are never quoted.'),
    escape: z.string().max(1).optional().describe('What stands in front of a quote inside of a quoted value. Default the quote itself, doubled.'),
    null: z.union([z.string(), z.array(z.string()).nonempty()]).optional().describe('How a missing value is written, or the ways it is. Default the empty text.'),
    comment: z.string().length(1, { error: 'one character' }).optional().describe('Lines that begin with it are left out.'),
  }),
  closed({ type: z.literal('json').describe('One JSON array of objects.') }),
  closed({ type: z.literal('ndjson').describe('One JSON object a line.') }),
  closed({ type: z.literal('parquet').describe('Apache Parquet.') }),
])
export type FileFormat = z.output<typeof fileFormat>

const filesTable = closed({
  file: text.describe('Path of the file, relative to the source\'s root.'),
  format: fileFormat.optional().describe('How this file is written, instead of what the source says.'),
  columns: z.array(text).nonempty().optional().describe('CSV: names of the columns, in the order of the file, instead of those in it. Other formats: the columns to take.'),
  key: z.union([text, z.array(text).nonempty()]).optional().describe('Columns whose values name a row. Checked when the file is read.'),
})
export type FilesTable = z.output<typeof filesTable>

const trino = closed({
  catalog: text.describe('Name of the catalog.'),
  schema: text.describe('Its schema in which the tables stand, under the names they have here.'),
}).optional().describe('A catalog of Trino, made by hand, that has the same tables. Absent: one is made where the source can be reached without a secret that Trino would show; else statements over it run embedded.')

export const filesSource = closed({
  type: z.literal('files').describe('CSV, JSON and Parquet files in a folder.'),
  description,
  trino,
  root: text.describe('The folder, relative to the file this stands in. Nothing outside of it is read.'),
  format: fileFormat.optional().describe('How the files are written, unless a table says otherwise. Absent: told by their endings.'),
  tables: named(z.union([text, filesTable], { error: 'a file\'s path or a map' })).optional().describe('Tables by name: a path, or a map. Absent: every file of the folder is a table of its name.'),
  quarantineLimit: z.int().min(0).optional().describe('How many unreadable rows of a table are set aside before the table is refused. Default 1000 rows, or a tenth of the rows where that is more.'),
})

export const sqliteSource = closed({
  type: z.literal('sqlite').describe('A SQLite database file, opened for reading.'),
  description,
  trino,
  file: text.describe('The database, relative to the file this stands in.'),
})

export const postgresqlSource = closed({
  type: z.literal('postgresql').describe('A PostgreSQL database.'),
  description,
  trino,
  url: text.optional().describe('`postgresql://user:password@host:port/database`, best as a reference to a secret. Instead of host and the rest.'),
  host: text.optional().describe('Name or address of the server.'),
  port: z
    .union([z.int().min(1).max(65_535), z.string().regex(/^(\d{1,5}|\$\{(env|file):[^}]+\})$/)], { error: 'a port from 1 to 65535' })
    .optional()
    .describe('Port of the server. Default 5432.'),
  database: text.optional().describe('Name of the database.'),
  user: text.optional().describe('Who connects.'),
  password: text.optional().describe(`Best as ${reference}.`),
  schema: text.optional().describe('The schema whose tables are read. Default `public`.'),
}).check(({ value, issues }) => {
  const refuse = (name: 'url' | 'host' | 'database' | 'port' | 'user' | 'password', message: string) => issues.push({ code: 'custom', input: value[name], path: [name], message })
  if (value.url === undefined) {
    if (value.host === undefined) refuse('host', '"url", or "host" and "database"')
    else if (value.database === undefined) refuse('database', 'the name of a database')
  } else {
    for (const name of ['host', 'port', 'database', 'user', 'password'] as const) if (value[name] !== undefined) refuse(name, `needed beside "url". Leave one of the two out`)
    if (!/^postgres(ql)?:\/\/|\$\{/.test(value.url)) refuse('url', 'of the form postgresql://user:password@host:port/database')
  }
})

/** Names that hold a part of how a system is reached, and stand in no other form of it. */
function besideUrl<Name extends string>(value: Readonly<Partial<Record<Name | 'url', unknown>>>, names: readonly Name[]): readonly Name[] {
  return value.url === undefined ? [] : names.filter(name => value[name] !== undefined)
}
const oneOfTwo = 'needed beside "url". Leave one of the two out'
const textsOrText = (what: string) => z.union([text, z.array(text).nonempty()], { error: what })

export const cassandraSource = closed({
  type: z.literal('cassandra').describe('A keyspace of Apache Cassandra.'),
  description,
  trino,
  url: text.optional().describe('`cassandra://user:password@host:port,host/keyspace?datacenter=name`, best as a reference to a secret. Instead of hosts and the rest.'),
  hosts: textsOrText('a host or a list of hosts').optional().describe('Nodes asked first, each `host` or `host:port`; the others are learnt from them. Default port 9042.'),
  keyspace: text.optional().describe('The keyspace whose tables are read.'),
  datacenter: text.optional().describe('The datacenter whose nodes are asked. Absent: those of every one.'),
  user: text.optional().describe('Who connects.'),
  password: text.optional().describe(`Best as ${reference}.`),
}).check(({ value, issues }) => {
  const refuse = (name: 'url' | 'hosts' | 'keyspace' | 'datacenter' | 'user' | 'password', message: string) => issues.push({ code: 'custom', input: value[name], path: [name], message })
  for (const name of besideUrl(value, ['hosts', 'keyspace', 'datacenter', 'user', 'password'])) refuse(name, oneOfTwo)
  if (value.url !== undefined && !/^cassandra:\/\/|\$\{/.test(value.url)) refuse('url', 'of the form cassandra://user:password@host:port,host/keyspace?datacenter=name')
  if (value.url === undefined && value.hosts === undefined) refuse('hosts', '"url", or "hosts" and "keyspace"')
  else if (value.url === undefined && value.keyspace === undefined) refuse('keyspace', 'the name of a keyspace')
})

export const elasticsearchSource = closed({
  type: z.literal('elasticsearch').describe('Indices, aliases and data streams of an Elasticsearch cluster.'),
  description,
  trino,
  url: textsOrText('a URL or a list of URLs').describe('`http://user:password@host:9200` of one node or several, best as a reference to a secret.'),
  indices: textsOrText('a name or a list of names').optional().describe('Names of the indices, aliases and data streams that are its tables; `*` stands for any text. Absent: every one that is not hidden.'),
  user: text.optional().describe('Who connects.'),
  password: text.optional().describe(`Best as ${reference}.`),
  apiKey: text.optional().describe(`An API key as Elasticsearch encodes it, instead of user and password. Best as ${reference}.`),
}).check(({ value: { url, user, apiKey }, issues }) => {
  if ([url].flat().some(one => !/^https?:\/\/|\$\{/.test(one))) issues.push({ code: 'custom', input: url, path: ['url'], message: 'of the form http://user:password@host:9200 or https://…' })
  if (apiKey !== undefined && user !== undefined) issues.push({ code: 'custom', input: user, path: ['user'], message: 'needed beside "apiKey". Leave one of the two out' })
})

export const s3Source = closed({
  type: z.literal('s3').describe('CSV, JSON and Parquet objects of a bucket of S3, or of a store that speaks its protocol.'),
  description,
  trino,
  bucket: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: 'the name of a bucket: letters, digits, points and hyphens' }).describe('Name of the bucket.'),
  prefix: text.optional().describe('What the keys of its objects begin with, as a folder: `exports/2024`. Absent: the whole bucket.'),
  endpoint: z.string().regex(/^https?:\/\/|\$\{/, { error: 'an http or https URL' }).optional().describe('Where the store answers, such as `http://minio:9000`; the bucket is then the first part of the path. Absent: AWS.'),
  region: z.string().regex(/^[A-Za-z0-9-]+$/, { error: 'the name of a region, such as us-east-1' }).optional().describe('Region of the bucket. Default `us-east-1`.'),
  accessKeyId: text.optional().describe(`Best as ${reference}. Absent: requests are not signed, for buckets everybody may read.`),
  secretAccessKey: text.optional().describe(`Best as ${reference}.`),
  sessionToken: text.optional().describe(`Of temporary keys. Best as ${reference}.`),
  format: fileFormat.optional().describe('How the objects are written, unless a table says otherwise. Absent: told by the endings of their keys.'),
  tables: named(z.union([text, filesTable], { error: 'an object\'s key or a map' })).optional().describe('Tables by name: a key below the prefix, or a map. Absent: every object below the prefix is a table of its name.'),
  quarantineLimit: z.int().min(0).optional().describe('How many unreadable rows of a table are set aside before the table is refused. Default 1000 rows, or a tenth of the rows where that is more.'),
  maxObjectBytes: positive('a whole number of bytes from 1').optional().describe('An object larger than this is refused; one object at a time lies on the disk while it is read. Default 1073741824 bytes.'),
  applications: named(z.enum(['read', 'write'], { error: '"read", or "write", which is both' })).optional().describe('Applications whose pipelines may use its objects by paths of `s3://BUCKET/KEY`, below the prefix alone: `{ crm: write, shop: read }`. Who may write may read, and takes away what an overwrite replaces. Where nobody else reads them, write `tables: {}` beside it. Default none.'),
}).check(({ value: { accessKeyId, secretAccessKey }, issues }) => {
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    const name = accessKeyId === undefined ? 'accessKeyId' : 'secretAccessKey'
    issues.push({ code: 'custom', input: undefined, path: [name], message: 'both "accessKeyId" and "secretAccessKey", or neither' })
  }
})

export const sourceInput = z.discriminatedUnion('type', [filesSource, sqliteSource, postgresqlSource, cassandraSource, elasticsearchSource, s3Source])

const key = textOrList.describe('Column, or columns, whose values name one row.')

const fieldType = z.enum(fieldTypes, { error: `a type: ID, ${columnTypes.join(', ')}, each with "!" where it is never null` })

const field = z.union(
  [
    fieldType,
    closed({
      type: fieldType.optional().describe('As `Int`, or `Int!` where it is never null. Absent: as the source says.'),
      description,
      column: text.optional().describe('The column of the source, where it has another name than the field.'),
    }),
  ],
  { error: 'a type such as "String!" or a map' },
)

const listArguments = named(
  z.union(
    [
      text,
      closed({
        column: text.describe('The column compared.'),
        is: z.enum(argumentOperators).optional().describe('How the column compares with the argument: `gte` lets rows pass whose value is at least the argument. Default eq.'),
        description,
      }),
    ],
    { error: 'a column or a map with "column" and "is"' },
  ),
)
  .optional()
  .describe('Arguments of its list beside `where`, by name, each for one comparison: `{ userId: user_id, from: { column: active_at, is: gte } }`. Those given must all hold.')

const index = z.union(
  [
    text,
    z.array(text).min(1),
    closed({
      columns: textOrList.describe('The column, or the columns: equality on all of them, a range on the last.'),
      unique: z.boolean().optional().describe('Refuse a write that would give two entries of a tenant the same values here. A null is like no other. Default false.'),
    }),
  ],
  { error: 'a column, a list of columns, or a map with "columns" and "unique"' },
)

export const regionInput = closed({
  type: text.optional().describe('Name of its GraphQL type. Default: the region\'s name in the singular, as `busiest_routes` → `BusiestRoute`; with `Entry` behind it where that is the name itself.'),
  description,
  key,
  load: z
    .union(
      [
        closed({
          source: text.describe('The source rows are read from.'),
          table: text.describe('Its table.'),
          columns: z.array(text).min(1).optional().describe('Columns to take. Absent: all.'),
          eager: z.boolean().optional().describe('Load every row at start, so that lists are answered from memory. Default false: rows come in as they are asked for.'),
          every: duration.optional().describe('With eager: how often all rows are read again; what differs becomes changes. Absent: at start, and when asked for.'),
          follow: z.boolean().optional().describe('Keep the region in step with its table: what is committed there becomes a change of the region. For sources that tell of their commits: postgresql, by logical replication. Default false.'),
        }),
        closed({
          view: text.describe('The view whose rows fill the region.'),
          every: duration.optional().describe('How often its rows are computed again; what differs becomes changes. Absent: at start, and when asked for.'),
        }),
      ],
      { error: 'a map with "source" and "table", or with "view"' },
    )
    .optional()
    .describe('Where its entries come from. Absent: clients write them.'),
  fields: named(field).optional().describe('Its fields by their name in the graph. Absent: all columns of the source. Without a source they must be given.'),
  strategies: z
    .union([z.enum(strategies), z.array(z.enum(strategies))])
    .optional()
    .describe('How region and source work together. Default READ_THROUGH with a source: a miss is read there and kept.'),
  expiry: closed({
    create: duration.optional().describe('Life of an entry from its creation.'),
    update: duration.optional().describe('Life of an entry from its last write.'),
    access: duration.optional().describe('Life of an entry from its last read.'),
  })
    .optional()
    .describe('When entries go by themselves: the earliest limit that is set. Absent: never.'),
  arguments: listArguments,
  indexes: z.array(index).optional().describe('Columns, lists of columns, or maps, to find entries by without a scan.'),
  atomicity: z.enum(['TRANSACTIONAL', 'ATOMIC']).optional().describe('Only a TRANSACTIONAL region takes part in transactions. Default TRANSACTIONAL.'),
  mode: z.enum(['PARTITIONED', 'REPLICATED']).optional().describe('How entries lie on the nodes of a cluster: spread over them, or a full copy on each. The embedded store has one node. Default PARTITIONED.'),
  backups: z.int().min(0).optional().describe('Copies of a partition on other nodes of a cluster. Default 1 copy, or DIH_DEFAULT_BACKUPS.'),
  affinityKey: text.optional().describe('Column whose equal values keep entries on one node of a cluster.'),
  maxEntries: positive('a whole number of entries from 1').optional().describe('Above this count entries go, by `evictionPolicy`. Default 10000000 entries, or DIH_DEFAULT_EVICTION_SIZE.'),
  evictionPolicy: z.enum(['LRU', 'FIFO']).optional().describe('Which entries go first: LRU those used longest ago, FIFO those created first. Default LRU.'),
  tenancy: z.enum(['SHARED', 'TENANT']).optional().describe('SHARED: one set of entries for everybody; TENANT: each tenant its own. Default SHARED with a source, TENANT without.'),
  tenantColumn: text.optional().describe('With a source and TENANT: the column that says whose row it is.'),
})

export const viewInput = closed({
  type: text.optional().describe('Name of its GraphQL type. Default: the view\'s name in the singular; with `Row` behind it where that is the name itself.'),
  description,
  key,
  sql: text.describe('One SELECT in Trino\'s dialect over `source.table`, regions and other views.'),
  materialize: closed({ every: duration.describe('How often the rows are computed anew.') })
    .optional()
    .describe('Keep the rows in memory, replaced as a whole. Absent: every read asks the engine.'),
  arguments: listArguments,
  descriptions: named(text).optional().describe('Descriptions of its columns, by column.'),
})

const end = z.string().regex(/^[A-Za-z]\w*\.[^.\s]+$/, { error: 'a type and its column, such as Airport.iata' })

export const relationInput = closed({
  from: end.describe('Type and column that refer: `BusiestRoute.origin`.'),
  to: end.describe('Type and column referred to: `Airport.iata`.'),
  as: text.describe('Field on the referring type that answers the row referred to.'),
  inverse: text.optional().describe('Field on the type referred to that answers the rows that refer. Absent: there is none.'),
})

export const subgraphInput = closed({
  url: z.url({ protocol: /^https?$/, error: 'an http or https URL' }).or(z.string().regex(/\$\{(env|file):[^}]+\}/, { error: 'an http or https URL' })).describe('Where the Federation 2 subgraph answers.'),
  headers: named(z.string()).optional().describe(`Headers sent with every request, secret values best as ${reference}.`),
  description,
})

const wholeSeconds = 'a whole number of seconds from 0 to 2147483647'

export const endpointInput = closed({
  description,
  cacheRegions: z.array(text).min(1).describe('The regions it may read. A change of any of them voids the results kept.'),
  query: text.describe('One SELECT in Trino\'s dialect over these regions. `{name}` or `\'{name}\'` stands for a parameter, which is bound and never becomes text of the statement; `{{` is a brace.'),
  cacheKeyPattern: text.describe('Under which name a result is kept, such as `session:{token}`. Parameters it leaves out are part of the name all the same.'),
  ttlSeconds: z.int({ error: wholeSeconds }).min(0, { error: wholeSeconds }).max(2_147_483_647, { error: wholeSeconds }).describe('How many seconds a result may be answered again. 0: every call runs the statement.'),
  strict: z.boolean().optional().describe('Refuse parameters the statement does not have. Default false: they are left aside with a warning.'),
})

/** The whole catalog, as the JSON schema for editors is made from it. */
export const catalogInput = closed({
  sources: named(sourceInput).optional().describe('Systems rows are read from, by name.'),
  regions: named(regionInput).optional().describe('Sets of entries held in memory, by name. Each is a type of the graph and a table in SQL.'),
  views: named(viewInput).optional().describe('Named SQL statements. Each is a type of the graph and a table in SQL.'),
  relations: z.array(relationInput).optional().describe('Fields that lead from one type to another by equal columns.'),
  subgraphs: named(subgraphInput).optional().describe('Foreign Federation 2 subgraphs that join the graph, by name.'),
  endpoints: named(endpointInput).optional().describe('Statements with parameters that clients call by a path, such as `session/validate`.'),
}).describe('What a Tributary hub serves: sources, and the regions, views and relations over them.')

/** The catalog as it is written. */
export type CatalogInput = z.input<typeof catalogInput>
export type SourceInput = z.input<typeof sourceInput>
export type RegionInput = z.input<typeof regionInput>
export type ViewInput = z.input<typeof viewInput>
export type RelationInput = z.input<typeof relationInput>
export type SubgraphInput = z.input<typeof subgraphInput>
export type EndpointInput = z.input<typeof endpointInput>

/** What the design promises and this version does not do yet: the place's last name or value → the sentence that refuses it. */
export const notYet: Readonly<Record<'strategies' | 'sections', Readonly<Record<string, string>>>> = {
  strategies: {
    WRITE_THROUGH: 'Strategy "WRITE_THROUGH" is not available yet: only READ_THROUGH is. Leave it out; the region then takes no writes.',
    WRITE_BEHIND: 'Strategy "WRITE_BEHIND" is not available yet: only READ_THROUGH is. Leave it out; the region then takes no writes.',
    REFRESH_AHEAD: 'Strategy "REFRESH_AHEAD" is not available yet: only READ_THROUGH is. Leave it out; an expired entry is then read again when it is asked for.',
  },
  sections: {
    policies: 'Section "policies" is not available yet. A hub that must mask or filter rows cannot run on this version.',
    schedules: 'Section "schedules" is not available yet. Leave it out; `materialize: { every }` computes a view again on time.',
  },
}
