import { RunWorld, stepsOf } from '../../support/pipeline-runs.ts'
import { testScope } from '../../support/scope.ts'

let world: RunWorld

beforeEach(async () => {
  world = await RunWorld.open()
})

afterEach(() => world.close())

const people = 'id,name,country,updated_at\n1,Ann,FR,2026-01-01T00:00:00\n2,Bob,DE,2026-01-02T00:00:00\n1,Anne,FR,2026-01-03T00:00:00\n3,Cyd,,2026-01-01T00:00:00\n'
const source = '<csv id="people" path="in/*.csv" inferSchema="true"/>'
const out = (more = '') => `<csv path="out" mode="overwrite" ${more}/>`

const crm = (file: string) => `jdbcUrl="jdbc:sqlite:${file}"`

function makeCrm(world: RunWorld): void {
  const database = world.database('crm.sqlite')
  database.exec("CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, changed TEXT); INSERT INTO customer VALUES (1, 'Ann', '2026-01-01'), (2, 'Bob', '2026-01-20'), (3, 'Cyd', '2026-01-31')")
  database.close()
}

const customers = (world: RunWorld) => {
  const database = world.database('crm.sqlite')
  const rows = database.prepare('SELECT id, name FROM customer ORDER BY id').all().map(row => `${String(row['id'])} ${String(row['name'])}`)
  database.close()
  return rows
}

test('D-43 D-50 a database is read by its query, whose parameters are bound', async () => {
  makeCrm(world)
  const read = (sql: string, order = {}) => world.run({ sources: `<database id="crm" ${crm('crm.sqlite')} fetchSize="1">${sql}</database>`, parameters: '<parameters><parameter name="who" default="x"/></parameters>', transformations: '<sort source="crm" orderBy="id"/>', targets: out() }, order)
  const bound = "<sql><![CDATA[SELECT id, name AS \"the name\", ':no' AS n FROM customer WHERE changed >= :runDate OR name = :who;]]></sql>"
  expect(stepsOf(await read(bound, { parameters: { runDate: '2026-01-20', who: "' OR 1=1 --" } }))).toMatchObject({ crm: ['SUCCEEDED', 2] })
  expect(await world.lines('out/p.csv')).toEqual(['id,the name,n', '2,Bob,:no', '3,Cyd,:no'])
  expect(stepsOf(await read('<table name="main.customer"/>'))).toMatchObject({ crm: ['SUCCEEDED', 3] })
  expect(await read('<table name="main.customers"/>')).toMatchObject({ state: 'FAILED', error: { category: 'SOURCE', step: 'crm', message: expect.stringContaining('no such table') } })
})

test('D-52 a query may stand in a file of resources', async () => {
  makeCrm(world)
  const run = () => world.run({ sources: `<database id="crm" ${crm('crm.sqlite')} queryRef="crm.sql"/>`, targets: out() })
  expect(await run()).toMatchObject({ error: { category: 'SOURCE', message: 'There is no query "crm.sql" below resources/, which source "crm" names.' } })
  world.queries.set('crm.sql', 'DELETE FROM customer')
  expect(await run()).toMatchObject({ error: { message: '"crm.sql": The query begins with "DELETE"; a SELECT, or WITH and a SELECT, is expected.' } })
  world.queries.set('crm.sql', 'SELECT id FROM customer WHERE id = 1')
  expect(await run()).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 1 })
})

test('D-48 D-71 rows are merged into a database, which is as it was where another target fails, and not written again by the same run', async () => {
  makeCrm(world)
  await world.file('in/people.csv', 'id,name\n2,Bert\n4,Dan\n')
  const target = (mode: string) => `<database id="crm" ${crm('crm.sqlite')} mode="${mode}" keys="id"><table name="main.customer"/></database>`
  const failed = await world.run({ sources: source, targets: `${target('merge')}<hive table="service.t" mode="append" format="orc"/>` })
  expect([failed.state, failed.error?.step, failed.rowsWritten, stepsOf(failed)['target-1-database'], customers(world)]).toEqual(['FAILED', 'target-2-hive', 0, ['CANCELLED', undefined], ['1 Ann', '2 Bob', '3 Cyd']])
  expect(await world.run({ sources: source, targets: target('merge') }, { runId: 'same' })).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 2 })
  expect(customers(world)).toEqual(['1 Ann', '2 Bert', '3 Cyd', '4 Dan'])
  expect(stepsOf(await world.run({ sources: source, targets: target('merge') }, { runId: 'same' }))['target-1-database']).toEqual(['SKIPPED', 2])
  expect(await world.run({ sources: source, targets: target('append') })).toMatchObject({ state: 'FAILED', error: { category: 'TARGET', message: expect.stringContaining('UNIQUE constraint failed') } })
  expect(await world.run({ sources: source, targets: target('truncateInsert') })).toMatchObject({ state: 'SUCCEEDED' })
  expect(customers(world)).toEqual(['2 Bert', '4 Dan'])
})

test('D-75 a pipeline without transformations brings its source to its target', async () => {
  await world.file('in/people.csv', people)
  const record = await world.run({ sources: source, targets: out() })
  expect(record).toMatchObject({ runId: 'run-1', pipelineId: 'p', version: '1.0.0', application: 'shop', layer: 'service', engine: 'duckdb', state: 'SUCCEEDED', rowsRead: 4, rowsWritten: 4, rowsRejected: 0 })
  expect(await world.lines('out/p.csv')).toEqual(people.trimEnd().split('\n').map(line => line.replace('T00', ' 00')))
})

test('D-26 D-58 D-59 D-67 rows are deduplicated, sorted, aggregated and written in their order', async () => {
  await world.file('in/people.csv', people)
  const record = await world.run({
    sources: source,
    transformations: '<deduplicate source="people" keys="id" keep="latest"/><sort source="people" orderBy="name" direction="desc" as="sorted"/><aggregate source="people" groupBy="country" metrics="count:n" as="countries"/>',
    targets: '<csv path="sorted" mode="overwrite" source="sorted"/><csv path="countries" mode="overwrite" source="countries"/>',
  })
  expect(record.error).toBeUndefined()
  expect((await world.lines('sorted/p.csv')).map(line => line.split(',')[1])).toEqual(['name', 'Cyd', 'Bob', 'Anne'])
  expect((await world.lines('countries/p.csv')).sort()).toEqual([',1', 'DE,1', 'FR,1', 'country,n'])
  expect(stepsOf(record)).toMatchObject({ people: ['SUCCEEDED', 4], '1-deduplicate': ['SUCCEEDED', 3], 'target-1-csv': ['SUCCEEDED', 3], 'target-2-csv': ['SUCCEEDED', 3] })
})

test('D-60 D-61 datasets are joined, and looked up in reference tables whose schema says the keys', async () => {
  await world.file('in/people.csv', people)
  await world.file('orders.csv', 'person,total\n1,10\n1,5\n2,7\n')
  await world.file('lookups/countries.csv', 'country,country_name\nFR,France\nDE,Germany\n')
  await world.file('lookups/countries.avsc', JSON.stringify({ type: 'record', name: 'c', keys: ['country'], fields: [{ name: 'country', type: 'string' }, { name: 'country_name', type: 'string' }] }))
  const record = await world.run({
    sources: `${source}<csv id="orders" path="orders.csv" inferSchema="true"/>`,
    transformations: '<deduplicate source="people" keys="id" keep="latest"/><join left="people" right="orders" type="inner" condition="people.id = orders.person"/><lookup source="people" reference="countries" outputFields="country_name"/><aggregate source="people" groupBy="country_name" metrics="sum:total"/>',
    targets: out(),
  })
  expect(record.error).toBeUndefined()
  expect((await world.lines('out/p.csv')).sort()).toEqual(['France,15', 'Germany,7', 'country_name,total'])
})

test('D-12 rows that cannot be read are left out and told; more than the share that may be ends the run, with every target as it was', async () => {
  world.schemas.set('schemas/n.avsc', JSON.stringify({ type: 'record', name: 'n', fields: [{ name: 'n', type: 'int' }] }))
  const rows = (bad: number) => `n\n${Array.from({ length: 100 }, (_, nth) => (nth < bad ? `x${nth}\n` : `${nth}\n`)).join('')}`
  const document = { sources: '<csv id="n" path="n.csv" schemaRef="schemas/n.avsc"/>', targets: out() }
  await world.file('n.csv', rows(5))
  const few = await world.run(document)
  expect([few.state, few.rowsRead, few.rowsWritten, few.rowsRejected]).toEqual(['SUCCEEDED', 95, 95, 5])
  expect(few.steps[0]?.samples?.[0]).toMatchObject({ place: 'line 2', reason: '"n" is "x0", not Int' })
  await world.file('n.csv', rows(6))
  const many = await world.run(document)
  expect(many).toMatchObject({ state: 'FAILED', rowsWritten: 0, error: { category: 'SOURCE', step: 'n', message: expect.stringMatching(/^6 of 100 rows of "n" cannot be read, more than the share of 0\.05 that may be\. The first: line 2 of "n\.csv": "n" is "x0", not Int\. Nothing is written\.$/) } })
  expect((await world.lines('out/p.csv')).length).toBe(96)
})

test('D-15 what fails in a step leaves nothing behind', async () => {
  await world.file('in/people.csv', people)
  const record = await world.run({
    sources: `${source}<csv id="texts" path="in/*.csv"/>`,
    transformations: '<join left="people" right="texts" type="inner" condition="people.id = CAST(texts.name AS integer)"/>',
    targets: `${out()}<hive table="service.people" mode="append"/>`,
  })
  expect(record).toMatchObject({ state: 'FAILED', rowsWritten: 0, error: { category: 'TRANSFORM', step: '1-join', message: expect.stringContaining('Ann') } })
  expect(await world.paths()).toEqual(['in/people.csv'])
  expect(await world.paths('service/**')).toEqual([])
})

test('findings of the data keep a run from writing anything, with their places', async () => {
  await world.file('in/people.csv', people)
  const record = await world.run({ sources: source, transformations: '<deduplicate source="people" keys="ids"/>', targets: out() })
  expect(record).toMatchObject({ state: 'FAILED', error: { category: 'CONFIG', message: 'Line 4, column 47: "people" has no column "ids". Did you mean "id"?' }, findings: [{ code: 'COLUMN_NOT_FOUND', proposal: 'id' }] })
})

test('D-40 a csv is put in its place whole: overwrite swaps, append adds a file a run, error and ignore leave what is there', async () => {
  await world.file('in/people.csv', people)
  const write = (mode: string, order = {}) => world.run({ sources: source, targets: `<csv path="out/%Y/%m/%d" mode="${mode}" compression="gzip" delimiter="|"/>` }, order)
  expect((await write('error')).rowsWritten).toBe(4)
  expect(await world.lines('out/2026/01/31/p.csv.gz')).toContain('2|Bob|DE|2026-01-02 00:00:00')
  expect(await write('error')).toMatchObject({ state: 'FAILED', error: { category: 'TARGET', message: expect.stringContaining('"out/2026/01/31" has a file already, such as "out/2026/01/31/p.csv.gz", and mode="error"') } })
  expect(stepsOf(await write('ignore'))).toMatchObject({ 'target-1-csv': ['SKIPPED', 0] })
  await write('append', { runId: 'a' })
  await write('append', { runId: 'a' })
  await write('append', { runId: 'b' })
  expect(await world.paths('out/**')).toEqual(['out/2026/01/31/p-a.csv.gz', 'out/2026/01/31/p-b.csv.gz', 'out/2026/01/31/p.csv.gz'])
  await write('overwrite', { parameters: { runDate: '2026-01-31' } })
  expect(await world.paths('out/**')).toEqual(['out/2026/01/31/p.csv.gz'])
})

test('D-53 D-55 D-56 a table of the lake is appended to, its touched partitions are overwritten, and rows are merged by keys', async () => {
  const write = async (content: string, target: string, order = {}) => {
    await world.file('in/a.csv', content)
    return world.run({ sources: '<csv id="a" path="in/a.csv" inferSchema="true"/>', targets: target }, order)
  }
  const read = async () => {
    const record = await world.run({ sources: '<hive id="t" table="service.t"/>', transformations: '<sort source="t" orderBy="id"/>', targets: out() })
    expect(record.error).toBeUndefined()
    return (await world.lines('out/p.csv')).slice(1)
  }
  const table = (mode: string, more = '') => `<hive table="service.t" mode="${mode}" partitionBy="ingest_date" ${more}/>`
  await write('id,n\n1,a\n2,b\n', table('append'), { parameters: { runDate: '2026-01-30' } })
  await write('id,n\n3,c\n', table('append'))
  expect(await read()).toEqual(['1,a,2026-01-30', '2,b,2026-01-30', '3,c,2026-01-31'])
  await write('id,n\n4,d\n', table('overwrite'))
  expect(await read()).toEqual(['1,a,2026-01-30', '2,b,2026-01-30', '4,d,2026-01-31'])
  await write('id,n\n2,B\n5,e\n', table('merge', 'keys="id"'))
  expect(await read()).toEqual(['1,a,2026-01-30', '2,B,2026-01-31', '4,d,2026-01-31', '5,e,2026-01-31'])
  expect(await write('id,n\n5,x\n5,y\n', table('merge', 'keys="id"'))).toMatchObject({ state: 'FAILED', error: { category: 'TARGET', message: 'Rows of "service.t" are known by id: 1 key is that of several rows to write. Deduplicate them before.' } })
  expect(await write('id,n\n,x\n1,y\n', table('merge', 'keys="id"'))).toMatchObject({ error: { message: 'Rows of "service.t" are known by id: 1 of those to write has no value there.' } })
  expect((await read()).length).toBe(4)
})

test('D-96 partitions that are not asked for are not looked at, and how many is told', async () => {
  await world.file('in/sales.csv', 'id,day,country\n1,2026-01-30,FR\n2,2026-01-31,FR\n3,2026-01-31,GB\n4,2026-02-01,A/B\n')
  await world.run({ sources: '<csv id="sales" path="in/sales.csv"/>', targets: '<hive table="service.sales" mode="append" partitionBy="day,country"/>' })
  const read = async (partitions: string, more = {}) => {
    const { state, steps, error } = await world.run({ sources: `<hive id="sales" table="service.sales" partitions="${partitions}"/>`, transformations: '<sort source="sales" orderBy="id"/>', targets: out() }, more)
    return error?.message ?? [state, steps[0]?.partitionsPruned, state === 'SUCCEEDED' ? (await world.lines('out/p.csv')).slice(1).map(line => line.slice(0, 1)).join('') : '']
  }
  expect(await read('day=2026-01-31')).toEqual(['SUCCEEDED', 2, '23'])
  expect(await read('day=2026-01-*/country=F?')).toEqual(['SUCCEEDED', 2, '12'])
  expect(await read('country=A?B')).toEqual(['SUCCEEDED', 3, '4'])
  expect(await read('day=%Y-%m-%d', { parameters: { runDate: '2026-01-30' } })).toEqual(['SUCCEEDED', 3, '1'])
  expect(await read('day=2027-*')).toEqual(['SKIPPED_NO_DATA', undefined, ''])
  expect(await read('contry=FR')).toBe('Table "service.sales" is not partitioned by "contry", which "partitions" names. Did you mean "country"? It is partitioned by day, country.')
})

test('a run that is repeated adds nothing twice', async () => {
  await world.file('in/people.csv', people)
  const write = () => world.run({ sources: source, targets: '<hive table="service.t" mode="append"/>' }, { runId: 'same' })
  expect((await write()).rowsWritten).toBe(4)
  const again = await write()
  expect([again.state, stepsOf(again)['target-1-hive']]).toEqual(['SUCCEEDED', ['SKIPPED', 0]])
  expect((await world.parts.lake.table(testScope(), 'service.t'))?.files.length).toBe(1)
})

test('D-53 D-95 runs that append to one table at a time are all in it, also those that make it', async () => {
  const ids = Array.from({ length: 8 }, (_, id) => id)
  for (const id of ids) await world.file(`in/${id}.csv`, `id\n${id}\n`)
  const records = await Promise.all(ids.map(id => world.run({ sources: `<csv id="a" path="in/${id}.csv" inferSchema="true"/>`, targets: '<hive table="service.t" mode="append"/>' })))
  expect(records.map(({ state, error }) => [state, error])).toEqual(ids.map(() => ['SUCCEEDED', undefined]))
  await world.run({ sources: '<hive id="t" table="service.t"/>', transformations: '<sort source="t" orderBy="id"/>', targets: out() })
  expect((await world.lines('out/p.csv')).slice(1)).toEqual(ids.map(String))
})

test('D-113 rows that lack a column of the table, or have another type, end the run before anything is written; a new column is told and taken', async () => {
  const write = async (content: string) => {
    await world.file('in/a.csv', content)
    const scope = testScope()
    return { scope, record: await world.run({ sources: '<csv id="a" path="in/a.csv" inferSchema="true"/>', targets: '<hive table="service.t" mode="append"/>' }, { scope }) }
  }
  await write('id,n\n1,2\n')
  expect((await write('id\n1\n')).record).toMatchObject({ state: 'FAILED', error: { message: 'The rows are not those of table "service.t". Column "n" is missing.' } })
  expect((await write('id,n\n1,x\n')).record).toMatchObject({ error: { message: 'The rows are not those of table "service.t". Column "n" is String; Int is expected.' } })
  const { record, scope } = await write('id,n,more\n1,2,x\n')
  expect([record.state, scope.entries.map(({ message, fields }) => [message, fields])]).toEqual(['SUCCEEDED', [['A table of the lake gets new columns.', { table: 'service.t', columns: ['more'] }]]])
  await world.run({ sources: '<hive id="t" table="service.t"/>', transformations: '<sort source="t" orderBy="more"/>', targets: out() })
  expect(await world.lines('out/p.csv')).toEqual(['id,n,more', '1,2,x', '1,2,'])
})

test('D-54 D-53 what a target names as its schema is compared before anything is written', async () => {
  await world.file('in/people.csv', people)
  world.schemas.set('schemas/t.json', JSON.stringify({ type: 'object', properties: { id: { type: 'integer' }, name: { type: 'integer' }, city: { type: 'string' } } }))
  const record = await world.run({ sources: source, targets: '<hive table="service.t" mode="append" schemaRef="schemas/t.json"/>' })
  expect(record).toMatchObject({ state: 'FAILED', error: { category: 'SCHEMA', step: 'target-1-hive', message: 'What "people" has is not what the schema of <hive> in line 5 says. Column "name" is String; Long is expected. Column "city" is missing. Column "country" is not expected. Column "updated_at" is not expected.' } })
})

test('D-04 D-57 a table of the lake is a folder of parquet files with a catalogue of its versions; a format the engine does not write is refused by its name', async () => {
  await world.file('in/people.csv', people)
  await world.run({ sources: source, targets: '<hive table="service.own" mode="append"/>' })
  expect([await world.paths('service/own/*.parquet'), await world.paths('service/own/_versions/*.json')]).toEqual([[expect.stringMatching(/\.parquet$/)], [expect.stringMatching(/00000001\.json$/)]])
  expect(await world.run({ sources: source, targets: '<hive table="service.t" mode="append" format="delta"/>' })).toMatchObject({ error: { category: 'TARGET', message: 'Table "service.t" is to be of format "delta", which duckdb does not write; parquet is what it does.' } })
})

test('D-120 a rule that is an error keeps targets from being written; one that is a warning is told', async () => {
  await world.file('in/people.csv', people)
  const run = (severity: string) => world.run({ sources: source, transformations: `<validate source="people"><notNull columns="country" severity="${severity}"/><unique columns="id" severity="warning"/></validate>`, targets: out() })
  const warned = await run('warning')
  expect([warned.state, warned.steps.find(({ id }) => id === '1-validate')?.broken]).toEqual(['SUCCEEDED', [{ rule: 'notNull(country)', severity: 'warning', rows: 1 }, { rule: 'unique(id)', severity: 'warning', rows: 2 }]])
  expect(await run('error')).toMatchObject({ state: 'FAILED', error: { category: 'TRANSFORM', step: '1-validate', message: 'Rows break the rules: notNull(country): 1. Nothing is written.' } })
})

test('D-62 D-110 columns are masked before they leave, by the key that the run names', async () => {
  await world.file('in/people.csv', 'id,ssn,email\n1,123-45-6789,ann@example.org\n2,987-65-4321,ann@example.org\n3,,bob@example.org\n')
  const masked = async (mask: string) => {
    const record = await world.run({ sources: source, transformations: `<sort source="people" orderBy="id"/><mask source="people" ${mask}/>`, targets: out() })
    expect(record.error).toBeUndefined()
    return { lines: (await world.lines('out/p.csv')).slice(1).map(line => line.split(',')), key: record.steps.find(({ type }) => type === 'mask')?.key }
  }
  expect(await masked('columns="ssn" strategy="redact"')).toEqual({ lines: [['1', '***-**-6789', 'ann@example.org'], ['2', '***-**-4321', 'ann@example.org'], ['3', '', 'bob@example.org']], key: undefined })
  const tokens = await masked('columns="ssn,email" strategy="tokenize"')
  expect([tokens.key, tokens.lines[0]?.[2] === tokens.lines[1]?.[2], tokens.lines[0]?.[1], tokens.lines[2]?.[1]]).toEqual(['mask 1', true, expect.stringMatching(/^tok_1_/), ''])
  expect(await masked('columns="ssn,email" strategy="tokenize"')).toEqual(tokens)
  const hashes = await masked('columns="email" strategy="hash" secretRef="mask"')
  expect(hashes.lines[0]?.[2]).toMatch(/^h1\.1\./)
  expect((await masked('columns="email" strategy="encrypt"')).lines[0]?.[2]).toMatch(/^e1\.1\./)
})

test('D-23 values of a pipeline with masks are in nothing that it tells', async () => {
  world.schemas.set('schemas/n.avsc', JSON.stringify({ type: 'record', name: 'n', fields: [{ name: 'id', type: 'int' }, { name: 'ssn', type: 'string' }, { name: 'born', type: { type: 'int', logicalType: 'date' } }] }))
  await world.file('n.csv', 'id,ssn,born\n1,123-45-6789,1970-01-01\n2,secret,secret-day\nsecret-id,x,1970-01-01\n')
  const document = { sources: '<csv id="n" path="n.csv" schemaRef="schemas/n.avsc"/>', targets: out() }
  const masked = '<mask source="n" columns="ssn" strategy="redact"/>'
  const lost = await world.run({ ...document, transformations: masked }, { rejectedShare: 1 })
  expect([lost.state, lost.rowsRejected, JSON.stringify(lost).includes('secret')]).toEqual(['SUCCEEDED', 2, false])
  const failed = await world.run({ sources: `${document.sources}<csv id="m" path="n.csv"/>`, transformations: `<join left="n" right="m" type="semi" condition="CAST(n.ssn AS integer) > 5 AND n.ssn = m.ssn"/>${masked}`, targets: out() }, { rejectedShare: 1 })
  expect([failed.error?.category, JSON.stringify(failed).includes('6789')]).toEqual(['TARGET', false])
})

test('D-07 D-62 a key that is not there ends the run, with its name and where it was looked for', async () => {
  await world.file('in/people.csv', people)
  expect(await world.run({ sources: source, transformations: '<mask source="people" columns="name" strategy="hash" secretRef="other"/>', targets: out() })).toMatchObject({ state: 'FAILED', error: { category: 'TRANSFORM', message: expect.stringContaining('There is no secret "other". It was looked for in variable TRIBUTARY_SECRET_OTHER.') } })
})

test('D-33 files that match nothing are nothing to do, or a failure where the pipeline says so', async () => {
  const document = { sources: source, targets: out() }
  const skipped = await world.run(document)
  expect([skipped.state, stepsOf(skipped)]).toEqual(['SKIPPED_NO_DATA', { people: ['SKIPPED', undefined], 'target-1-csv': ['SKIPPED', undefined] }])
  expect(await world.run({ ...document, attributes: 'layer="service" onNoData="fail"' })).toMatchObject({ state: 'FAILED', error: { category: 'SOURCE', step: 'people', message: 'No file matches "in/*.csv".' } })
})

test('D-91 D-94 a path that leads out of the application\'s data, and one of another place, are refused', async () => {
  expect(await world.run({ sources: '<csv id="a" path="/etc/*.conf"/>', targets: out() })).toMatchObject({ state: 'FAILED', error: { category: 'SOURCE', message: expect.stringContaining('leads out') } })
  await expect(world.run({ sources: '<csv id="a" path="../crm/landing/*.csv"/>', targets: out() })).rejects.toThrow('PATH_ESCAPES')
  expect(await world.run({ sources: '<database id="a" jdbcUrl="jdbc:sqlite:../crm/crm.sqlite"><table name="main.customer"/></database>', targets: out() })).toMatchObject({ state: 'FAILED', error: { category: 'SOURCE', message: expect.stringMatching(/out of/) } })
  expect(await world.run({ sources: '<csv id="a" path="s3://landing/*.csv"/>', targets: out() })).toMatchObject({ state: 'FAILED', error: { category: 'SOURCE', message: '"s3://landing/*.csv" is in a bucket, and buckets are those of a hub\'s catalog, which there is not here. Put the pipeline into the hub\'s folder and run it there, or name a path without a scheme.' } })
  expect(await world.run({ sources: '<csv id="a" path="file:///etc/*.csv"/>', targets: out() })).toMatchObject({ state: 'FAILED', error: { message: '"file:///etc/*.csv" is of file://, and runs read and write what is below the application\'s data, or in a bucket: s3://BUCKET/KEY. Name one of these.' } })
})

test('D-87 parameters are checked all at once', async () => {
  const parameters = '<parameters><parameter name="day" type="date"/><parameter name="n" type="int" default="5"/></parameters>'
  await expect(world.run({ sources: source, targets: out(), parameters }, { parameters: { n: 'x', dya: '1', runDate: 'soon' } })).rejects.toMatchObject({
    code: 'VALIDATION_ERROR',
    details: { problems: [{ path: 'dya', message: 'There is no parameter "dya". Did you mean "day"?' }, { path: 'runDate' }, { path: 'day', message: 'Parameter "day" has no value, and no default.' }, { path: 'n', message: '"x" is no value of parameter "n", which is of type int.' }] },
  })
})

test('a run that is cancelled leaves every target as it was', async () => {
  await world.file('in/people.csv', people)
  const scope = testScope()
  const record = await world.run({ sources: source, transformations: '<sort source="people" orderBy="id"/>', targets: out() }, { scope, listener: steps => { if (steps.some(({ id, state }) => id === 'target-1-csv' && state === 'RUNNING')) scope.abort() } })
  expect([record.state, await world.paths()]).toEqual(['CANCELLED', ['in/people.csv']])
})
