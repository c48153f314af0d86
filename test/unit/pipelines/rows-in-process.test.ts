import { duckDbPipelines } from '../../../connectors/pipelines/duckdb.ts'
import type { PipelineEngine } from '../../../connectors/ports/pipeline-engine.ts'
import type { Row } from '../../../schema/values.ts'
import { RunWorld, stepsOf } from '../../support/pipeline-runs.ts'

const engine = duckDbPipelines({ memoryLimit: '256MB', threads: 1 })
let passed: { rows: number; texts: number }
let world: RunWorld

async function* countedRows(batches: AsyncIterable<readonly Row[]>): AsyncGenerator<readonly Row[], void, void> {
  for await (const rows of batches) {
    passed.rows += rows.length
    yield rows
  }
}

/** DuckDB, and what passes between it and this process. */
const counted: PipelineEngine = {
  name: engine.name,
  async begin(scope) {
    const own = await engine.begin(scope)
    return {
      files: (dataset, source) => own.files(dataset, source),
      rows: (dataset, columns, batches) => own.rows(dataset, columns, countedRows(batches)),
      describe: select => own.describe(select),
      define: (dataset, select, columns) => own.define(dataset, select, columns),
      keep: dataset => own.keep(dataset),
      change: (dataset, of, columns, change) => own.change(dataset, of, columns, text => {
        passed.texts += 1
        return change(text)
      }),
      async read(select) {
        const { columns, batches } = await own.read(select)
        return { columns, batches: countedRows(batches) }
      },
      write: (select, into) => own.write(select, into),
      reading: dataset => own.reading(dataset),
      get peakMemoryBytes() { return own.peakMemoryBytes },
      close: () => own.close(),
    }
  },
}

beforeEach(async () => {
  passed = { rows: 0, texts: 0 }
  world = await RunWorld.open(counted)
  await world.file('landing/orders.csv', `id,customer,total\n${Array.from({ length: 5_000 }, (_, n) => `${n % 4_000},c${n % 50},${n}`).join('\n')}\n`)
  await world.file('landing/customers.csv', `customer,country,mail\n${Array.from({ length: 50 }, (_, n) => `c${n},${n % 2 === 0 ? 'DE' : 'FR'},m${n}@example.org`).join('\n')}\n`)
})
afterEach(() => world.close())

const sources = '<csv id="orders" path="landing/orders.csv" inferSchema="true"/><csv id="customers" path="landing/customers.csv"/>'

test('D-98 rows of files stay in the engine from their source to their target, whatever becomes of them on the way', async () => {
  const record = await world.run({
    sources,
    transformations: '<deduplicate source="orders" keys="id" keep="first" orderBy="total"/><join left="orders" right="customers" type="left" condition="orders.customer = customers.customer"/><aggregate source="orders" groupBy="country" metrics="count:orders,sum:total"/><sort source="orders" orderBy="country"/>',
    targets: '<csv path="service/out" mode="overwrite"/>',
  })
  expect(record.error).toBeUndefined()
  expect(await world.lines('service/out/p.csv')).toEqual(['country,orders,total', 'DE,2000,3998000', 'FR,2000,4000000'])
  expect(passed).toEqual({ rows: 0, texts: 0 })
})

test('D-98 of rows with a masked column its texts alone are in this process', async () => {
  const record = await world.run({ sources, transformations: '<mask source="customers" columns="mail" strategy="hash" secretRef="MASK"/>', targets: '<csv source="customers" path="service/out" mode="overwrite"/>' })
  expect(stepsOf(record)['target-1-csv']).toEqual(['SUCCEEDED', 50])
  expect(passed).toEqual({ rows: 0, texts: 50 })
})
