import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import type { LinkMember, Member, Region, RegionDefinition } from '../../../connectors/ports/region-store.ts'
import { testScope } from '../../support/scope.ts'

const column = (name: string) => ({ name, type: 'String' as const, nullable: name !== 'id' })
const definition = (name: string, columns: readonly string[], indexes: readonly (readonly string[])[], durable = false): RegionDefinition => ({
  name, columns: columns.map(column), key: ['id'], indexes, atomicity: 'ATOMIC', expiry: {}, maxEntries: 100_000, durable, tenancy: 'TENANT',
})
const id: Member = { name: 'id', column: 'id' }
const one = (name: string, of: string, region: Region, members: readonly Member[] = [id]): LinkMember => ({ name, column: of, link: { region, members } })
const many = (name: string, of: string, region: Region, by: string, limit = 10, members: readonly Member[] = [id]): LinkMember => ({ name, column: of, link: { region, members, many: { by, limit, nodes: 'nodes' } } })

async function open(directory?: string) {
  const scope = testScope()
  const store = await openMemoryRegions({ clock: scope.clock, log: scope.log, ...(directory && { directory }) })
  const people = await store.define(definition('people', ['id', 'team', 'boss'], [['team']], directory !== undefined))
  const teams = await store.define(definition('teams', ['id', 'name'], [], directory !== undefined))
  await teams.putMany(scope, [{ id: 'red', name: 'Red' }, { id: 'blue', name: null }])
  await people.putMany(scope, [{ id: 'c', team: 'red', boss: 'a' }, { id: 'a', team: 'red', boss: null }, { id: 'b', team: 'gone', boss: 'nobody' }])
  return { scope, store, people, teams }
}
const written = async (json: Promise<Buffer | undefined>) => JSON.parse((await json)?.toString() ?? '"rows"') as unknown

test('a link leads to the row whose key it is, or to null; one to many to the first in the order of their keys', async () => {
  const { scope, people, teams } = await open()
  const name: Member = { name: 'called', column: 'name' }
  expect(await written(people.getJson(scope, ['b', 'c', 'none', 'a'], [id, one('in', 'team', teams, [name]), one('under', 'boss', people, [id, one('again', 'boss', people)])]))).toEqual([
    { id: 'b', in: null, under: null }, { id: 'c', in: { called: 'Red' }, under: { id: 'a', again: null } }, null, { id: 'a', in: { called: 'Red' }, under: null },
  ])
  expect(await written(teams.selectJson(scope, { limit: 1 }, [id, many('people', 'id', people, 'team')]))).toEqual([{ id: 'blue', people: { nodes: [] } }])
  expect(await written(teams.selectJson(scope, { filter: { column: 'name', op: 'eq', value: 'Red' } }, [many('people', 'id', people, 'team'), many('first', 'id', people, 'team', 1), many('none', 'id', people, 'team', 0)]))).toEqual([
    { people: { nodes: [{ id: 'a' }, { id: 'c' }] }, first: { nodes: [{ id: 'a' }] }, none: { nodes: [] } },
  ])
})

test('the first of many rows are found along their keys, and of few among them, as `select` finds them', async () => {
  const { scope, people } = await open()
  await people.putMany(scope, Array.from({ length: 1_000 }, (_, index) => ({ id: `p${String((index * 7) % 1_000).padStart(4, '0')}`, team: `t${index % 3}`, boss: index % 2 === 0 ? 'a' : null })))
  for (const filter of [undefined, { column: 'boss', op: 'eq', value: 'a' }, { column: 'team', op: 'eq', value: 't1' }, { column: 'boss', op: 'eq', value: 'nobody' }] as const) {
    for (const limit of [0, 1, 20, 5_000]) {
      const rows = await people.select(scope, { ...(filter && { filter }), limit })
      expect(await written(people.selectJson(scope, { ...(filter && { filter }), limit }, [id]))).toEqual(rows.map(row => ({ id: row['id'] })))
    }
  }
})

test('tenants see their own rows wherever a link leads', async () => {
  const { scope, people, teams } = await open()
  const other = { ...scope, tenant: 'other' }
  await people.putMany(other, [{ id: 'x', team: 'red', boss: 'a' }])
  expect(await written(people.getJson(other, ['x'], [id, one('in', 'team', teams), one('under', 'boss', people)]))).toEqual([{ id: 'x', in: null, under: null }])
  await teams.putMany(other, [{ id: 'red', name: null }])
  expect(await written(teams.getJson(other, ['red'], [many('people', 'id', people, 'team')]))).toEqual([{ people: { nodes: [{ id: 'x' }] } }])
})

test('links that cannot be followed are left to whoever reads rows: into another store, to many without an index, and to more rows than one turn should take', async () => {
  const { scope, people, teams } = await open()
  const elsewhere = await open()
  expect(await people.getJson(scope, ['a'], [one('in', 'team', elsewhere.teams)])).toBeUndefined()
  expect(await people.getJson(scope, ['a'], [many('staff', 'id', people, 'boss')])).toBeUndefined()
  expect(await people.getJson(scope, ['a'], [one('in', 'team', teams, [{ name: 'name', column: 'name', as: 'Int' }])])).toBeUndefined()
  await people.putMany(scope, Array.from({ length: 150 }, (_, index) => ({ id: `p${index}`, team: 'blue', boss: null })))
  const all = many('people', 'id', people, 'team', 1_000, [id, one('in', 'team', teams, [many('people', 'id', people, 'team', 1_000)])])
  expect(await teams.selectJson(scope, {}, [all])).toBeUndefined()
  expect(await written(teams.getJson(scope, ['red'], [all]))).toHaveLength(1)
})

test('members of columns there are not are refused, at every level', async () => {
  const { scope, people, teams } = await open()
  const wrong: readonly Member[] = [{ name: 'x', column: 'x' }]
  for (const members of [wrong, [one('in', 'team', teams, wrong)], [one('in', 'team', teams, [])]]) {
    await expect(people.getJson(scope, ['a'], members)).rejects.toEqual(expect.objectContaining({ code: 'BAD_USER_INPUT' }))
  }
})

test('an answer does not leave before what any of its links shows is durable', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'links-'))
  const { scope, store, people, teams } = await open(directory)
  try {
    const order: string[] = []
    store.changes.onDurable(() => order.push('durable'))
    const put = teams.putMany(scope, [{ id: 'red', name: 'Redder' }])
    const asked = people.getJson(scope, ['a'], [one('in', 'team', teams, [{ name: 'name', column: 'name' }])]).then(json => order.push(String(json)))
    await Promise.all([put, asked])
    expect(order).toEqual(['durable', '[{"in":{"name":"Redder"}}]'])
  } finally {
    await store.close()
    await rm(directory, { recursive: true })
  }
})
