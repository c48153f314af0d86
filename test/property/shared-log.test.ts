import fc from 'fast-check'
import { Standings } from '../../connectors/regions/shared-log/standing.ts'
import { decodeShared } from '../../connectors/regions/shared-log/record.ts'
import { type Happened, region, SharedWorld } from '../support/shared-log-world.ts'

const keys = ['a', 'b', 'c']
const nat = fc.nat(63)

/** What may happen next; the number says to whom. */
const step = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant('write' as const), nat) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('remove' as const), nat) },
  { weight: 14, arbitrary: fc.tuple(fc.constant('hear' as const), nat) },
  { weight: 12, arbitrary: fc.tuple(fc.constant('send' as const), nat) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('sendTwice' as const), nat) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('sendLate' as const), nat) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('arrive' as const), nat) },
  { weight: 24, arbitrary: fc.tuple(fc.constant('read' as const), nat) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('pass' as const), nat) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('start' as const), nat) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('kill' as const), nat) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('part' as const), nat) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('lose' as const), nat) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('restore' as const), nat) },
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function run(steps: readonly Step[]): Promise<SharedWorld> {
  const world = new SharedWorld()
  world.start('EMPTY')
  world.start()
  for (const [what, number] of steps) {
    const { alive } = world
    const some = alive[number % Math.max(1, alive.length)]
    const key = keys[number % keys.length] ?? 'a'
    if (what === 'write') world.write(key)
    else if (what === 'remove') world.write(key, true)
    else if (what === 'pass') world.pass(number * 40)
    else if (what === 'arrive') world.arrive()
    else if (what === 'start') alive.length < 3 && world.start()
    else if (!some) continue
    else if (what === 'hear') world.hear(some)
    else if (what === 'send') world.send(some)
    else if (what === 'sendTwice') world.send(some, 'again')
    else if (what === 'sendLate') world.send(some, 'late')
    else if (what === 'read') for (let count = 0; count < 3; count++) world.read(some)
    else if (what === 'kill') some.alive = false
    else if (what === 'part') world.part(some)
    else if (what === 'lose' && some.live) world.lose(some)
    else if (what === 'restore' && !some.live) world.restore(some)
    await Promise.resolve()
    await Promise.resolve()
  }
  for (const hearer of world.alive) if (!hearer.live) world.restore(hearer)
  world.start()
  await world.settle()
  return world
}

test('whatever dies, wakes late or is sent twice: every change is told once and in its entry’s order, or a reset behind it says that it was not', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 250, size: 'max' }), async steps => {
    const world = await run(steps)
    const said = world.said()
    const told = said.flatMap(({ events, changes }, offset) => events.map((event, index) => ({ offset, event, change: changes[index] })))
    const resets = said.flatMap(({ resets }, offset) => (resets.includes(region) ? [offset] : []))

    for (const key of keys) {
      const marks = told.filter(({ change }) => change?.key === key).map(({ event }) => event.mark)
      expect(new Set(marks).size).toBe(marks.length)
      const order = world.happened.filter(one => one.key === key).map(({ mark }) => mark)
      expect(marks).toEqual(order.filter(mark => marks.includes(mark)))
      for (const one of world.happened) {
        if (one.key !== key || marks.includes(one.mark) || cameAndWent(world, one)) continue
        expect({ one, isReset: resets.some(offset => offset >= one.logLength) }).toEqual({ one, isReset: true })
      }
    }
    for (const { node } of world.alive) expect(node.pending.size).toBe(0)
  }), { numRuns: 400, interruptAfterTimeLimit: 50_000 })
}, 120_000)

/** The entry has come and gone, and nobody who heard of this is left: what is there is what was there. */
function cameAndWent({ happened, alive }: SharedWorld, one: Happened): boolean {
  const own = happened.filter(({ key }) => key === one.key)
  const at = own.indexOf(one)
  const came = own.findLastIndex(({ type }, index) => index <= at && type === 'CREATED')
  const went = own.findIndex(({ type }, index) => index >= at && type === 'REMOVED')
  return came >= 0 && went >= 0 && !alive.some(({ heard }) => heard.includes(one))
}

test('a reader that begins anywhere behind a checkpoint reads what one reads that began at the first entry', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 150, size: 'max' }), nat, async (steps, at) => {
    const world = await run(steps)
    const records = world.log.map(bytes => decodeShared(bytes))
    const from = at % (records.length + 1)
    const first = new Standings()
    for (const record of records.slice(0, from)) first.take(record)
    const checkpoint = JSON.parse(JSON.stringify(first.checkpoint())) as ReturnType<Standings['checkpoint']>
    const second = new Standings(checkpoint)
    expect(records.slice(from).map(record => second.take(record))).toEqual(world.said().slice(from))
  }), { numRuns: 100, interruptAfterTimeLimit: 30_000 })
}, 120_000)
