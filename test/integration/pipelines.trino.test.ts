import { jest } from '@jest/globals'
import { trinoPipelines } from '../../connectors/pipelines/trino.ts'
import { withEngine } from '../support/engines.ts'
import { RunWorld } from '../support/pipeline-runs.ts'

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
    trino = await RunWorld.open(trinoPipelines({ trino: { url, user: 'tests' }, catalog: 'memory', duck: { memoryLimit: '512MB', threads: 2 } }))
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
})
