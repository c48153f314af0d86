import { jest } from '@jest/globals'
import { catalogFolder } from '../support/catalog-folder.ts'
import { keeper, startHub, type RunningHub } from '../support/hub.ts'

/** Texts that would change a statement they were pasted into. */
const attacks = [
  "' OR '1'='1", "x' OR 1=1 --", '" OR ""="', "'; DROP TABLE hub.people; --", "') UNION SELECT secret, secret, secret FROM vault.keys --", '\\', "\\' OR 1=1 --", '%', '_', '?', '$1', '$now', '{name}', '`', '/* */', '--',
  'CAST(1 AS varchar)', 'null', 'NULL', '’', 'a\nb', '${env:PATH}', "e'\\x27'", '["a","b"]', "'||(SELECT secret FROM vault.keys)||'",
]

const people = [{ name: 'ada', group: 'x', age: 36 }, { name: 'grace', group: 'x', age: 45 }, { name: 'linus', group: 'y', age: 30 }, ...attacks.map((name, index) => ({ name, group: name, age: index }))]

const ndjson = (rows: readonly unknown[]) => rows.map(row => JSON.stringify(row)).join('\n')

const catalog = `
sources:
  office: { type: files, root: ./office, tables: { people: people.ndjson } }
  vault: { type: files, root: ./vault, tables: { keys: keys.ndjson } }
  cassandra: { type: files, root: ./lake, tables: { platformq.digital_assets: assets.csv } }
  hive: { type: files, root: ./lake, tables: { gold.user_activity_summary: activity.csv } }
  elasticsearch: { type: files, root: ./lake, tables: { default.data_quality_latest: quality.csv } }
regions:
  people: { type: Person, key: name, load: { source: office, table: people, eager: true }, indexes: [group] }
  guests: { type: Guest, key: name, load: { source: office, table: people } }
  pairs: { type: Pair, key: [name, group], load: { source: office, table: people } }
  asset_metadata: { key: asset_id, fields: { asset_id: ID!, asset_type: String, created_at: String }, indexes: [asset_type] }
  ml_features_online: { key: [entity_id, feature_name], fields: { entity_id: ID!, feature_name: ID!, feature_value: Float, version: String }, indexes: [entity_id] }
  numbers: { key: n, fields: { n: Int! }, tenancy: SHARED }
views:
  grown_ups: { key: name, sql: 'SELECT p.name, p."group", p.age FROM people p' }
relations:
  - { from: GrownUp.name, to: Guest.name, as: guest }
`

/** M-21 as its row writes it. */
const sampleJoin = `
SELECT da.asset_name, da.asset_type, ua.engagement_score, dq.quality_score
FROM cassandra.platformq.digital_assets da
JOIN hive.gold.user_activity_summary ua ON da.owner_id = ua.user_id
JOIN elasticsearch.default.data_quality_latest dq ON da.asset_id = dq.asset_id
WHERE dq.quality_score > 0.9 AND ua.engagement_score > 50`

/** Runs until it is stopped. */
const endless = 'SELECT count(*) FROM numbers a, numbers b, numbers c, numbers d WHERE a.n * b.n + c.n * d.n = -1'

interface Result {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly unknown[])[]
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean }
}

describe('SQL over HTTP', () => {
  const folder = catalogFolder({
    'hub.yaml': catalog,
    'office/people.ndjson': ndjson(people),
    'vault/keys.ndjson': ndjson([{ id: 1, secret: 'hunter2' }]),
    'lake/assets.csv': 'asset_id,asset_name,asset_type,owner_id\na1,Gear,model,u1\na2,Bolt,model,u2\na3,Plan,document,u1\na4,Nut,model,u3\n',
    'lake/activity.csv': 'user_id,engagement_score\nu1,80.5\nu2,20\nu3,51\n',
    'lake/quality.csv': 'asset_id,quality_score\na1,0.95\na2,0.99\na3,0.5\na4,0.91\n',
  })
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog })
    await hub.query('mutation ($input: [NumberInput!]!) { putNumbers(input: $input) { n } }', { input: Array.from({ length: 2_000 }, (_, n) => ({ n })) })
    await hub.query('mutation ($input: [MlFeaturesOnlineEntryInput!]!) { putMlFeaturesOnlineEntries(input: $input) { version } }', {
      input: ['e1', 'e2', 'e3'].flatMap(entityId => ['clicks', 'views'].map(featureName => ({ entityId, featureName, featureValue: entityId.length + featureName.length, version: 'v1' }))),
    })
    await hub.query('mutation ($values: [JSON!]!) { cachePutAll(region: "asset_metadata", values: $values) { key } }', {
      values: [['a1', 'model', '2024-02-01'], ['a2', 'model', '2023-05-05'], ['a3', 'document', '2024-03-03'], ['a4', 'model', '2024-01-02']].map(([asset_id, asset_type, created_at]) => ({ asset_id, asset_type, created_at })),
    })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  /** The same statement through both doors. */
  const doors = {
    sqlQuery: { text: 'query ($sql: String!, $params: [JSON], $size: Int, $after: String) { answer: sqlQuery(query: $sql, params: $params, pageSize: $size, after: $after) { columns { name type } rows pageInfo { endCursor hasNextPage } tookMs engine } }', size: 'pageSize' },
    unifiedQuery: { text: 'query ($sql: String!, $params: [JSON], $size: Int, $after: String) { answer: unifiedQuery(sql: $sql, params: $params, maxRows: $size, after: $after) { columns { name type } rows pageInfo { endCursor hasNextPage } queryId stats { elapsedMs engine } lineage { inputs } } }', size: 'maxRows' },
  }
  type Variables = { params?: readonly unknown[]; size?: number; after?: string | null }
  const run = (door: keyof typeof doors, sql: string, variables: Variables = {}) => hub.query<{ answer: Result }>(doors[door].text, { sql, ...variables })
  const rows = async (sql: string, variables: Variables = {}, door: keyof typeof doors = 'sqlQuery') => {
    const { data, errors } = await run(door, sql, variables)
    expect(errors).toBeUndefined()
    return data?.answer.rows
  }
  const failure = async (sql: string, variables: Variables = {}, door: keyof typeof doors = 'sqlQuery') => {
    const { errors } = await run(door, sql, variables)
    const { message, extensions = {} } = errors?.[0] ?? {}
    return { ...extensions, code: extensions['code'], message }
  }

  test('H-52 M-19 the sample statement runs with bound parameters and tells its columns with their types', async () => {
    const sql = 'SELECT * FROM asset_metadata WHERE asset_type = ? AND created_at > ? ORDER BY asset_id'
    const { data } = await run('sqlQuery', sql, { params: ['model', '2024-01-01'], size: 1000 })
    expect(data?.answer).toEqual({
      columns: ['asset_id', 'asset_type', 'created_at'].map(name => ({ name, type: 'String' })), rows: [['a1', 'model', '2024-02-01'], ['a4', 'model', '2024-01-02']],
      pageInfo: { endCursor: expect.any(String), hasNextPage: false }, tookMs: expect.any(Number), engine: 'duckdb',
    })
    const unified = await run('unifiedQuery', sql, { params: ['model', '2024-01-01'] })
    expect(unified.data?.answer).toMatchObject({ rows: data?.answer.rows, queryId: expect.any(String), stats: { engine: 'duckdb', elapsedMs: expect.any(Number) }, lineage: { inputs: ['hub.asset_metadata'] } })
  })

  test.each(['sqlQuery', 'unifiedQuery'] as const)('H-52 M-19 %s refuses a wrong count of parameters, a page out of bounds and a broken text with what is right', async door => {
    expect(await failure('SELECT * FROM asset_metadata WHERE asset_type = ?', {}, door)).toMatchObject({ code: 'VALIDATION_ERROR', http: { status: 422 }, message: expect.stringMatching(/1.*0|0.*1/) })
    expect(await failure('SELECT * FROM asset_metadata', { params: ['a', 'b'] }, door)).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringMatching(/0.*2|2.*0/) })
    for (const size of [0, -1, 10_001]) expect(await failure('SELECT 1 AS a', { size }, door)).toMatchObject({ code: 'VALIDATION_ERROR', field: doors[door].size, message: expect.stringContaining('10000') })
    expect(await failure('SELECT *\nFROM asset_metadata\nWHERE WHERE x', {}, door)).toMatchObject({ code: 'SQL_ERROR', http: { status: 400 }, line: 3, column: expect.any(Number) })
    expect(await failure('', {}, door)).toMatchObject({ http: { status: 400 } })
  })

  test.each(['sqlQuery', 'unifiedQuery'] as const)('H-17 M-19 %s tells an unknown table and an unknown column with their place and the nearest name', async door => {
    const unknown = door === 'sqlQuery' ? { code: 'SQL_ERROR', http: { status: 400 } } : { code: 'NOT_FOUND', http: { status: 404 } }
    expect(await failure('SELECT *\nFROM asset_metadat', {}, door)).toMatchObject({ ...unknown, line: 2, column: 6, message: expect.stringContaining('asset_metadata') })
    expect(await failure('SELECT * FROM cassandra.platformq.digital_asset', {}, door)).toMatchObject({ ...unknown, message: expect.stringContaining('cassandra.platformq.digital_assets') })
    expect(await failure('SELECT asset_tipe FROM asset_metadata', {}, door)).toMatchObject({ code: 'SQL_ERROR', line: 1, column: 8, message: expect.stringContaining('asset_type') })
  })

  test('H-53 M-04 one statement joins regions, views and sources', async () => {
    expect(await rows('SELECT m.asset_id, a.asset_name, g.age FROM asset_metadata m JOIN cassandra.platformq.digital_assets a ON a.asset_id = m.asset_id JOIN grown_ups g ON g.name = ? WHERE m.asset_type = ? ORDER BY 1', { params: ['ada', 'document'] })).toEqual([['a3', 'Plan', 36]])
  })

  test('H-54 a list bound to one place expands, an empty one finds nothing, and one too long is refused', async () => {
    const sql = 'SELECT entity_id, feature_name, feature_value FROM ml_features_online WHERE entity_id IN (?) AND version = ? ORDER BY 1, 2'
    expect(await rows(sql, { params: [['e1', 'e3', 'none'], 'v1'] })).toEqual([['e1', 'clicks', 8], ['e1', 'views', 7], ['e3', 'clicks', 8], ['e3', 'views', 7]])
    expect(await rows(sql, { params: [[], 'v1'] })).toEqual([])
    expect(await rows(sql.replace('IN (?)', 'NOT IN (?)'), { params: [[], 'v1'] })).toHaveLength(6)
    const many = Array.from({ length: 10_000 }, (_, index) => `e${index}`)
    expect(await rows(sql, { params: [many, 'v1'] })).toHaveLength(6)
    expect(await failure(sql, { params: [[...many, 'one more'], 'v1'] })).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', http: { status: 413 } })
  })

  test.each(['sqlQuery', 'unifiedQuery'] as const)('H-55 the pages of %s give every row once, and only its own cursors are taken', async door => {
    const sql = 'SELECT n FROM numbers WHERE n < ? ORDER BY n DESC'
    const seen: unknown[] = []
    let after: string | null = null
    let pages = 0
    do {
      const { data }: { data?: { answer: Result } | null } = await run(door, sql, { params: [1000], size: 300, after })
      seen.push(...(data?.answer.rows ?? []).map(([n]) => n))
      after = data?.answer.pageInfo.hasNextPage ? (data.answer.pageInfo.endCursor ?? null) : null
      pages += 1
    } while (after)
    expect([pages, seen]).toEqual([4, Array.from({ length: 1000 }, (_, index) => 999 - index)])

    const cursor = (await run(door, sql, { params: [1000], size: 300 })).data?.answer.pageInfo.endCursor ?? ''
    const altered = cursor.slice(0, 6) + (cursor[6] === 'A' ? 'B' : 'A') + cursor.slice(7)
    for (const bad of [altered, 'nonsense', `${cursor}A`, cursor.slice(1)]) expect(await failure(sql, { params: [1000], after: bad }, door)).toMatchObject({ code: 'BAD_CURSOR', http: { status: 400 } })
    expect(await failure(sql, { params: [999], after: cursor }, door)).toMatchObject({ code: 'BAD_CURSOR' })
    expect(await failure('SELECT n FROM numbers', { after: cursor }, door)).toMatchObject({ code: 'BAD_CURSOR' })
  })

  test.each(['sqlQuery', 'unifiedQuery'] as const)('H-56 %s runs one reading statement and nothing else', async door => {
    const writing = [
      'DELETE FROM asset_metadata', "UPDATE asset_metadata SET asset_type = 'x'", "INSERT INTO asset_metadata VALUES ('z', 'y', 'x')", 'DROP TABLE asset_metadata', 'CREATE TABLE t AS SELECT 1 AS a', 'TRUNCATE TABLE asset_metadata',
      'ALTER TABLE asset_metadata ADD COLUMN x varchar', "WITH gone AS (DELETE FROM asset_metadata RETURNING *) SELECT * FROM gone",
    ]
    for (const sql of writing) expect([sql, (await failure(sql, {}, door)).code]).toEqual([sql, expect.stringMatching(/^(READ_ONLY_SQL|SQL_ERROR)$/)])
    for (const sql of writing.slice(0, 5)) expect(await failure(sql, {}, door)).toMatchObject({ code: 'READ_ONLY_SQL', http: { status: 403 } })
    for (const sql of ['SELECT 1 AS a; SELECT 2 AS b', 'SELECT 1 AS a; DELETE FROM asset_metadata']) expect(await failure(sql, {}, door)).toMatchObject({ code: 'BAD_USER_INPUT', http: { status: 400 } })
    expect(await rows('SELECT 1 AS a;', {}, door)).toEqual([[1]])
    for (const sql of ["SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'", "COPY (SELECT 1) TO '/tmp/x'", "ATTACH '/tmp/x'", 'PRAGMA database_list', "SELECT * FROM duckdb_settings()", "SELECT getenv('PATH') AS a", "SELECT content FROM read_text('/etc/passwd')", "INSTALL httpfs", "SET memory_limit = '1TB'", 'SELECT * FROM information_schema.tables', 'SELECT * FROM system.runtime.nodes']) {
      const { data, errors } = await run(door, sql)
      expect([sql, data?.answer ?? null, errors?.length]).toEqual([sql, null, 1])
      expect(JSON.stringify(errors)).not.toMatch(/root:|INTERNAL/)
    }
    expect(await rows('SELECT count(*) AS n FROM asset_metadata')).toEqual([[4]])
  })

  test('H-57 M-31 a plan names the tables it reads and what would make it faster, and nothing is run for it', async () => {
    const { data } = await hub.query<{ sqlExplain: { text: string }; explainQuery: { text: string } }>(`query ($sql: String!) {
      sqlExplain(query: $sql) { engine text fullScan advice } explainQuery(sql: $sql) { engine text advice }
    }`, { sql: endless })
    expect(data?.sqlExplain).toMatchObject({ engine: 'duckdb', text: expect.stringContaining('numbers'), fullScan: ['numbers'], advice: [expect.stringContaining('numbers')] })
    expect(data?.explainQuery).toMatchObject({ engine: 'duckdb', text: expect.stringContaining('numbers'), advice: expect.any(Array) })
    const unlimited = await hub.query<{ explainQuery: { advice: string[] } }>('{ explainQuery(sql: "SELECT * FROM office.people") { advice } }')
    expect(unlimited.data?.explainQuery.advice).toEqual([expect.stringContaining('LIMIT'), expect.stringContaining('people')])
    const wrong = await hub.query('{ sqlExplain(query: "SELECT * FROM nowhere_at_all") { text } }')
    expect(wrong.errors?.[0]?.extensions).toMatchObject({ code: 'SQL_ERROR' })
  })

  test('M-19 catalog and schema complete the names a statement leaves short, in its lineage too', async () => {
    type Answer = { data?: { answer: { rows: unknown[][]; lineage: { inputs: string[] } } } | null; errors?: readonly { message: string; extensions?: Record<string, unknown> }[] }
    const ask = (sql: string, session: { catalog?: string; schema?: string }): Promise<Answer> =>
      hub.query<{ answer: { rows: unknown[][]; lineage: { inputs: string[] } } }>('query ($sql: String!, $catalog: String, $schema: String) { answer: unifiedQuery(sql: $sql, catalog: $catalog, schema: $schema) { rows lineage { inputs } } }', { sql, ...session })
    const refused = async (sql: string, session: { catalog?: string; schema?: string }) => {
      const [error] = (await ask(sql, session)).errors ?? []
      return { message: error?.message, ...error?.extensions }
    }

    const short = "SELECT engagement_score FROM user_activity_summary JOIN asset_metadata ON asset_id = 'a1' WHERE user_id = 'u1'"
    expect((await ask(short, { catalog: 'hive', schema: 'gold' })).data?.answer).toEqual({ rows: [[80.5]], lineage: { inputs: ['hive.gold.user_activity_summary', 'hub.asset_metadata'] } })
    expect((await ask("SELECT count(*) AS n FROM gold.user_activity_summary", { catalog: 'hive' })).data?.answer).toEqual({ rows: [[3]], lineage: { inputs: ['hive.gold.user_activity_summary'] } })
    // `people` is a region and a table of the source: the session decides.
    expect((await ask('SELECT count(*) AS n FROM people', { catalog: 'office' })).data?.answer.lineage).toEqual({ inputs: ['office.people'] })
    expect((await ask('SELECT count(*) AS n FROM hub.people', { catalog: 'office' })).data?.answer.lineage).toEqual({ inputs: ['hub.people'] })

    expect(await refused('SELECT 1 AS a', { schema: 'gold' })).toMatchObject({ code: 'VALIDATION_ERROR', http: { status: 422 }, field: 'schema' })
    expect(await refused('SELECT 1 AS a', { catalog: 'hvie' })).toMatchObject({ code: 'NOT_FOUND', http: { status: 404 }, field: 'catalog', message: expect.stringContaining('"hive"') })
    expect(await refused('SELECT 1 AS a', { catalog: 'hive', schema: 'golden' })).toMatchObject({ code: 'NOT_FOUND', field: 'schema', message: expect.stringContaining('no schema "golden"') })
    expect(await refused('SELECT 1 AS a', { catalog: 'office', schema: 'gold' })).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('leave schema out') })
    expect(await refused('SELECT *\n FROM user_activity_sumary', { catalog: 'hive', schema: 'gold' })).toMatchObject({ code: 'NOT_FOUND', line: 2, column: 7, message: expect.stringContaining('"user_activity_summary"') })
    const plan = await hub.query<{ explainQuery: { text: string; advice: string[] } }>('{ explainQuery(sql: "SELECT * FROM people", catalog: "office") { text advice } }')
    expect(plan.data?.explainQuery).toMatchObject({ text: expect.stringContaining('reads office.people'), advice: expect.arrayContaining([expect.stringContaining('region "people"')]) })
    expect((await hub.query('{ explainQuery(sql: "SELECT * FROM poeple", catalog: "office") { text } }')).errors?.[0]?.extensions).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('M-19 a cursor holds in its own catalog and schema alone', async () => {
    const page = 'query ($catalog: String, $schema: String, $after: String) { unifiedQuery(sql: "SELECT name FROM people ORDER BY name", maxRows: 2, catalog: $catalog, schema: $schema, after: $after) { rows pageInfo { endCursor } } }'
    type Page = { unifiedQuery: { rows: unknown[][]; pageInfo: { endCursor: string } } }
    const after = (await hub.query<Page>(page, { catalog: 'office' })).data?.unifiedQuery.pageInfo.endCursor
    expect((await hub.query<Page>(page, { catalog: 'office', after })).data?.unifiedQuery.rows).toHaveLength(2)
    for (const session of [{}, { catalog: 'vault' }, { catalog: 'hive', schema: 'gold' }]) expect((await hub.query(page, { ...session, after })).errors?.[0]?.extensions).toMatchObject({ code: 'BAD_CURSOR', http: { status: 400 } })
  })

  test('M-19 the figures of a statement say what was scanned, or that it is not known', async () => {
    const stats = async (sql: string) => (await hub.query<{ unifiedQuery: { stats: unknown } }>('query ($sql: String!) { unifiedQuery(sql: $sql) { stats { elapsedMs engine bytesScanned rowsScanned splits } } }', { sql })).data?.unifiedQuery.stats
    expect(await stats('SELECT count(*) AS n FROM numbers')).toEqual({ elapsedMs: expect.any(Number), engine: 'duckdb', bytesScanned: null, rowsScanned: 2_000, splits: null })
    expect(await stats('SELECT count(*) AS n FROM office.people')).toMatchObject({ rowsScanned: null })
  })

  test('M-21 the sample join runs as written', async () => {
    const { data } = await run('unifiedQuery', `${sampleJoin}\nORDER BY asset_name`)
    expect(data?.answer).toMatchObject({
      columns: [{ name: 'asset_name' }, { name: 'asset_type' }, { name: 'engagement_score' }, { name: 'quality_score' }], rows: [['Gear', 'model', 80.5, 0.95], ['Nut', 'model', 51, 0.91]],
      lineage: { inputs: ['cassandra.platformq.digital_assets', 'hive.gold.user_activity_summary', 'elasticsearch.default.data_quality_latest'] },
    })
    expect(await rows(sampleJoin, {}, 'unifiedQuery')).toHaveLength(2)
  })

  test('M-22 M-23 M-24 the catalogs of the sample have their schemas, and a table is described by its three names', async () => {
    const { data, errors } = await hub.query('{ queryDataSources { catalog role schemas tables { name } } tableSchema(catalog: "hive", schema: "gold", table: "user_activity_summary") { columns { name } } none: tableSchema(catalog: "hive", schema: "silver", table: "user_activity_summary") { name } }')
    expect(data).toMatchObject({
      queryDataSources: expect.arrayContaining([{ catalog: 'elasticsearch', role: 'LAKE', schemas: ['default'], tables: [{ name: 'default.data_quality_latest' }] }, { catalog: 'hive', role: 'LAKE', schemas: ['gold'], tables: [{ name: 'gold.user_activity_summary' }] }]),
      tableSchema: { columns: [{ name: 'user_id' }, { name: 'engagement_score' }] }, none: null,
    })
    expect(errors).toMatchObject([{ path: ['none'], message: 'Catalog "hive" has no schema "silver".', extensions: { code: 'NOT_FOUND' } }])
  })

  test('M-30 the lineage of a statement names for each output the columns behind it; a star is expanded, what is unknown is listed', async () => {
    const lineage = 'query ($sql: String!) { queryLineage(sql: $sql) { inputs outputs columns { output inputs { table column } } unresolved } }'
    type Lineage = { queryLineage: { inputs: string[]; outputs: string[]; columns: { output: string; inputs: { table: string; column: string }[] }[]; unresolved: string[] } }
    const join = await hub.query<Lineage>(lineage, { sql: sampleJoin })
    expect(join.data?.queryLineage).toMatchObject({ outputs: ['asset_name', 'asset_type', 'engagement_score', 'quality_score'], unresolved: [] })
    expect(join.data?.queryLineage.columns.find(column => column.output === 'quality_score')?.inputs).toEqual([{ table: 'elasticsearch.default.data_quality_latest', column: 'quality_score' }])
    const star = await hub.query<Lineage>(lineage, { sql: 'SELECT * FROM asset_metadata' })
    expect(star.data?.queryLineage.outputs).toEqual(['asset_id', 'asset_type', 'created_at'])
    const unknown = await hub.query<Lineage>(lineage, { sql: 'SELECT asset_id, nope FROM asset_metadata' })
    expect(unknown.data?.queryLineage).toMatchObject({ outputs: ['asset_id', 'nope'], unresolved: [expect.stringContaining('nope')] })
  })

  test('M-20 the region and the engine give the same rows for the same question', async () => {
    const typed = await hub.query<{ people: { nodes: { name: string }[] } }>('{ people(where: { age: { gt: 30 }, or: [{ group: { eq: "x" } }, { group: { startsWith: "y" } }] }, orderBy: [{ age: DESC }]) { nodes { name } } }', {}, { 'x-hub-explain': '1' })
    expect(typed.extensions?.['hub']).toMatchObject({ reads: [expect.objectContaining({ from: 'region', engine: keeper })] })
    expect(typed.data?.people.nodes.map(node => [node.name])).toEqual(await rows(`SELECT name FROM people WHERE age > 30 AND ("group" = 'x' OR "group" LIKE 'y%') ORDER BY age DESC, name`))
  })

  test.each(attacks)('no text of a client becomes a piece of a statement: %j', async attack => {
    const own = people.find(person => person.name === attack)
    const { data, errors } = await hub.query<Record<string, unknown>>(
      `query ($text: String!, $json: JSON!, $id: ID!, $ids: [ID!]!, $pair: [PairKey!]!) {
        a: people(where: { name: { eq: $text } }) { nodes { name } }
        b: guests(where: { name: { eq: $text } }) { nodes { name } }
        c: grownUps(where: { name: { in: [$text] }, group: { eq: $text } }) { totalCount nodes { name guest { age } } }
        d: guests(where: { name: { startsWith: $text } }, orderBy: [{ name: ASC }]) { nodes { name } }
        e: grownUps(where: { guest: { name: { eq: $text } } }) { nodes { name } }
        f: guest(name: $id) { name age }
        g: guestsByKey(keys: $ids) { name }
        h: pair(name: $id, group: $id) { age }
        i: pairsByKey(keys: $pair) { age }
        j: sqlQuery(query: "SELECT name FROM guests WHERE name = ? OR name IN (?)", params: [$json, [$json]]) { rows }
        k: cacheGet(region: "guests", key: $id) { key }
      }`,
      { text: attack, json: attack, id: attack, ids: [attack, `${attack}x`], pair: [{ name: attack, group: attack }, { name: attack, group: 'x' }] },
    )
    expect(errors).toBeUndefined()
    const only = { nodes: [{ name: attack }] }
    expect(data).toEqual({
      a: only, b: only, c: { totalCount: 1, nodes: [{ name: attack, guest: { age: own?.age } }] },
      d: { nodes: people.filter(person => person.name.startsWith(attack)).map(({ name }) => ({ name })).toSorted((x, y) => (Buffer.compare(Buffer.from(x.name), Buffer.from(y.name)))) },
      e: only, f: { name: attack, age: own?.age }, g: [{ name: attack }, null], h: { age: own?.age }, i: [{ age: own?.age }, null], j: { rows: [[attack]] }, k: { key: attack },
    })
  })

  test('an order or a filter by what is no field is refused before any statement is made', async () => {
    const types = { people: 'Person', guests: 'Guest', grownUps: 'GrownUp' }
    for (const [field, type] of Object.entries(types)) {
      for (const attack of attacks) {
        for (const [variable, argument, value] of [[`[${type}Order!]`, 'orderBy', [{ [attack]: 'ASC' }]], [`[${type}Order!]`, 'orderBy', [{ name: attack }]], [`${type}Filter`, 'where', { [attack]: { eq: 'x' } }], [`${type}Filter`, 'where', { name: { [attack]: 'x' } }]] as const) {
          const { errors } = await hub.query(`query ($given: ${variable}) { ${field}(${argument}: $given) { totalCount } }`, { given: value })
          expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' })
        }
      }
    }
  })

  test('M-19 a client that leaves frees the connection its statement ran on', async () => {
    const started = startedReads(hub, 4)
    const leaving = Array.from({ length: 4 }, () => new AbortController())
    const left = leaving.map(({ signal }) => fetch(`${hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: `{ sqlQuery(query: "${endless}") { rows } }` }), signal }).then(() => 'answered', (error: Error) => error.name))
    await started
    // Every connection of the engine is taken: this one waits until one is given back.
    const waiting = rows('SELECT 1 AS a')
    for (const controller of leaving) controller.abort()
    expect(await Promise.all(left)).toEqual(Array.from({ length: 4 }, () => 'AbortError'))
    expect(await waiting).toEqual([[1]])
  })

  test('M-19 a statement that is not ready in time is stopped with TIMEOUT, and the next one runs', async () => {
    const hasty = await startHub({ catalog: folder.catalog, flags: ['--request-timeout-ms=1500'] })
    try {
      for (let from = 0; from < 2_000; from += 200) {
        expect((await hasty.query('mutation ($input: [NumberInput!]!) { putNumbers(input: $input) { n } }', { input: Array.from({ length: 200 }, (_, n) => ({ n: from + n })) })).errors).toBeUndefined()
      }
      const answers = await Promise.all(Array.from({ length: 4 }, () => hasty.query(`{ unifiedQuery(sql: "${endless}") { rows } }`)))
      for (const { errors } of answers) expect(errors?.[0]?.extensions).toMatchObject({ code: 'TIMEOUT', http: { status: 504 }, retryable: true })
      expect(await hasty.query('{ unifiedQuery(sql: "SELECT 1 AS a") { rows } }')).toEqual({ data: { unifiedQuery: { rows: [[1]] } } })
    } finally {
      await hasty.close()
    }
  }, 120_000)
})

/** Waits until that many statements have begun to read the numbers. */
function startedReads({ hub }: RunningHub, count: number): Promise<void> {
  const from = hub.assembly.mounts.find(mount => mount.name === 'numbers')?.from
  const { promise, resolve } = Promise.withResolvers<void>()
  const begun = new Set<unknown>()
  const began = (statement: unknown) => {
    begun.add(statement)
    if (begun.size >= count) resolve()
  }
  if (from?.kind === 'live') {
    const { rows } = from
    jest.spyOn(from, 'rows').mockImplementation(tenant => {
      began({})
      return rows(tenant)
    })
  } else if (from?.kind === 'source') {
    const { source } = from
    const scan = source.scan.bind(source)
    jest.spyOn(source, 'scan').mockImplementation((scope, request) => {
      began(scope.requestId)
      return scan(scope, request)
    })
  } else throw new RangeError(`The numbers are ${from?.kind}.`)
  return promise
}
