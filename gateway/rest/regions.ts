import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { closed } from '../../schema/findings.ts'
import { didYouMean } from '../../schema/names.ts'
import type { ColumnType } from '../../schema/values.ts'
import type { Hub } from '../hub.ts'
import type { Route, RouteRequest } from '../http/routes.ts'
import { flag, pageQuery, snakeMembers, word } from './forms.ts'
import { operation } from './operation.ts'
import { problem } from './problem.ts'
import { route } from './route.ts'

interface Region {
  readonly name: string
  readonly type: string
  readonly description: string | null
  readonly key: readonly string[]
  readonly cacheMode: string
  readonly backups: number
  readonly atomicityMode: string
  readonly cacheStrategies: readonly string[]
  readonly expiryPolicy: { readonly createSeconds: number | null; readonly accessSeconds: number | null; readonly updateSeconds: number | null }
  readonly indexes: readonly (readonly string[])[]
  readonly uniqueIndexes: readonly (readonly string[])[]
  readonly evictionMaxSize: number
  readonly evictionPolicy: string
  readonly affinityKey: string | null
  readonly columns: readonly { readonly name: string; readonly type: ColumnType; readonly nullable: boolean; readonly indexed: boolean }[]
}

interface Declared {
  readonly region: Region
  readonly changed: boolean
  readonly warnings: readonly string[]
}

const members = 'name type description key cacheMode backups atomicityMode cacheStrategies expiryPolicy { createSeconds accessSeconds updateSeconds } indexes uniqueIndexes evictionMaxSize evictionPolicy affinityKey columns { name type nullable indexed }'
const figures = 'entries sizeBytes hits misses hitRatio gets puts removals evictions expiries txCommits txRollbacks avgGetMicros avgPutMicros offloadRatio lastSyncAt'

const list = operation<{ cacheRegions: { nodes: readonly Region[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } }>(
  `query RestRegions($first: Int, $after: String, $filter: CacheRegionFilter) { cacheRegions(first: $first, after: $after, filter: $filter) { nodes { ${members} } pageInfo { hasNextPage endCursor } } }`,
)
const names = operation<{ cacheRegions: { nodes: readonly { name: string }[] } }>('{ cacheRegions(first: 1000) { nodes { name } } }')
const one = operation<{ cacheRegion: Region | null }>(`query RestRegion($name: String!) { cacheRegion(name: $name) { ${members} } }`)
const stats = operation<{ cacheRegion: { stats: Readonly<Record<string, unknown>> } | null }>(`query RestRegionStats($name: String!) { cacheRegion(name: $name) { stats { ${figures} } } }`)
const create = operation<{ createCacheRegion: Declared }>(`mutation RestCreateRegion($input: CreateCacheRegionInput!, $idempotencyKey: String) { createCacheRegion(input: $input, idempotencyKey: $idempotencyKey) { region { ${members} } changed warnings } }`)
const update = operation<{ updateCacheRegion: Declared }>(`mutation RestUpdateRegion($name: String!, $input: UpdateCacheRegionInput!, $idempotencyKey: String) { updateCacheRegion(name: $name, input: $input, idempotencyKey: $idempotencyKey) { region { ${members} } changed warnings } }`)
const drop = operation<{ deleteCacheRegion: boolean }>('mutation RestDropRegion($name: String!, $force: Boolean!, $idempotencyKey: String) { deleteCacheRegion(name: $name, force: $force, idempotencyKey: $idempotencyKey) }')

/** How this API writes a column's type. */
const sqlTypes = {
  String: 'STRING', Int: 'INT', Long: 'LONG', Float: 'DOUBLE', Decimal: 'DECIMAL', Boolean: 'BOOLEAN', DateTime: 'TIMESTAMP', LocalDateTime: 'TIMESTAMP', Date: 'DATE', Time: 'TIME', UUID: 'UUID', Bytes: 'BYTES', JSON: 'JSON',
} as const satisfies Record<ColumnType, string>
const indexTypes = ['STRING', 'INT', 'LONG', 'DOUBLE', 'DECIMAL', 'BOOLEAN', 'TIMESTAMP', 'DATE', 'UUID', 'BYTES', 'JSON'] as const

/** A mistake here is one of the index, which has a place and is VALIDATION_ERROR, not one of a word. */
const indexType = z.string().meta({ enum: [...indexTypes] }).transform((text, context) => {
  const found = indexTypes.find(type => type === text.toUpperCase())
  if (found !== undefined) return found
  context.issues.push({ code: 'custom', input: text, message: `a type: ${indexTypes.join(', ')}` })
  return z.NEVER
})
const cacheMode = word(['PARTITIONED', 'REPLICATED'])
const atomicityMode = word(['TRANSACTIONAL', 'ATOMIC'])
const strategy = word(['WRITE_THROUGH', 'WRITE_BEHIND', 'READ_THROUGH', 'REFRESH_AHEAD'])
const seconds = z.int().min(1).max(2_147_483_647).optional()
const pair = 'a pair ["column", "TYPE"] or a map with "columns", "type" and "unique"'

const changeable = {
  expiry_policy: closed({ create: seconds.describe('Seconds since the creation.'), access: seconds.describe('Seconds since the last read.'), update: seconds.describe('Seconds since the last write.') }).optional().describe('How long an entry lives; the earliest limit wins.'),
  indexes: z.array(z.union([
    z.tuple([z.string(), indexType], { error: pair }),
    closed({ columns: z.union([z.string(), z.array(z.string()).min(1)]), type: indexType.optional(), unique: z.boolean().optional() }),
  ], { error: pair })).optional().describe('Each a pair `["column", "TYPE"]`, or a map for several columns or unique values.'),
  eviction_max_size: z.int().min(1).max(2_147_483_647).optional().describe('Entries beyond this count push out others.'),
  eviction_policy: word(['LRU', 'FIFO']).optional().describe('Which: those used longest ago, or those created first. Default LRU.'),
}
const createBody = closed({
  name: z.string().describe('`[A-Za-z][A-Za-z0-9_]*`, at most 63 characters, no reserved word of SQL; also its table in SQL.'),
  type: z.string().optional().describe('Its GraphQL type; absent: from the name.'),
  description: z.string().optional(),
  key: z.array(z.string()).min(1).optional().describe('Its key\'s columns; absent: `key`.'),
  fields: z.record(z.string(), z.unknown()).optional().describe('Its columns with their types as in a catalog file; absent: the key, the indexed columns and `value`, a JSON value.'),
  cache_mode: cacheMode.optional().describe('Default PARTITIONED.'),
  backups: z.int().min(0).max(2_147_483_647).optional().describe('Copies on other nodes.'),
  atomicity_mode: atomicityMode.optional().describe('Default TRANSACTIONAL.'),
  cache_strategy: z.union([strategy, z.array(strategy)], { error: 'a strategy or a list of them' }).optional(),
  affinity_key: z.string().optional().describe('Entries with one value of this column stay on one node.'),
  ...changeable,
})
const updateBody = closed(changeable)
const listQuery = pageQuery.extend({
  name: z.string().optional().describe('A part of the name, in any letter case.'),
  type: z.string().optional().describe('The GraphQL type, whole.'),
  cache_mode: cacheMode.optional(),
  atomicity_mode: atomicityMode.optional(),
  has_source: flag.optional().describe('Whether rows are read from a source; false: clients write them.'),
})

/** Names the graph has for members of these bodies. */
const bodyNames = {
  mode: 'cache_mode', cacheMode: 'cache_mode', atomicity: 'atomicity_mode', atomicityMode: 'atomicity_mode', strategies: 'cache_strategy', cacheStrategies: 'cache_strategy', expiry: 'expiry_policy', expiryPolicy: 'expiry_policy',
  maxEntries: 'eviction_max_size', evictionMaxSize: 'eviction_max_size', evictionPolicy: 'eviction_policy', affinityKey: 'affinity_key',
}
const failure = problem(bodyNames)

/** Regions: declared, looked at, altered and dropped. */
export function regionRoutes(hub: Hub): readonly Route[] {
  const base = '/api/v1/dih/cache-regions'
  return [
    route({
      method: 'POST', path: base, summary: 'Declares a cache region.', body: createBody, failure, answers: { 201: 'The region with every default filled in.', 200: 'It was there, with this definition.' },
      answer: async (request, { body }) => {
        const { createCacheRegion: { region, changed, warnings } } = await create(hub, request, { input: { ...createInput(body), ...changes(body) } })
        return { status: changed ? 201 : 200, headers: { location: `${base}/${region.name}` }, body: { ...shown(region), warnings } }
      },
    }),
    route({
      method: 'GET', path: base, summary: 'The cache regions, by name; those for which all that is given holds.', query: listQuery, failure, answers: { 200: 'A page of regions.' },
      answer: async (request, { query: { page_size, page_token, name, type, cache_mode, atomicity_mode, has_source } }) => {
        const filter = { name, type, cacheMode: cache_mode, atomicityMode: atomicity_mode, hasSource: has_source }
        const { nodes, pageInfo } = (await list(hub, request, { first: page_size, after: page_token, filter })).cacheRegions
        return { status: 200, body: { cache_regions: nodes.map(shown), next_page_token: pageInfo.hasNextPage ? pageInfo.endCursor : null } }
      },
    }),
    route({
      method: 'GET', path: `${base}/{region_name}`, summary: 'One cache region.', failure, answers: { 200: 'The region.' },
      answer: async request => {
        const { cacheRegion } = await one(hub, request, { name: request.params['region_name'] })
        return { status: 200, body: shown(cacheRegion ?? (await missing(hub, request))) }
      },
    }),
    route({
      method: 'GET', path: `${base}/{region_name}/stats`, summary: 'Figures of a region since the hub started.', failure, answers: { 200: 'Counts; ratios are null before the first read.' },
      answer: async request => {
        const { cacheRegion } = await stats(hub, request, { name: request.params['region_name'] })
        return { status: 200, body: { region: request.params['region_name'], ...snakeMembers((cacheRegion ?? (await missing(hub, request))).stats) } }
      },
    }),
    route({
      method: 'PATCH', path: `${base}/{region_name}`, summary: 'Changes what may change while entries stay; each member given replaces the one there is.', body: updateBody, failure, answers: { 200: 'The region as it is now.' },
      answer: async (request, { body }) => {
        const { region, warnings } = (await update(hub, request, { name: request.params['region_name'], input: changes(body) })).updateCacheRegion
        return { status: 200, body: { ...shown(region), warnings } }
      },
    }),
    route({
      method: 'DELETE', path: `${base}/{region_name}`, summary: 'Drops a region declared through the API, with its entries.', failure, answers: { 204: 'It is gone.' },
      query: closed({ force: flag.optional().describe('Drop those that need it as well, instead of refusing with 409.') }),
      answer: async (request, { query }) => {
        const { deleteCacheRegion } = await drop(hub, request, { name: request.params['region_name'], force: query.force ?? false })
        return deleteCacheRegion ? { status: 204 } : missing(hub, request)
      },
    }),
  ]
}

/** Always throws: there is no region of the request's name. */
async function missing(hub: Hub, request: RouteRequest): Promise<never> {
  const name = (request.params['region_name'] ?? '').slice(0, 200)
  const { nodes } = (await names(hub, request, {})).cacheRegions
  throw new HubError('NOT_FOUND', `Region "${name}" is not declared.${didYouMean(name, nodes.map(node => node.name))}`, { region: name })
}

function createInput({ name, type, description, key, fields, cache_mode, backups, atomicity_mode, cache_strategy, affinity_key }: z.output<typeof createBody>) {
  return {
    name, type, description, key, fields, backups, cacheMode: cache_mode, atomicityMode: atomicity_mode, affinityKey: affinity_key,
    cacheStrategies: cache_strategy === undefined || Array.isArray(cache_strategy) ? cache_strategy : [cache_strategy],
  }
}

function changes({ expiry_policy: expiry, indexes, eviction_max_size, eviction_policy }: z.output<typeof updateBody>) {
  return {
    ...(expiry && { expiryPolicy: { createSeconds: expiry.create, accessSeconds: expiry.access, updateSeconds: expiry.update } }),
    ...(indexes && { indexes: indexes.map(index => (Array.isArray(index) ? { columns: [index[0]], type: index[1] } : { ...index, columns: typeof index.columns === 'string' ? [index.columns] : index.columns })) }),
    ...(eviction_max_size !== undefined && { evictionMaxSize: eviction_max_size }),
    ...(eviction_policy !== undefined && { evictionPolicy: eviction_policy }),
  }
}

function shown(region: Region) {
  const { cacheStrategies: strategies, expiryPolicy: { createSeconds: create, accessSeconds: access, updateSeconds: update } } = region
  return {
    name: region.name, type: region.type, ...(region.description === null ? {} : { description: region.description }), key: region.key,
    cache_mode: region.cacheMode, backups: region.backups, atomicity_mode: region.atomicityMode, cache_strategy: strategies.length === 1 ? strategies[0] : strategies,
    expiry_policy: { create, access, update }, indexes: region.indexes.map(columns => indexShown(region, columns)), eviction_max_size: region.evictionMaxSize, eviction_policy: region.evictionPolicy, affinity_key: region.affinityKey,
    columns: region.columns.map(({ name, type, nullable, indexed }) => ({ name, type: sqlTypes[type], nullable, indexed })),
  }
}

/** An index as this API takes it: a pair where that says everything. */
function indexShown({ columns: declared, uniqueIndexes }: Region, columns: readonly string[]) {
  const [only] = columns
  const unique = uniqueIndexes.some(other => JSON.stringify(other) === JSON.stringify(columns))
  const type = declared.find(column => column.name === only)?.type
  return columns.length === 1 && !unique && type !== undefined ? [only, sqlTypes[type]] : { columns, unique }
}
