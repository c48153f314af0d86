import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { startHub } from '../support/hub.ts'

const catalog = (eager: boolean) => `
sources:
  shop: { type: files, root: ./shop }
regions:
  customers:
    { type: Customer, key: id, load: { source: shop, table: customers, eager: ${eager} }, indexes: [{ columns: email, unique: true }] }
`
const twins = 'id,email\n1,ada@example.org\n2,grace@example.org\n3,ada@example.org\n'

test('H-14 rows of a source that share a value of a unique index are not loaded, and the catalog is refused naming both', async () => {
  const folder = catalogFolder({ 'hub.yaml': catalog(true), 'shop/customers.csv': twins })
  try {
    await expect(startHub({ catalog: folder.catalog })).rejects.toMatchObject({
      code: 'CATALOG_INVALID', message: expect.stringMatching(/customers.*Entry "1" has email "ada@example\.org" already, and the index \(email\) is unique\./),
    })
  } finally {
    folder.remove()
  }
})

test('H-14 a reload that brings such rows is refused, and the rows there serve on', async () => {
  const folder = catalogFolder({ 'hub.yaml': catalog(true), 'shop/customers.csv': 'id,email\n1,ada@example.org\n2,grace@example.org\n' })
  const hub = await startHub({ catalog: folder.catalog })
  try {
    appendFileSync(join(folder.folder, 'shop', 'customers.csv'), '3,ada@example.org\n')
    const { errors } = await hub.query('mutation { reloadCacheRegion(name: "customers") { name } }')
    expect(errors).toMatchObject([{ message: expect.stringContaining('rows["3"].email: Entry "1" has email'), extensions: { code: 'CONFLICT' } }])
    expect(await hub.query('{ customers { nodes { id } } }')).toEqual({ data: { customers: { nodes: [{ id: 1 }, { id: 2 }] } } })
  } finally {
    await hub.close()
    folder.remove()
  }
}, 120_000)

test('H-14 rows read as they are asked for are all answered, though only one of those that share a value is kept', async () => {
  const folder = catalogFolder({ 'hub.yaml': catalog(false), 'shop/customers.csv': twins })
  const hub = await startHub({ catalog: folder.catalog })
  try {
    const emails = [{ email: 'ada@example.org' }, { email: 'grace@example.org' }, { email: 'ada@example.org' }]
    const ask = async () => (await hub.query('{ customersByKey(keys: ["1", "2", "3"]) { email } }')).data
    const kept = async () => (await hub.query<{ cacheRegion: { stats: { entries: number } } }>('{ cacheRegion(name: "customers") { stats { entries } } }')).data?.cacheRegion.stats.entries
    expect(await ask()).toEqual({ customersByKey: emails })
    // The rows are kept behind the answer, on a cluster one after the other.
    await eventually('two rows are kept', async () => (await kept()) === 2)
    expect(await ask()).toEqual({ customersByKey: emails })
    expect(await kept()).toBe(2)
  } finally {
    await hub.close()
    folder.remove()
  }
}, 120_000)
