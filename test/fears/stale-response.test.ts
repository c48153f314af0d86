import { isEmbedded } from '../support/hub.ts'
import { fortunes, lifeMs, names, type Register, type Tenant, World } from './stale-response/world.ts'

interface Count {
  readonly id: string
  readonly n: number
}

/** What a reader may find: nothing older than what was written before it asked, nothing newer than what was being written when it was answered. */
function within(registers: ReadonlyMap<string, Register>) {
  const low = new Map([...registers].map(([name, { done }]) => [name, done]))
  return ({ id, n }: Count) => {
    const [from, to] = [low.get(id) ?? 0, registers.get(id)?.begun ?? 0]
    if (n < from || n > to) throw new Error(`"${id}" was answered as ${n}; while it was asked for it was ${from} to ${to}.`)
  }
}

/** A visit may be missing only where its time may have been over, and be there only where it may not. */
function visited(register: Register, low: number, startedMs: number, n: number | undefined): void {
  if (n === undefined) {
    const isThere = low > 0 && register.begun === low && Date.now() < (register.beganMs.get(low) ?? 0) + lifeMs
    if (isThere) throw new Error(`Visit ${low} was not answered, and it was there.`)
    return
  }
  const endedMs = register.endedMs.get(n)
  if (n < low || n > register.begun || (endedMs !== undefined && startedMs > endedMs + lifeMs)) throw new Error(`Visit ${n} was answered, and its time was over, or ${low} had taken its place.`)
}

type Read = (world: World, id: string) => Promise<string | null>

const reads: readonly Read[] = [
  async (world, id) => {
    const check = within(world.counts)
    const { data, cache } = await world.ask('query One($id: ID!) @cached { count(id: $id) { id n } }', { id })
    check(data!['count']!)
    return cache
  },
  async world => {
    const check = within(world.counts)
    const { data, cache } = await world.ask('query Batch($keys: [ID!]!) @cached { countsByKey(keys: $keys) { id n } }', { keys: names })
    ;(data!['countsByKey']! as readonly Count[]).forEach(check)
    return cache
  },
  async world => {
    const check = within(world.counts)
    const { data, cache } = await world.ask('query List @cached { counts { totalCount nodes { id n } } }')
    const { totalCount, nodes } = data!['counts']! as { totalCount: number; nodes: readonly Count[] }
    nodes.forEach(check)
    expect([totalCount, nodes.length]).toEqual([4, 4])
    return cache
  },
  async world => {
    const check = within(world.counts)
    const { data, cache } = await world.ask('query Even @cached { counts(where: { parity: { eq: 0 } }) { nodes { id n } } }')
    for (const one of (data!['counts']! as { nodes: readonly Count[] }).nodes) {
      check(one)
      expect(one.n % 2).toBe(0)
    }
    return cache
  },
  async (world, id) => {
    const check = within(world.counts)
    const { data, cache } = await world.ask('query Walk($id: ID!) @cached { note(id: $id) { counted { id n notes { nodes { id } } } } }', { id })
    const { counted } = data!['note']! as { counted: Count & { notes: { nodes: readonly { id: string }[] } } }
    check(counted)
    expect(counted.notes.nodes.map(note => note.id)).toContain(id)
    return cache
  },
  async world => {
    const sum = (of: 'begun' | 'done') => [...world.counts.values()].reduce((total, one) => total + one[of], 0)
    const low = sum('done')
    const { data, cache } = await world.ask('query Sum @cached { total(name: "all") { n } }')
    const n = Number((data!['total']! as { n: unknown }).n)
    if (n < low || n > sum('begun')) throw new Error(`The sum was answered as ${n}; while it was asked for it was ${low} to ${sum('begun')}.`)
    return cache
  },
  ...(['acme', 'globex'] as const).map((tenant: Tenant): Read => async world => {
    const { data, cache } = await world.ask('query Purses @cached { purses { nodes { owner money } } }', {}, tenant)
    const { nodes } = data!['purses']! as { nodes: readonly { owner: string; money: number }[] }
    expect([new Set(nodes.map(({ owner }) => owner)), nodes.reduce((sum, { money }) => sum + money, 0)]).toEqual([new Set([tenant]), fortunes[tenant]])
    return cache
  }),
  async world => {
    const { data, cache, codes } = await world.ask('query Purses @cached { purses { nodes { owner money } } }', {}, 'guest')
    expect([data, cache, codes]).toEqual([null, 'BYPASS', ['FORBIDDEN']])
    return cache
  },
  async (world, id) => {
    const register = world.visits.get(id)!
    const [low, startedMs] = [register.done, Date.now()]
    const { data, cache } = await world.ask('query Visit($id: ID!) @cached { visit(id: $id) { n } }', { id })
    visited(register, low, startedMs, (data as unknown as { visit: { n: number } | null }).visit?.n)
    return cache
  },
  async world => {
    const low = new Map([...world.visits].map(([id, { done }]) => [id, done]))
    const startedMs = Date.now()
    const { data, cache } = await world.ask('query Visits @cached { visits { nodes { id n } } }')
    const found = new Map((data!['visits']! as { nodes: readonly Count[] }).nodes.map(({ id, n }) => [id, n]))
    for (const [id, register] of world.visits) visited(register, low.get(id) ?? 0, startedMs, found.get(id))
    return cache
  },
  async world => {
    const low = world.paper.done
    const { data, cache } = await world.ask('query Paper @cached { paper(id: 1) { n } papers { nodes { n } } }')
    const { paper, papers } = data as unknown as { paper: { n: number }; papers: { nodes: readonly { n: number }[] } }
    for (const { n } of [paper, ...papers.nodes]) if (n < low || n > world.paper.begun) throw new Error(`The paper was answered as ${n}; while it was asked for it was ${low} to ${world.paper.begun}.`)
    return cache
  },
]

const embedded = isEmbedded ? describe : describe.skip

for (const fastPath of [true, false]) {
  embedded(`kept answers, ${fastPath ? 'with' : 'without'} the fast path, while entries are written, expire and change hands, and the catalog is read again`, () => {
    const world = new World()
    beforeAll(() => world.start(fastPath), 60_000)
    afterAll(() => world.stop())

    test('are never older than what was written before they were asked for, and never another tenant\'s or of other rights', async () => {
      const hits = new Map(reads.map(read => [read, 0]))
      const reading = (place: number) => async () => {
        for (let turn = place; !world.isWritten; turn++) {
          const read = reads[turn % reads.length]!
          // Asked twice, so that the second may be kept.
          for (const _ of [1, 2]) if ((await read(world, names[(turn + place) % names.length]!)) === 'HIT') hits.set(read, (hits.get(read) ?? 0) + 1)
        }
      }
      await Promise.all([world.writeAll(16), ...[0, 3, 6, 9].map(place => reading(place)())])
      const refused = reads.length - 4
      expect([...hits.values()].map((count, index) => (index === refused ? count === 0 : count > 0))).toEqual(reads.map(() => true))
    }, 120_000)
  })
}
