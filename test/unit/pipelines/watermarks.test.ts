import type { RunStore } from '../../../connectors/ports/run-store.ts'
import { openSqliteRunStore } from '../../../connectors/run-store/index.ts'
import { leaseMs } from '../../../subgraphs/pipelines/run/kept.ts'
import { keptRun } from '../../../subgraphs/pipelines/run/kept-run.ts'
import type { RunParts } from '../../../subgraphs/pipelines/run/parts.ts'
import { RunWorld } from '../../support/pipeline-runs.ts'
import { readDocument } from '../../../subgraphs/pipelines/document/read.ts'
import { pipelineIn } from '../../support/pipelines.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

let world: RunWorld
let store: RunStore

beforeEach(async () => {
  world = await RunWorld.open()
  store = await openSqliteRunStore({ file: ':memory:' })
  const database = world.database('shop.sqlite')
  database.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY, total TEXT, at TEXT); CREATE TABLE copy (id INTEGER, total TEXT)')
  database.close()
  insert(1, 2)
})
afterEach(async () => {
  await store.close()
  await world.close()
})

function insert(...ids: readonly number[]): void {
  const database = world.database('shop.sqlite')
  for (const id of ids) database.prepare('INSERT INTO orders VALUES (?, ?, ?)').run(id, `t${id}`, `2026-01-31T10:00:0${id}`)
  database.close()
}

const source = 'watermark="id" watermarkFrom="0"><sql>SELECT id, total FROM orders WHERE id &gt; :watermark</sql>'
const pipeline = (database = source, targets = '<csv path="out" mode="append"/>', sources = '') =>
  `<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources>${sources}<database id="orders" jdbcUrl="jdbc:sqlite:shop.sqlite" ${database}</database></sources><targets>${targets}</targets></pipeline>`

let runs = 0
/** A run of the store, as a worker does it. */
async function run(xml = pipeline(), { runId = `r${++runs}`, writeId = runId, parts = world.parts }: { readonly runId?: string; readonly writeId?: string; readonly parts?: RunParts } = {}) {
  const scope = testScope({ clock: new MovedClock(Date.UTC(2026, 0, 31) + runs * 1_000) })
  const held = (await store.run(scope, runId)) ?? (await store.enqueue(scope, { runId, kind: 'pipeline', application: 'shop', subject: 'p', version: '1.0.0', trigger: 'MANUAL', parameters: {}, allowConcurrent: true }, { worker: 'w', leaseMs }))
  const { state, error } = await keptRun(scope, held, { document: pipelineIn(xml), runId, writeId, application: 'shop', environment: 'TEST', parameters: {} }, parts, store)
  return [state, ...(error ? [error.message] : [])]
}
const watermark = async () => (await store.watermarks(testScope(), 'shop', 'p')).map(({ value }) => value)
const written = async () => (await Promise.all((await world.paths('out/*')).map(path => world.lines(path)))).flatMap(([, ...rows]) => rows).sort()

test('D-13 each run reads what is behind the last that succeeded, and says how far it came', async () => {
  expect([await run(), await written(), await watermark()]).toEqual([['SUCCEEDED'], ['1,t1', '2,t2'], ['2']])
  insert(3, 10)
  expect([await run(), await written(), await watermark()]).toEqual([['SUCCEEDED'], ['1,t1', '10,t10', '2,t2', '3,t3'], ['10']])
  expect([await run(), (await written()).length, await watermark()]).toEqual([['SUCCEEDED'], 4, ['10']])
  expect(await store.watermarks(testScope(), 'shop', 'p')).toEqual([{ source: 'orders', column: 'id', type: 'Long', value: '10', runId: 'r2', movedAtMs: Date.UTC(2026, 0, 31) + 2_000 }])
})

test('D-13 a run that fails leaves the watermark where it was, whether before it wrote or behind', async () => {
  const missing = pipeline(source, '<csv path="out" mode="append"/>', '<csv id="none" path="none.csv"/>').replace('<csv path="out"', '<csv source="none" path="other" mode="error"/><csv source="orders" path="out"').replace('layer=', 'onNoData="fail" layer=')
  expect(await run(missing)).toEqual(['FAILED', 'No file matches "none.csv".'])
  expect([await watermark(), await written()]).toEqual([[], []])
  const objects = { ...world.parts.objects, put: async () => { throw new Error('the disk is full') } }
  expect((await run(pipeline(), { parts: { ...world.parts, objects } }))[0]).toBe('FAILED')
  expect([await watermark(), await written()]).toEqual([[], []])
  expect([await run(), await watermark(), await written()]).toEqual([['SUCCEEDED'], ['2'], ['1,t1', '2,t2']])
})

test('D-13 a run without data elsewhere has skipped, and moves nothing', async () => {
  expect(await run(pipeline(source, '<csv source="none" path="other" mode="error"/><csv source="orders" path="out" mode="append"/>', '<csv id="none" path="none.csv"/>'))).toEqual(['SKIPPED_NO_DATA'])
  expect(await watermark()).toEqual([])
})

test('D-13 what an attempt wrote before it failed the next does not write again, and rows that came meanwhile are the next run\'s', async () => {
  const two = pipeline(source, '<csv path="out" mode="append"/><database id="copy" source="orders" jdbcUrl="jdbc:sqlite:copy.sqlite" mode="append"><table name="main.copy"/></database>')
  const copies = world.database('copy.sqlite')
  copies.exec('CREATE TABLE copy (id INTEGER, total TEXT)')
  const copied = () => copies.prepare('SELECT id FROM copy ORDER BY id').all().map(row => row['id'])
  const failing: RunParts = {
    ...world.parts,
    async openDatabase(...given) {
      const opened = await world.parts.openDatabase(...given)
      return { ...opened, driver: opened.driver, write: async (...order) => ({ ...(await opened.write(...order)), commit: async () => { throw new Error('the connection broke') } }) }
    },
  }
  expect((await run(two, { writeId: 'step', parts: failing }))[0]).toBe('FAILED')
  expect([await written(), copied(), await watermark()]).toEqual([['1,t1', '2,t2'], [], []])
  insert(3)
  expect(await run(two, { writeId: 'step' })).toEqual(['SUCCEEDED'])
  expect([await written(), copied(), await watermark()]).toEqual([['1,t1', '2,t2'], [1, 2], ['2']])
  expect(await run(two)).toEqual(['SUCCEEDED'])
  expect([await written(), copied(), await watermark()]).toEqual([['1,t1', '2,t2', '3,t3'], [1, 2, 3], ['3']])
  copies.close()
})

test('D-13 an attempt that found nothing and failed has nothing again, whatever came meanwhile', async () => {
  await run()
  const scope = testScope()
  const held = await store.enqueue(scope, { runId: 'x', kind: 'pipeline', application: 'shop', subject: 'p', version: '1.0.0', trigger: 'MANUAL', parameters: {} }, { worker: 'w', leaseMs })
  await store.fix(scope, held, 'x', [{ source: 'orders', column: 'id', type: 'Long', after: '2' }])
  insert(3)
  expect([await run(pipeline(), { runId: 'x' }), await watermark(), await written()]).toEqual([['SUCCEEDED'], ['2'], ['1,t1', '2,t2']])
  expect([await run(), await watermark(), await written()]).toEqual([['SUCCEEDED'], ['3'], ['1,t1', '2,t2', '3,t3']])
})

test('D-13 a watermark may be a text, and one of another column begins where it says', async () => {
  const byTime = pipeline('watermark="at" watermarkFrom="2026-01-31T10:00:01"><sql>SELECT id, at FROM orders WHERE at &gt; :watermark</sql>')
  expect([await run(byTime), await watermark(), await written()]).toEqual([['SUCCEEDED'], ['2026-01-31T10:00:02'], ['2,2026-01-31T10:00:02']])
  expect([await run(), await watermark()]).toEqual([['SUCCEEDED'], ['2']])
})

test('D-13 a query that stands in a file has to name the watermark, too', async () => {
  world.queries.set('orders.sql', 'SELECT id FROM orders')
  const named = pipeline('watermark="id" watermarkFrom="0" queryRef="orders.sql">')
  expect(await run(named)).toEqual(['FAILED', 'The query of "orders" reads the same rows in every run. Name :watermark in it, as in: WHERE id > :watermark.'])
  world.queries.set('orders.sql', 'SELECT id FROM orders WHERE id > :watermark')
  expect([await run(named), await watermark()]).toEqual([['SUCCEEDED'], ['2']])
})

test.each([
  ['idd', 'id', /^The watermark of "orders" is column "idd", which its query does not answer\. Did you mean "id"\?/],
  ['f', 'CAST(id AS REAL) + 0.5 AS f', /is column "f", which is Float; Int, Long, Decimal/],
])('D-13 column "%s" is no watermark', async (column, select, message) => {
  const [state, said] = await run(pipeline(`watermark="${column}" watermarkFrom="0"><sql>SELECT ${select} FROM orders WHERE id &gt; :watermark</sql>`))
  expect([state, said]).toEqual(['FAILED', expect.stringMatching(message)])
})

test('D-13 moments that SQLite compares in another form than it reads are refused, with the way to read them', async () => {
  const database = world.database('shop.sqlite')
  database.exec("CREATE TABLE visits (at DATETIME); INSERT INTO visits VALUES ('2026-01-31 10:00:00')")
  database.close()
  const visits = (select: string) => pipeline(`watermark="at" watermarkFrom="1970-01-01"><sql>SELECT ${select} FROM visits WHERE at &gt; :watermark</sql>`)
  expect(await run(visits('at'))).toEqual(['FAILED', 'The watermark of "orders" is column "at", which SQLite compares as it is stored. Read it as that: CAST(at AS TEXT) AS at.'])
  expect([await run(visits('CAST(at AS TEXT) AS at')), await watermark()]).toEqual([['SUCCEEDED'], ['2026-01-31 10:00:00']])
})

test.each([
  ['watermark="id"><sql>SELECT id FROM t WHERE id &gt; :watermark</sql>', 'MISSING_ATTRIBUTE', /^The watermark "id" has no "watermarkFrom"/],
  ['watermarkFrom="0"><sql>SELECT id FROM t</sql>', 'MISSING_ATTRIBUTE', /"watermark", the column it is of, is missing/],
  ['watermark="id" watermarkFrom="0"><sql>SELECT id FROM t</sql>', 'CONTRADICTION', /^The query reads the same rows in every run\. Name :watermark in it, as in: WHERE id > :watermark\./],
  ['watermark="id" watermarkFrom="0"><table name="main.t"/>', 'CONTRADICTION', /^A <table> is read whole/],
  ['><sql>SELECT id FROM t WHERE id &gt; :watermark</sql>', 'UNKNOWN_REFERENCE', /":watermark", which is no parameter of this pipeline/],
])('D-13 <database %s is refused', (database, code, message) => {
  expect(readDocument(pipeline(database)).findings).toEqual([expect.objectContaining({ severity: 'ERROR', code, message: expect.stringMatching(message) })])
})

test('D-13 a parameter and a watermark do not go by one name', () => {
  const xml = pipeline().replace('<sources>', '<parameters><parameter name="watermark" default="1"/></parameters><sources>')
  expect(readDocument(xml).findings).toEqual([expect.objectContaining({ code: 'DUPLICATE_ID', message: expect.stringMatching(/^There is a parameter "watermark", too/) })])
})
