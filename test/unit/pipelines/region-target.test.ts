import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import type { RegionDefinition, RegionStore } from '../../../connectors/ports/region-store.ts'
import { HubError } from '../../../schema/errors.ts'
import type { Row } from '../../../schema/values.ts'
import { RunWorld } from '../../support/pipeline-runs.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

const clock = new MovedClock(Date.UTC(2026, 0, 31))
const scope = () => testScope({ clock })
const prices: RegionDefinition = {
  name: 'prices', key: ['id'], indexes: [], atomicity: 'ATOMIC', expiry: {}, maxEntries: 100_000, durable: true, tenancy: 'TENANT',
  columns: [{ name: 'id', type: 'String', nullable: false }, { name: 'total', type: 'Decimal', nullable: false }, { name: 'note', type: 'String', nullable: true }],
}

let world: RunWorld
let store: RegionStore
beforeEach(async () => {
  store = await openMemoryRegions({ clock, log: scope().log })
  await store.define(prices)
  await store.define({ ...prices, name: 'filled' })
  world = await RunWorld.open(undefined, { regions: {
    names: async () => store.names,
    find: async name => (store.names.includes(name) ? { region: store.region(name), ...(name === 'filled' && { filledFrom: 'crm.prices' }) } : undefined),
  } })
})
afterEach(async () => {
  await world.close()
  await store.close()
})

const rows = () => store.region('prices').select(scope(), {})
const put = (given: readonly Row[]) => store.region('prices').putMany(scope(), given)
const write = async (csv: string, target = '<region name="prices"/>', more = '') => {
  await world.file('in/prices.csv', csv)
  return world.run({ sources: '<csv id="prices" path="in/prices.csv" inferSchema="true"/>', targets: `${target}${more}` }, { scope: scope() })
}

test('D-71 rows are merged into a region: whole ones, others stay', async () => {
  await put([{ id: 'a', total: '1', note: 'old' }, { id: 'z', total: '9', note: 'stays' }])
  const record = await write('id,total\na,2\nb,3\n')
  expect(record).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 2, steps: [{}, { type: 'region', into: 'region prices', rows: 2 }] })
  expect(await rows()).toEqual([{ id: 'a', total: '2', note: null }, { id: 'b', total: '3', note: null }, { id: 'z', total: '9', note: 'stays' }])
})

test('D-71 all entries are swapped with overwrite, also for none', async () => {
  await put([{ id: 'z', total: '9', note: 'goes' }])
  await write('id,total,note\na,2,x\n', '<region name="prices" mode="overwrite"/>')
  expect(await rows()).toEqual([{ id: 'a', total: '2', note: 'x' }])
  world.schemas.set('schemas/prices.json', JSON.stringify({ type: 'object', properties: { id: { type: 'string' }, total: { type: 'integer' } }, required: ['id', 'total'] }))
  await world.file('in/none.csv', 'id,total\n')
  await world.run({ sources: '<csv id="prices" path="in/none.csv"><schemaRef>schemas/prices.json</schemaRef></csv>', targets: '<region name="prices" mode="overwrite"/>' }, { scope: scope() })
  expect(await rows()).toEqual([])
})

test('D-71 more rows than one commit takes are all there, each once', async () => {
  const lines = Array.from({ length: 25_001 }, (_, n) => `k${n},${n}`)
  expect(await write(`id,total\n${lines.join('\n')}\n`)).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 25_001 })
  expect(await store.region('prices').count(scope())).toBe(25_001)
})

test('D-71 a commit that fails behind others is told with how many are in place, and the run again puts all', async () => {
  const region = store.region('prices')
  let commits = 0
  const putMany: typeof region.putMany = async (...given) => {
    commits += 1
    if (commits === 2) throw new HubError('UPSTREAM_UNAVAILABLE', 'The cluster does not answer.')
    return region.putMany(...given)
  }
  const failing = { definition: region.definition, getMany: region.getMany.bind(region), putMany } as typeof region
  const own = await RunWorld.open(undefined, { regions: { names: async () => ['prices'], find: async () => ({ region: failing }) } })
  try {
    await own.file('in/prices.csv', `id,total\n${Array.from({ length: 15_000 }, (_, n) => `k${n},${n}`).join('\n')}\n`)
    const run = () => own.run({ sources: '<csv id="prices" path="in/prices.csv" inferSchema="true"/>', targets: '<region name="prices"/>' }, { scope: scope() })
    expect(await run()).toMatchObject({ state: 'FAILED', error: { category: 'TARGET', message: '10000 of 15000 rows are in region "prices", each whole; the others are not: The cluster does not answer. The run again puts all of them.' } })
    expect(await run()).toMatchObject({ state: 'SUCCEEDED' })
    expect(await region.count(scope())).toBe(15_000)
  } finally {
    await own.close()
  }
})

test('D-71 what does not fit leaves the region as it was, with everything that is wrong', async () => {
  await put([{ id: 'z', total: '9', note: null }])
  const message = async (...given: Parameters<typeof write>) => (await write(...given)).error?.message
  expect(await message('id,totl\na,2\n')).toBe('What "prices" has does not fit into region "prices". Column "total" is missing. Column "totl" is not expected.')
  expect(await message('id,total\na,x\n')).toBe('What "prices" has does not fit into region "prices". Column "total" is String; Decimal is expected.')
  expect(await message('id,total\na,1\na,2\n')).toBe('Rows of "prices" are known by id: 1 key is that of several rows to write. Deduplicate them before.')
  expect(await message('id,total\na,1\n,2\n')).toBe('Rows of "prices" are known by id: 1 of those to write has no value there.')
  expect(await message('id,total\na,1\nb,\n')).toBe('Region "prices" has no nulls in total, and rows to write have: total: 1.')
  expect(await message('id,total\na,1\n', '<region name="price"/>')).toBe('Region "price" is not declared. Did you mean "prices"?')
  expect(await message('id,total\na,1\n', '<region name="filled"/>')).toBe('Region "filled" is filled from crm.prices; pipelines do not write it.')
  expect(await rows()).toEqual([{ id: 'z', total: '9', note: null }])
})

test('D-71 a target that cannot be made ready leaves the region beside it as it was', async () => {
  await world.file('out/there.csv', 'x\n')
  expect(await write('id,total\na,2\n', '<region name="prices"/>', '<csv path="out" mode="error"/>')).toMatchObject({ state: 'FAILED' })
  expect(await rows()).toEqual([])
})

test('D-71 entries are those of the tenant whose run it is, and where there are no regions that is said', async () => {
  await write('id,total\na,2\n')
  expect(await store.region('prices').count(testScope({ clock, tenant: 'other' }))).toBe(0)
  const alone = await RunWorld.open()
  try {
    await alone.file('in/prices.csv', 'id,total\na,2\n')
    const { error } = await alone.run({ sources: '<csv id="prices" path="in/prices.csv" inferSchema="true"/>', targets: '<region name="prices"/>' })
    expect(error?.message).toBe('Region "prices" cannot be written from here: regions are the hub\'s. Put the pipeline into the hub\'s folder and run it there.')
  } finally {
    await alone.close()
  }
})
