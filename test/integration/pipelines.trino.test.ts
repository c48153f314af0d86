import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { trinoPipelines } from '../../connectors/pipelines/trino.ts'
import type { TrinoClient } from '../../connectors/trino/client.ts'
import type { Row } from '../../schema/values.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { RunWorld } from '../support/pipeline-runs.ts'
import { MovedClock, testScope } from '../support/scope.ts'
import { column } from '../support/sql-tables.ts'
import { trinoClient, trinoQueries, trinoRows } from '../support/trino.ts'

jest.setTimeout(240_000)

const avro = (fields: Readonly<Record<string, unknown>>) => JSON.stringify({ type: 'record', name: 'r', fields: Object.entries(fields).map(([name, type]) => ({ name, type: ['null', type] })) })
const logical = (type: string, logicalType: string, more = {}) => ({ type, logicalType, ...more })

const files: Readonly<Record<string, string>> = {
  'people.csv': 'Id,Name,country,updated_at,revenue,score,active,born\n1,Ada,GB,2024-01-02T00:00:00,10.50,1.5,true,1990-01-31\n1,Ada L.,GB,2024-03-01T00:00:00.123,20.00,2.25,true,1990-01-31\n2,Émile,FR,2024-01-01T23:59:59,,1e3,false,\n3,"it\'s ""Bo""",,,1.00,,,1970-01-01\n1,Ada,GB,2024-01-02T00:00:00,10.50,1.5,true,1990-01-31\n4,"",FR,2024-01-08T10:00:00,-0.05,0.1,false,2000-02-29\n5,zoë,GB,2024-03-03T00:00:00,99999999.99,-7e-3,true,1999-12-31\n',
  'orders.csv': 'id,customer,Name,total\n10,1,first,5\n11,1,second,7\n12,9,lost,3\n13,,nobody,1\n',
  'more.csv': 'id,customer,Name,total\n10,1,FIRST,5\n14,2,new,8\n',
  'less.csv': 'customer,id,note\n3,15,"a,b"\n',
  'floats.csv': 'n,x\n1,-0.0\n2,1.7976931348623157e308\n3,5e-324\n4,0.1\n5,100000000000000000000000\n6,123456789\n',
  'lines.json': '{"id":1,"tags":["x",{"n":12345678901234567890}],"ok":true}\n{"id":2,"tags":null,"ok":false}\n{"id":3}\n',
  'lookups/countries.csv': 'country,country_name,area\nFR,France,1\nGB,United Kingdom,2\nGB,Great Britain,3\n',
}

const schemas: Readonly<Record<string, string>> = {
  'schemas/people.avsc': avro({
    Id: 'int', Name: 'string', country: 'string', updated_at: logical('long', 'local-timestamp-micros'), revenue: logical('bytes', 'decimal', { precision: 10, scale: 2 }), score: 'double', active: 'boolean', born: logical('int', 'date'),
  }),
}

const people = '<csv id="people" path="people.csv" schemaRef="schemas/people.avsc"/>'
const orders = '<csv id="orders" path="orders.csv" inferSchema="true"/>'
const more = '<csv id="more" path="more.csv" inferSchema="true"/>'
const less = '<csv id="less" path="less.csv" inferSchema="true"/>'
const out = '<csv path="out" mode="overwrite"/>'

interface Case {
  readonly sources: string
  readonly transformations?: string
  /** Whether the order of the rows is promised. */
  readonly isOrdered?: boolean
}

const joined = (type: string): Case => ({ sources: people + orders, transformations: `<deduplicate source="people" keys="Id"/><join left="people" right="orders" type="${type}" condition="people.Id = orders.customer" as="j"/>` })
const masked = (attributes: string): Case => ({ sources: people, transformations: `<mask source="people" ${attributes}/><sort source="people" orderBy="revenue,score"/>`, isOrdered: true })

const cases: Readonly<Record<string, Case>> = {
  'a source as it is': { sources: people },
  'a source whose types its values tell': { sources: '<csv id="people" path="people.csv" inferSchema="true"/>' },
  'a source of texts': { sources: '<csv id="people" path="people.csv"/>' },
  'floats': { sources: '<csv id="floats" path="floats.csv" inferSchema="true"/>' },
  'JSON': { sources: '<json id="lines" path="lines.json"/>', transformations: '<sort source="lines" orderBy="id"/>', isOrdered: true },
  'deduplicate, first': { sources: people, transformations: '<deduplicate source="people" keys="Id"/>' },
  'deduplicate, latest': { sources: people, transformations: '<deduplicate source="people" keys="Id" keep="latest"/>' },
  'deduplicate, last of what was sorted': { sources: people, transformations: '<sort source="people" orderBy="Name" direction="desc"/><deduplicate source="people" keys="Id" keep="last"/>' },
  'sort, by texts': { sources: people, transformations: '<sort source="people" orderBy="Name,revenue,score"/>', isOrdered: true },
  'sort, the other way, without values first': { sources: people, transformations: '<sort source="people" orderBy="updated_at,Id,Name" direction="desc" nulls="first"/>', isOrdered: true },
  'join, inner': joined('inner'), 'join, left': joined('left'), 'join, right': joined('right'), 'join, full': joined('full'), 'join, semi': joined('semi'), 'join, anti': joined('anti'),
  'lookup, left': { sources: people, transformations: '<lookup source="people" reference="countries" outputFields="country_name,area" keys="country"/>' },
  'lookup, inner': { sources: people, transformations: '<lookup source="people" reference="countries" outputFields="country_name" keys="country" joinType="inner"/>' },
  'merge, union': { sources: orders + more, transformations: '<merge sources="orders,more" mode="union" as="m"/>' },
  'merge, unionDistinct': { sources: orders + more, transformations: '<merge sources="orders,more" mode="unionDistinct" as="m"/>' },
  'merge, upsert': { sources: orders + more, transformations: '<merge sources="orders,more" mode="upsert" keys="id" as="m"/>' },
  'merge, by name': { sources: orders + less, transformations: '<merge sources="orders,less" mode="union" byName="true" allowMissing="true" as="m"/>' },
  'aggregate': { sources: people, transformations: '<aggregate source="people" groupBy="country" metrics="count:n,sum:revenue,avg:score:mean,max:updated_at:latest,min:Name:first,count:revenue:paid,sum:Id:ids,max:active:any,min:born:eldest,sum:score:scores"/>' },
  'aggregate, means of whole numbers and decimals': { sources: people, transformations: '<aggregate source="people" groupBy="country" metrics="avg:Id:ids,avg:revenue:mean"/>' },
  'aggregate, daily': { sources: people, transformations: '<aggregate source="people" groupBy="country" metrics="count:n" window="daily"/>' },
  'aggregate, weekly': { sources: people, transformations: '<aggregate source="people" groupBy="country" metrics="count:n,sum:revenue" window="weekly"/>' },
  'validate': { sources: people, transformations: '<validate source="people"><notNull columns="country" severity="warning"/><unique columns="Id" severity="warning"/><range column="revenue" min="1.5" max="15" severity="warning"/><regex column="country" pattern="F.|GB" severity="warning"/><freshness column="updated_at" maxAge="P365D" severity="warning"/></validate>' },
  'mask, redact': masked('columns="Name,Id,born" strategy="redact"'),
  'mask, hash': masked('columns="Name,Id,active" strategy="hash"'),
  'mask, hash of decimals': { sources: people, transformations: '<mask source="people" columns="revenue,born" strategy="hash"/>' },
  'mask, tokenize': masked('columns="Name,country" strategy="tokenize"'),
  'mask, tokenize of numbers': masked('columns="Id" strategy="tokenize"'),
  'all of it': {
    sources: people + orders + more,
    transformations: '<merge sources="orders,more" mode="upsert" keys="id" as="all"/><deduplicate source="people" keys="Id" keep="latest"/><join left="all" right="people" type="left" condition="all.customer = people.Id" as="j"/><lookup source="j" reference="countries" outputFields="country_name" keys="country"/><mask source="j" columns="Name_people" strategy="hash"/><aggregate source="j" groupBy="country_name,Name_people" metrics="sum:total,count:n"/><sort source="j" orderBy="country_name,Name_people"/>',
    isOrdered: true,
  },
}

withEngine('TRINO_URL', 'the same pipelines on both engines', url => {
  let embedded: RunWorld
  let trino: RunWorld

  beforeAll(async () => {
    embedded = await RunWorld.open()
    trino = await RunWorld.open(trinoPipelines({ trino: { url, user: 'tests' }, catalog: 'memory', schema: 'test_both', duck: { memoryLimit: '512MB', threads: 2 } }))
    for (const world of [embedded, trino]) {
      for (const [path, content] of Object.entries(files)) await world.file(path, content)
      for (const [path, text] of Object.entries(schemas)) world.schemas.set(path, text)
    }
  })
  afterAll(async () => {
    await embedded?.close()
    await trino?.close()
  })

  /** What is written and told, but for how long it took. */
  async function told(world: RunWorld, { sources, transformations, isOrdered = false }: Case) {
    const { state, error, rowsRead, rowsWritten, rowsRejected, steps, findings } = await world.run({ sources, transformations, targets: out })
    const lines = state === 'SUCCEEDED' ? await world.lines('out/p.csv') : []
    return { state, error, rowsRead, rowsWritten, rowsRejected, findings, broken: steps.flatMap(step => step.broken ?? []), lines: isOrdered ? lines : [...lines.slice(0, 1), ...lines.slice(1).sort()] }
  }

  test.each(Object.entries(cases))('%s', async (_, one) => {
    const expected = await told(embedded, one)
    expect(expected.error).toBeUndefined()
    expect(await told(trino, one)).toEqual(expected)
  })

  /** The same runs in both worlds, one after the other; what is looked at behind each. */
  async function both<T>(work: (world: RunWorld) => Promise<T>): Promise<readonly [T, T]> {
    return [await work(embedded), await work(trino)]
  }

  test('a table of the lake is appended to, overwritten in part and merged into', async () => {
    const [expected, found] = await both(async world => {
      const write = async (content: string, target: string, runDate = '2026-01-31') => {
        await world.file('a.csv', content)
        const { error, rowsWritten } = await world.run({ sources: '<csv id="a" path="a.csv" inferSchema="true"/>', targets: `<hive table="service.t" partitionBy="ingest_date" ${target}/>` }, { parameters: { runDate } })
        return error?.message ?? rowsWritten
      }
      const written = [
        await write('Id,n,amount\n1,a,1.5\n2,b,2\n', 'mode="append"', '2026-01-30'), await write('Id,n,amount\n3,,0.25\n', 'mode="append"'), await write('Id,n,amount\n4,d,1.0\n', 'mode="overwrite"'),
        await write('Id,n,amount\n2,B,7.5\n5,"",1e2\n', 'mode="merge" keys="Id"'), await write('Id,n,amount\n5,x,1.5\n5,y,1.5\n', 'mode="merge" keys="Id"'), await write('Id,n,amount\n,x,1.5\n', 'mode="merge" keys="Id"'),
      ]
      await world.run({ sources: '<hive id="t" table="service.t"/>', transformations: '<sort source="t" orderBy="Id"/>', targets: out })
      return [...written, ...await world.lines('out/p.csv')]
    })
    expect(found).toEqual(expected)
    expect(found).toContain('2,B,7.5,2026-01-31')
  })

  test('what is computed has the same types in the lake', async () => {
    const [expected, found] = await both(async world => {
      const transformations = '<aggregate source="people" groupBy="country" metrics="count:n,sum:revenue,avg:revenue:mean,avg:Id:ids,sum:Id:all,max:updated_at:latest,min:born:eldest,max:active:any,sum:score:scores"/>'
      const record = await world.run({ sources: people, transformations, targets: '<hive table="service.sums" mode="append"/>' })
      await world.run({ sources: '<hive id="t" table="service.sums"/>', transformations: '<sort source="t" orderBy="country"/>', targets: out })
      return { error: record.error, columns: (await world.parts.lake.table(testScope(), 'service.sums'))?.columns, lines: await world.lines('out/p.csv') }
    })
    expect(found).toEqual(expected)
    expect(found.error).toBeUndefined()
  })

  test('rows go into a database', async () => {
    const [expected, found] = await both(async world => {
      const database = world.database('crm.sqlite')
      database.exec("CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO customer VALUES (1, 'x'), (7, 'y')")
      const crm = 'jdbcUrl="jdbc:sqlite:crm.sqlite"'
      const record = await world.run({
        sources: `<database id="crm" ${crm}><table name="main.customer"/></database><csv id="more" path="more.csv" inferSchema="true"/>`,
        transformations: '<join left="crm" right="more" type="full" condition="crm.id = more.customer" as="j"/><deduplicate source="j" keys="customer"/>',
        targets: `<database id="target" ${crm} mode="merge" keys="id"><table name="main.customer"/></database>`,
      })
      const rows = database.prepare('SELECT * FROM customer ORDER BY id').all()
      database.close()
      return { error: record.error?.category, rows }
    })
    expect(found).toEqual(expected)
  })

  test('rows that cannot be read are left out and told, and too many of them end the run', async () => {
    const [expected, found] = await both(async world => {
      await world.file('bad.csv', `Id,Name,country,updated_at,revenue,score,active,born\n${Array.from({ length: 50 }, (_, nth) => `${nth === 7 ? 'x' : nth},a,FR,2024-01-01T00:00:00,1,1,true,${nth === 9 ? 'never' : '2000-01-01'}\n`).join('')}`)
      const run = async (rejectedShare: number) => {
        const { state, error, rowsRead, rowsWritten, rowsRejected, steps } = await world.run({ sources: '<csv id="bad" path="bad.csv" schemaRef="schemas/people.avsc"/>', targets: out }, { rejectedShare })
        return { state, error, rowsRead, rowsWritten, rowsRejected, samples: steps[0]?.samples?.map(({ place, reason }) => `${place} ${reason}`).sort() }
      }
      return [await run(0.05), await run(0.01)]
    })
    expect(found).toEqual(expected)
    expect(found[0]).toMatchObject({ state: 'SUCCEEDED', rowsRejected: 2, rowsRead: 48 })
  })

  test('what fails fails in the same step, and values of what is masked are in nothing that is told', async () => {
    const [expected, found] = await both(async world => {
      const run = async (transformations: string, targets = out) => {
        const { state, error } = await world.run({ sources: `${people}<csv id="texts" path="people.csv"/>`, transformations, targets })
        return { state, category: error?.category, step: error?.step, tells: /Ada/.test(error?.message ?? '') }
      }
      const wrong = '<join left="people" right="texts" type="inner" condition="people.Id = CAST(texts.Name AS integer)"/>'
      return [
        await run(wrong, `${out}<hive table="service.wrong" mode="append"/>`), await run(`${wrong}<mask source="people" columns="Name" strategy="redact"/>`), await run('<mask source="people" columns="Name" strategy="hash" secretRef="other"/>'),
        await run('<validate source="people"><notNull columns="country"/></validate>'), await run('<deduplicate source="people" keys="Ids"/>'),
      ]
    })
    expect(found).toEqual(expected)
    expect(found.map(({ category }) => category)).toEqual(['TRANSFORM', 'TARGET', 'TRANSFORM', 'TRANSFORM', 'CONFIG'])
  })
})

withEngine('TRINO_URL', 'what runs keep in Trino', url => {
  const duck = { memoryLimit: '512MB', threads: 2 }
  let client: TrinoClient
  let schema: string

  beforeEach(() => {
    client = trinoClient(url)
    schema = `test_run_${randomBytes(4).toString('hex')}`
  })
  afterEach(() => client.close())

  const engine = (catalog = 'memory') => trinoPipelines({ trino: { url, user: 'tests' }, catalog, schema, duck })
  const schemas = async () => (await trinoRows(client, `SELECT schema_name FROM memory.information_schema.schemata WHERE schema_name LIKE '${schema}%'`)).map(([name]) => String(name))
  async function* numbers(count: number): AsyncGenerator<Row[], void, void> {
    yield Array.from({ length: count }, (_, n) => ({ n }))
  }

  test('is gone with the run, and what one left that died goes a day later', async () => {
    const died = testScope()
    const kept = async (scope: typeof died) => {
      const run = await engine().begin(scope)
      await run.rows('a', [column('n', 'Int')], numbers(3))
      expect(await run.keep('a')).toBe(3)
      return run
    }
    const lost = await kept(died)
    const [left] = await schemas()
    expect(left).toMatch(new RegExp(`^${schema}_${died.clock.now()}_`))

    const dayLater = died.clock.now() + 86_400_000
    await (await kept(testScope({ clock: new MovedClock(dayLater) }))).close()
    expect(await schemas()).toEqual([left])
    await (await kept(testScope({ clock: new MovedClock(dayLater + 1) }))).close()
    expect(await schemas()).toEqual([])
    await lost.close()
  })

  test('a signal that aborts ends the statement there, and the tables go all the same', async () => {
    const scope = testScope()
    const run = await engine().begin(scope)
    const folder = await mkdtemp(join(tmpdir(), 'tributary-pipelines-'))
    await run.rows('r', [column('n', 'Int')], numbers(4000))
    await run.keep('r')
    const computed = run.write(`SELECT count(*) AS n /* ${schema} */ FROM "r" a, "r" b, "r" c WHERE a.n + b.n * c.n = -1`, { folder, name: 'x', format: 'parquet' }).catch((error: unknown) => error)
    await eventually('Trino runs the statement', async () => (await trinoQueries(url, `/* ${schema} */`)).some(({ state }) => state === 'RUNNING'))
    scope.abort()
    expect(await computed).toMatchObject({ code: 'CANCELLED' })
    await eventually('Trino has ended it', async () => (await trinoQueries(url, `/* ${schema} */`)).every(({ state, errorCode }) => state === 'FAILED' && errorCode?.name === 'USER_CANCELED'))
    await run.close()
    expect(await schemas()).toEqual([])
    await rm(folder, { recursive: true })
  })

  test.each(['memory', 'iceberg', 'hive'])('types that a table of %s would not keep come back as they were', async catalog => {
    const run = await engine(catalog).begin(testScope())
    const select = `SELECT CAST('a' AS char(3)) AS "Char", TIME '10:00:00.123456789' AS t, TIMESTAMP '2026-01-31 10:00:00.123456789' AS local, TIMESTAMP '2026-01-31 10:00:00.5 Europe/Paris' AS zoned, NULL AS nothing, CAST(7 AS tinyint) AS tiny,
      ARRAY[1, NULL] AS list, MAP(ARRAY['a'], ARRAY[1.50]) AS map, UUID '0f8fad5b-d9cb-469f-a165-70867728950e' AS id, JSON '{"n":12345678901234567890}' AS j, CAST(CAST('1.50' AS decimal(5, 2)) AS json) AS k, X'00ff' AS bytes, nan() AS nan, DATE '0001-01-01' AS day`
    await run.define('d', select, await run.describe(select))
    const read = async () => {
      const { columns, batches } = await run.read('SELECT * FROM "d"')
      const rows: Row[] = []
      for await (const batch of batches) rows.push(...batch)
      return { columns, rows }
    }
    const before = await read()
    expect(before.columns[0]).toEqual(column('Char', 'String'))
    expect(await run.keep('d')).toBe(1)
    expect(await read()).toEqual(before)
    await run.close()
  })

  test('more rows than the catalog holds are told of as too many', async () => {
    const run = await engine().begin(testScope())
    const select = "SELECT rpad(CAST(random() AS varchar), 2000, 'x') AS s FROM UNNEST(sequence(1, 100)) AS a (x), UNNEST(sequence(1, 1000)) AS b (y)"
    await run.define('d', select, await run.describe(select))
    await expect(run.keep('d')).rejects.toMatchObject({ code: 'RESULT_TOO_LARGE' })
    await run.close()
    expect(await schemas()).toEqual([])
  })
})
