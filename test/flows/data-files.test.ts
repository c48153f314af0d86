import { writeFileSync } from 'node:fs'
import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { keptLog, type KeptLog, type LogLine } from '../support/kept-log.ts'

interface Event {
  readonly stockItemChanged: { readonly type: string; readonly key: string; readonly after: { readonly amount: number } | null }
}

const csv = (...lines: string[]) => ['item,amount', ...lines, ''].join('\n')
const files = {
  'stock.csv': csv('apple,3', 'pear,5'),
  'names.csv': 'item,name\napple,Apple\n',
  'hub.yaml': `sources: { shop: { type: files, root: ., tables: { stock: stock.csv, names: names.csv } } }
regions: { stock: { type: StockItem, key: item, load: { source: shop, table: stock, eager: true } } }
views:
  counts: { type: Count, key: one, sql: "SELECT 1 AS one, sum(amount) AS amount FROM stock" }
  totals: { type: Total, key: one, materialize: { every: PT24H }, sql: "SELECT one, amount FROM counts" }
  labels: { type: Label, key: item, sql: "SELECT item, name FROM shop.names" }
`,
}

describe('data files that are edited while the hub runs', () => {
  const folder = catalogFolder(files)
  let log: KeptLog
  let hub: RunningHub
  beforeAll(async () => {
    log = keptLog()
    hub = await startHub({ catalog: folder.catalog, log })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  /** The line that says so, come already or still to come. */
  const line = async (passes: (one: LogLine) => boolean) => log.lines.find(passes) ?? (await log.next(passes))
  const loaded = (region: string, after: number) => line(one => one.message.startsWith('Loaded') && one.fields['region'] === region && log.lines.indexOf(one) >= after)
  const source = async () => {
    const { data } = await hub.query<{ queryDataSources: { name: string; reason: string | null }[] }>('{ queryDataSources { name reason } }')
    return data?.queryDataSources.find(({ name }) => name === 'shop')?.reason
  }
  type Events = ReturnType<typeof hub.subscribe<Event>>
  const next = async (events: Events) => (await events.next()).value?.data?.stockItemChanged
  /** A subscription whose snapshot of two rows has arrived: from here on it is told changes. */
  async function follow(): Promise<Events> {
    const events = hub.subscribe<Event>('subscription { stockItemChanged { type key after { amount } } }')
    expect([(await next(events))?.type, (await next(events))?.type]).toEqual(['SNAPSHOT', 'SNAPSHOT'])
    return events
  }

  test('are noticed: subscribers are told what differs, and views kept and computed answer from it', async () => {
    const events = await follow()
    const before = log.lines.length
    folder.write({ 'stock.csv': csv('apple,4', 'pear,5', 'a row too wide,1,2') })
    expect(await next(events)).toEqual({ type: 'UPDATED', key: 'apple', after: { amount: 4 } })
    await loaded('totals', before)
    expect(await hub.query('{ total(one: 1) { amount } count(one: 1) { amount } }')).toEqual({ data: { total: { amount: 9 }, count: { amount: 9 } } })
    expect(await hub.query('{ tableSchema(catalog: "shop", table: "stock") { quarantined quarantineSamples { line } } }')).toEqual({ data: { tableSchema: { quarantined: 1, quarantineSamples: [{ line: 4 }] } } })
    await events.return()
  }, 120_000)

  test('that are broken leave the rows that were there, say so in log and sources, and serve again once they are whole', async () => {
    const events = await follow()
    writeFileSync(`${folder.folder}/stock.csv`, Buffer.concat([Buffer.from(csv('apple,8', 'pear,9')), Buffer.from([0xff, 0xfe, 10])]))
    folder.write({ 'names.csv': 'item,name\napple,Boskoop\n' })
    const told = await line(one => one.level === 'warn' && one.fields['table'] === 'stock')
    expect(told).toMatchObject({ message: 'Table "stock" of source "shop" keeps its old rows.', fields: { source: 'shop', reason: expect.stringContaining('not UTF-8') } })
    expect(await source()).toMatch(/not UTF-8.*The rows read before go on serving\./)
    expect(await hub.query('{ stockItem(item: "pear") { amount } }')).toEqual({ data: { stockItem: { amount: 5 } } })
    // What is whole is not kept back by what is broken.
    await line(one => one.message.startsWith('Files of source') && (one.fields['tables'] as string[]).includes('names'))
    expect(await hub.query('{ label(item: "apple") { name } }')).toEqual({ data: { label: { name: 'Boskoop' } } })

    folder.write({ 'stock.csv': csv('apple,4', 'pear,6') })
    expect(await next(events)).toEqual({ type: 'UPDATED', key: 'pear', after: { amount: 6 } })
    expect(await source()).toBeNull()
    await events.return()
  }, 120_000)

  test('with another column make another graph', async () => {
    const changed = new Promise<void>(resolve => hub.hub.onSupergraph(() => resolve()))
    folder.write({ 'stock.csv': 'item,amount,shelf\napple,4,A1\npear,6,B2\n' })
    await changed
    expect(await hub.query('{ stockItem(item: "pear") { amount shelf } }')).toEqual({ data: { stockItem: { amount: 6, shelf: 'B2' } } })
  }, 120_000)
})
