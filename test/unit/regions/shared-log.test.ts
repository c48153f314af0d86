import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEventLog } from '../../../connectors/events/index.ts'
import type { EventLog } from '../../../connectors/ports/event-log.ts'
import { systemClock } from '../../../connectors/ports/scope.ts'
import { type FeedLog, type Heard, markOf } from '../../../connectors/regions/feed-log.ts'
import { openSharedLog } from '../../../connectors/regions/shared-log/index.ts'
import { decodeShared, encodeShared, type SharedRecord } from '../../../connectors/regions/shared-log/record.ts'
import type { LogEntry } from '../../../schema/change.ts'
import { eventually } from '../../support/eventually.ts'
import { testScope } from '../../support/scope.ts'
import { type Hearer, region, SharedWorld } from '../../support/shared-log-world.ts'

/** Everybody says what there is to say, and reads everything; no time passes. */
function exchange(world: SharedWorld): void {
  for (let round = 0; round < 10; round++) {
    for (const hearer of world.alive) {
      while (hearer.coming.length > 0) world.hear(hearer)
      while (hearer.node.outbox.records.length > 0) world.send(hearer)
    }
    for (const hearer of world.alive) while (hearer.node.standings.next < world.log.length) world.read(hearer)
  }
}

const told = (world: SharedWorld) => world.said().flatMap(({ resets, events }) => [...resets.map(() => 'reset'), ...events.map(({ mark }) => mark)])
const writers = (world: SharedWorld) => world.alive.filter(({ node }) => node.writes('cache-1')).map(({ node }) => node.name)

/** Two of whom the first tells the changes, and the second is sure that he misses none. */
function two(): { world: SharedWorld; first: Hearer; second: Hearer } {
  const world = new SharedWorld()
  const first = world.start('EMPTY')
  exchange(world)
  const second = world.start()
  exchange(world)
  world.pass(2_500)
  exchange(world)
  return { world, first, second }
}

describe('one process at the shared log', () => {
  test('tells what it hears, and answers a write of any process when the log has it', () => {
    const { world, first, second } = two()
    world.write('a')
    exchange(world)
    expect([told(world), first.answered, second.answered, writers(world)]).toEqual([['+1'], 1, 1, ['node-0']])
  })

  test('goes on where the one that told the changes has died, without a reset, once a change is overdue', () => {
    const { world, first } = two()
    world.write('a')
    exchange(world)
    first.alive = false
    world.write('a')
    world.write('b')
    exchange(world)
    expect(told(world)).toEqual(['+1'])
    world.pass(2_500)
    exchange(world)
    expect([told(world), writers(world)]).toEqual([['+1', '+2', '+3'], ['node-1']])
  })

  test('goes on at once where the other left as one should', () => {
    const { world, first } = two()
    world.part(first)
    world.write('a')
    exchange(world)
    expect([told(world), writers(world)]).toEqual([['+1'], ['node-1']])
  })

  test('tells a reset where it takes over and cannot know what it missed', () => {
    const world = new SharedWorld()
    const first = world.start('EMPTY')
    exchange(world)
    first.alive = false
    world.write('a')
    world.start()
    exchange(world)
    world.pass(2_500)
    world.pass(2_500)
    exchange(world)
    world.write('a')
    exchange(world)
    expect(told(world)).toEqual(['reset', '+2'])
  })

  test('what it appends after another claimed its feed counts for nobody, and is told by the other', () => {
    const { world, first, second } = two()
    world.write('a')
    world.hear(first)
    world.hear(second)
    world.pass(2_500)
    while (second.node.outbox.records.length > 0) world.send(second)
    world.send(first)
    exchange(world)
    expect([told(world), writers(world)]).toEqual([['+1'], ['node-1']])
    expect(world.said().filter(({ changes }) => changes.length > 0)).toHaveLength(1)
  })

  test('of several that claim at once the first in the log has it', () => {
    const { world, first } = two()
    world.start()
    exchange(world)
    world.pass(2_500)
    exchange(world)
    first.alive = false
    world.write('a')
    exchange(world)
    world.pass(2_500)
    exchange(world)
    expect([told(world), writers(world)]).toEqual([['+1'], ['node-1']])
    expect(world.said().flatMap(({ granted }) => granted)).toHaveLength(2)
  })

  test('that hears nothing any more leaves its feed to those who do, without a reset; alone it tells one when it hears again', () => {
    const { world, first, second } = two()
    world.lose(first)
    world.write('a')
    exchange(world)
    expect([told(world), writers(world)]).toEqual([['+1'], ['node-1']])
    second.alive = false
    world.restore(first)
    exchange(world)
    for (let round = 0; round < 3; round++) {
      world.pass(2_500)
      exchange(world)
    }
    expect([told(world), writers(world)]).toEqual([['+1', 'reset'], ['node-0']])
  })

  test('with more on its way than there is room for lets go of it, and tells a reset', () => {
    const world = new SharedWorld({ most: 50 })
    const hearer = world.start('EMPTY')
    exchange(world)
    for (let n = 0; n < 60; n++) world.write(`k${n}`)
    for (let n = 0; n < 60; n++) world.hear(hearer)
    expect([hearer.node.behind, hearer.answered]).toEqual([true, 60])
    exchange(world)
    expect(told(world)).toEqual(expect.arrayContaining(['reset']))
    world.pass(250)
    world.write('a')
    exchange(world)
    expect([told(world).at(-1), hearer.node.pending.size]).toEqual(['+61', 0])
  })

  test('a record keeps its values exactly, and what another program wrote is none', () => {
    const row = { key: 'é\n🚀', big: 9_007_199_254_740_993n, decimal: '-0.10', list: [1, 'x', null] }
    const record: SharedRecord = {
      node: 'n', sequence: 3, seen: 2, atMs: 5, feeds: ['f'], marks: [[0, '+7']], quiet: [[0, '', 'k', '-6']],
      commit: { committedAtMs: 5, changes: [{ region, tenant: 't', key: 'k', type: 'CREATED', before: null, after: row, version: 7, createdAtMs: 1 }], silent: [] },
    }
    expect(decodeShared(encodeShared(record))).toEqual(record)
    expect([decodeShared(Buffer.from('hello')), decodeShared(Buffer.from('{}')), decodeShared(Buffer.alloc(0))]).toEqual([undefined, undefined, undefined])
  })
})

describe('the shared log over topics of this process', () => {
  let directory: string
  let events: EventLog
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'shared-log-'))
    events = await openEventLog({ directory, clock: systemClock, log: testScope().log })
  })
  afterEach(async () => {
    await events.close()
    await rm(directory, { recursive: true })
  })

  const open = (retainBytes = 1_000_000) => openSharedLog({ events, topic: 'changes', retentionMs: 3_600_000, retainBytes, clock: systemClock, log: testScope().log, onFatal: error => { throw error } })
  const followed = (feed: string, begins: 'EMPTY' | 'FOUND', state = 'as it was') => ({ feed, region: 'items', name: 'items', begins, state: async () => state })
  const heard = (version: number): Heard => ({ feed: 'f', mark: markOf('UPDATED', version), quiet: false, told() {}, change: { region: 'items', tenant: '', key: 'k', type: 'UPDATED', before: { n: version - 1 }, after: { n: version }, version, createdAtMs: 0 } })
  const tell = (log: FeedLog, version: number) => new Promise<void>(resolve => log.tell([heard(version)], resolve))
  /** Page by page. */
  const all = async (log: FeedLog) => {
    const found: LogEntry[] = []
    while (found.length < log.end) found.push(...(await log.read(found.length, 300)))
    expect(found.map(({ offset }) => offset)).toEqual(found.map((_, offset) => offset))
    return found
  }
  const said = async (log: FeedLog) => (await all(log)).flatMap(({ changes, resets }) => [...resets, ...changes.map(({ after }) => after?.['n'])])

  test('every process reads the same entries at the same offsets; who begins later reads what was before', async () => {
    const [a, b] = [await open(), await open()]
    await a.follow(followed('f', 'EMPTY'))
    await b.follow(followed('f', 'FOUND'))
    await Promise.all([1, 2, 3].flatMap(version => [tell(a, version), tell(b, version)]))
    expect(a.id).toBe(b.id)
    const entries = await all(a)
    await b.current()
    expect((await all(b)).slice(0, entries.length)).toEqual(entries)
    const c = await open()
    expect(c.id).toBe(a.id)
    expect(await said(c)).toEqual([1, 2, 3])
    await expect(a.read(-1, 10)).rejects.toMatchObject({ code: 'GONE' })
    for (const log of [a, b, c]) await log.close()
  })

  test.each([['is as it was left', 'as it was', [1]], ['is not', 'otherwise', [1, 'items']]])('after all ended a region that %s', async (_what, state, expected) => {
    const first = await open()
    await first.follow(followed('f', 'EMPTY'))
    await tell(first, 1)
    await first.close()
    expect(() => first.check()).toThrow(expect.objectContaining({ code: 'SHUTTING_DOWN' }) as Error)
    const second = await open()
    await second.follow(followed('f', 'FOUND', state))
    await tell(second, 2)
    expect(await said(second)).toEqual([...expected, 2])
    await second.close()
  })

  test('entries beyond what is held in memory, and checkpoints among them, are read from the topic', async () => {
    const log = await open(2_000)
    await log.follow(followed('f', 'EMPTY'))
    for (let version = 1; version <= 2_500; version += 500) await Promise.all(Array.from({ length: 500 }, (_, at) => tell(log, version + at)))
    const again = await open()
    await eventually('all is there', async () => again.end === log.end)
    for (const each of [log, again]) expect(await said(each)).toEqual(Array.from({ length: 2_500 }, (_, n) => n + 1))
    await log.close()
    await again.close()
  })
})
