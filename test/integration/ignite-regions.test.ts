import { jest } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { cacheNames, configurationOf, openIgnite, sqlRows } from '../../connectors/ignite/index.ts'
import { openIgniteRegions } from '../../connectors/ignite/regions/index.ts'
import { matcher } from '../../schema/filter.ts'
import type { Region, RegionStore } from '../../connectors/ports/region-store.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import { airport, airports } from '../conformance/region-store.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { dropNamespace, igniteHosts } from '../support/ignite.ts'
import { testScope } from '../support/scope.ts'

jest.setTimeout(120_000)

const scope = (): Scope => ({ ...testScope(), clock: systemClock, deadlineMs: Date.now() + 30_000 })

async function* batches(...rows: readonly (readonly ReturnType<typeof airport>[])[]) {
  yield* rows
}

withEngine('IGNITE_HOST_1', 'regions of a cluster, of two processes', () => {
  let namespace: string
  let red: RegionStore
  let blue: RegionStore
  const opened = (): Promise<RegionStore> => openIgniteRegions({
    client: openIgnite({ hosts: igniteHosts(), requestTimeoutMs: 30_000, connectTimeoutMs: 20_000 }), clock: systemClock, log: testScope().log, namespace, later: work => void work(),
  })
  beforeEach(async () => {
    namespace = `t${randomBytes(4).toString('hex')}`
    red = await opened()
    blue = await opened()
  })
  afterEach(async () => {
    await red.close()
    await blue.close()
    await dropNamespace(igniteHosts(), namespace)
  })
  const told = async (store: RegionStore, from: number) => (await store.changes.read(from, 1_000)).flatMap(({ changes }) => changes.map(({ type, key }) => `${type} ${key}`))
  const isTold = (store: RegionStore, from: number, what: string) => eventually(`${what} is told`, async () => (await told(store, from)).includes(what))
  const isReset = (store: RegionStore, from: number) => eventually('a reset is told', async () => (await store.changes.read(from, 1_000)).some(({ resets }) => resets.includes('airports')))

  test('what one writes the other reads, and its readers are told', async () => {
    const [mine, theirs] = [await red.define(airports), await blue.define(airports)]
    const from = blue.changes.end
    await mine.putMany(scope(), [airport('CDG', 'France', 392)])
    expect((await theirs.getMany(scope(), ['CDG']))[0]?.row).toEqual(airport('CDG', 'France', 392))
    await isTold(blue, from, 'CREATED CDG')
    await theirs.removeMany(scope(), ['CDG'])
    expect(await mine.getMany(scope(), ['CDG'])).toEqual([undefined])
  })

  test('where one replaced all rows the other reads the new ones, its readers begin anew, and what it writes then is not lost', async () => {
    const [mine, theirs] = [await red.define(airports), await blue.define(airports)]
    await mine.putMany(scope(), [airport('CDG'), airport('KEF')])
    const from = blue.changes.end
    await mine.replaceAll(scope(), batches([airport('LYS'), airport('KEF')]))
    const [stored] = await theirs.putMany(scope(), [airport('ORY')])
    expect((await theirs.select(scope(), {})).map(row => row['iata'])).toEqual(['KEF', 'LYS', 'ORY'])
    expect((await mine.getMany(scope(), ['ORY']))[0]?.version).toBe(stored?.version)
    await isReset(blue, from)
  })

  test('a region that both load is one, and goes with the last that uses it', async () => {
    const loaded = { ...airports, durable: false }
    const [mine, theirs] = [await red.define(loaded), await blue.define(loaded)]
    await mine.replaceAll(scope(), batches([airport('LYS')]), { silent: true })
    expect(await theirs.count(scope())).toBe(1)
    expect(await red.drop('airports')).toBe(true)
    await expect(mine.count(scope())).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await theirs.count(scope())).toBe(1)
    await theirs.putMany(scope(), [airport('ORY')])
    expect(await blue.drop('airports')).toBe(true)
    const again = await red.define(loaded)
    expect(await again.count(scope())).toBe(0)
  })

  test('hubs of different catalogs load different regions of one name', async () => {
    const mine = await red.define({ ...airports, durable: false })
    const theirs = await blue.define({ ...airports, durable: false, columns: [...airports.columns, { name: 'city', type: 'String', nullable: true }] })
    await mine.putMany(scope(), [airport('LYS')])
    expect(await theirs.count(scope())).toBe(0)
  })

  test('a region that one drops is gone for the other, whose readers are told', async () => {
    const [, theirs] = [await red.define(airports), await blue.define(airports)]
    const from = blue.changes.end
    await red.drop('airports')
    await isReset(blue, from)
    await expect(theirs.count(scope())).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(blue.names).toEqual([])
  })

  test('H-09 H-10 copies and mode are the cluster\'s, and no other ones are taken for them', async () => {
    const placed = (mode: 'PARTITIONED' | 'REPLICATED', backups: number) => red.define({ ...airports, name: `${mode}${backups}`, placement: { mode, backups } })
    for (const [mode, backups] of [['PARTITIONED', 0], ['PARTITIONED', 1], ['REPLICATED', 0]] as const) {
      await placed(mode, backups)
      const client = openIgnite({ hosts: igniteHosts() })
      const name = (await cacheNames(scope(), client)).find(one => one.startsWith(`${namespace}_${mode.toLowerCase()}${backups}_`)) ?? ''
      expect(await configurationOf(scope(), client, name)).toMatchObject({ mode, atomicity: 'TRANSACTIONAL', ...(mode === 'PARTITIONED' && { backups }) })
      client.close()
    }
    await expect(red.define({ ...airports, name: 'PARTITIONED1', placement: { mode: 'REPLICATED', backups: 1 } })).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('placement is {"mode":"PARTITIONED","backups":1}') })
  })

  test('a column that one adds is there for the other', async () => {
    const [mine, theirs] = [await red.define(airports), await blue.define(airports)]
    await mine.putMany(scope(), [airport('CDG')])
    const grown = await red.define({ ...airports, columns: [...airports.columns, { name: 'city', type: 'String', nullable: true }] })
    await grown.putMany(scope(), [{ ...airport('LYS'), city: 'Lyon' }])
    await eventually('the definition is taken over', async () => theirs.definition.columns.length === 5)
    expect((await theirs.getMany(scope(), ['CDG', 'LYS'])).map(entry => entry?.row['city'])).toEqual([null, 'Lyon'])
  })

  test('an entry kept near answers until its change is told, and never after; what one wrote oneself is there at once', async () => {
    const [mine, theirs] = [await red.define(airports), await blue.define(airports)]
    const near = async (region: Region) => (await region.getMany(scope(), ['CDG'], { near: true }))[0]?.row['country']
    await mine.putMany(scope(), [airport('CDG', 'Gaul')])
    expect([await near(theirs), await near(theirs)]).toEqual(['Gaul', 'Gaul'])
    const from = blue.changes.end
    const seen: unknown[] = []
    const stop = blue.changes.onCommit(() => seen.push(near(theirs)))
    await mine.putMany(scope(), [airport('CDG', 'France')])
    await isTold(blue, from, 'UPDATED CDG')
    stop()
    expect(await Promise.all(seen)).toEqual(['France'])
    await theirs.putMany(scope(), [airport('CDG', 'Francia')])
    expect(await near(theirs)).toBe('Francia')
  })

  test('the cluster\'s SQL sees plain columns, and what it writes is read and told', async () => {
    const region = await red.define(airports)
    await region.putMany(scope(), [airport('CDG', 'France', 392, 9_007_199_254_740_993n)])
    const client = openIgnite({ hosts: igniteHosts() })
    const [[table] = []] = await sqlRows(scope(), client, `SELECT TABLE_NAME FROM SYS.TABLES WHERE CACHE_NAME LIKE '${namespace}_airports_%'`)
    expect(await sqlRows(scope(), client, `SELECT IATA, COUNTRY, ALTITUDE_FT, VISITS FROM ${table} WHERE ALTITUDE_FT > 300`)).toEqual([['CDG', 'France', 392, 9_007_199_254_740_993n]])
    const from = red.changes.end
    await sqlRows(scope(), client, `UPDATE ${table} SET COUNTRY = 'Gaul', "_VERSION" = "_VERSION" + 1 WHERE IATA = 'CDG'`)
    await isTold(red, from, 'UPDATED CDG')
    expect((await region.getMany(scope(), ['CDG']))[0]?.row['country']).toBe('Gaul')
    const plan = await sqlRows(scope(), client, `EXPLAIN SELECT IATA FROM ${table} WHERE COUNTRY = 'Gaul'`)
    expect(String(plan[0])).toContain('__COUNTRY')
    client.close()
  })

  test('texts, all of Unicode among them, are ordered and compared as everywhere in the product', async () => {
    const region = await red.define(airports)
    const names = ['a', 'B', 'b', 'é', 'z', '日本', '\uFB01', '😀', '%', '_', '\\', 'a%b', "it's", '']
    await region.putMany(scope(), names.map((country, index) => airport(`K${String(index).padStart(2, '0')}`, country)))
    const order = [{ column: 'country', descending: false, nullsFirst: false }]
    expect((await region.select(scope(), { order })).map(row => row['country'])).toEqual(names.toSorted())
    for (const value of names) expect(await region.count(scope(), { column: 'country', op: 'eq', value })).toBe(1)
    const count = (op: 'like' | 'startsWith', value: string) => region.count(scope(), { column: 'country', op, value })
    expect([await count('startsWith', '%'), await count('startsWith', 'a')]).toEqual([1, 2])
    const columns = airports.columns
    const rows = await region.select(scope(), {})
    for (const value of ['a%', '\\', '_', '%', '', '%_', '_%_', 'a_b', '%t_s', '__', '日%', '_%%_%', "it's", '%\\%', '[ab]', '.', '日_']) {
      const passes = matcher({ column: 'country', op: 'like', value }, columns)
      expect([value, await count('like', value)]).toEqual([value, rows.filter(passes).length])
    }
  })
})
