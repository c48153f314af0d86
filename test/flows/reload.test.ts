import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'

interface Event {
  readonly stockItemChanged: { readonly type: string; readonly key: string; readonly before: { readonly amount: number } | null; readonly after: { readonly amount: number } | null }
}
type Events = ReturnType<typeof subscribed>

const subscribed = (hub: RunningHub) => hub.subscribe<Event>('subscription { stockItemChanged { type key before { amount } after { amount } } }')

const csv = (...lines: string[]) => ({ 'stock.csv': ['item,amount', ...lines, ''].join('\n') })

describe('a region that holds every row of a file', () => {
  let files: CatalogFolder
  let hub: RunningHub

  async function open(load = ''): Promise<void> {
    files = catalogFolder({
      ...csv('apple,3', 'pear,5', 'plum,7'),
      'hub.yaml': `sources: { shop: { type: files, root: ., tables: { stock: stock.csv } } }
regions: { stock: { type: StockItem, key: item, load: { source: shop, table: stock, eager: true${load} } } }
views: { totals: { type: Total, key: one, materialize: { every: PT1H }, sql: "SELECT 1 AS one, sum(amount) AS amount FROM shop.stock" } }
`,
    })
    hub = await startHub({ catalog: files.catalog })
  }
  afterEach(async () => {
    await hub.close()
    files.remove()
  })

  /** The next events, in the order of their keys. */
  async function next(events: Events, count: number) {
    const seen: Event['stockItemChanged'][] = []
    while (seen.length < count) {
      const { value, done } = await events.next()
      if (done || !value?.data) throw new Error(`The subscription ended: ${JSON.stringify(value)}`)
      seen.push(value.data.stockItemChanged)
    }
    return seen.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }
  /** A subscription whose snapshot has arrived: from here on it is told changes. */
  async function follow(): Promise<Events> {
    const events = subscribed(hub)
    expect((await next(events, 3)).map(({ type, key }) => `${type} ${key}`)).toEqual(['SNAPSHOT apple', 'SNAPSHOT pear', 'SNAPSHOT plum'])
    return events
  }

  test('is read again when asked to: subscribers are told what differs, and nothing else', async () => {
    await open()
    const events = await follow()
    files.write(csv('apple,4', 'pear,5', 'quince,1'))
    expect(await hub.query('mutation { reloadCacheRegion(name: "stock") { stats { entries } } }')).toEqual({ data: { reloadCacheRegion: { stats: { entries: 3 } } } })
    expect(await next(events, 3)).toEqual([
      { type: 'UPDATED', key: 'apple', before: { amount: 3 }, after: { amount: 4 } },
      { type: 'REMOVED', key: 'plum', before: { amount: 7 }, after: null },
      { type: 'CREATED', key: 'quince', before: null, after: { amount: 1 } },
    ])
    expect(await hub.query('{ stockByKey(keys: ["apple", "plum", "quince"]) { amount } }')).toEqual({ data: { stockByKey: [{ amount: 4 }, null, { amount: 1 }] } })
    await events.return()
  })

  test('is read again by itself as often as declared', async () => {
    await open(', every: PT1S')
    const events = await follow()
    files.write(csv('apple,3', 'pear,6', 'plum,7'))
    expect(await next(events, 1)).toEqual([{ type: 'UPDATED', key: 'pear', before: { amount: 5 }, after: { amount: 6 } }])
    await events.return()
  })

  test('a kept view over the file is computed from what the file holds now', async () => {
    await open()
    files.write(csv('apple,10'))
    expect(await hub.query('mutation { refreshView(name: "totals") { name } }')).toEqual({ data: { refreshView: { name: 'totals' } } })
    expect(await hub.query('{ total(one: 1) { amount } }')).toEqual({ data: { total: { amount: 10 } } })
  })

  test('a region clients fill, and a name nobody declared, are refused with a way out', async () => {
    await open()
    expect((await hub.query('mutation { reloadCacheRegion(name: "stocks") { name } }')).errors).toMatchObject([{ message: expect.stringContaining('Did you mean "stock"?'), extensions: { code: 'NOT_FOUND' } }])
    await hub.query('mutation { createCacheRegion(input: { name: "marks" }) { changed } }')
    expect((await hub.query('mutation { reloadCacheRegion(name: "marks") { name } }')).errors).toMatchObject([{ message: expect.stringContaining('does not hold all rows of a source'), extensions: { code: 'BAD_USER_INPUT' } }])
  })
})
