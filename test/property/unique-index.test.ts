import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { openMemoryRegions } from '../../connectors/memory/index.ts'
import type { RegionDefinition } from '../../connectors/ports/region-store.ts'
import { HubError } from '../../schema/errors.ts'
import type { Row, Value } from '../../schema/values.ts'
import { MovedClock, testScope } from '../support/scope.ts'

const lifeMs = 20_000

const definition: RegionDefinition = {
  name: 'people',
  columns: [
    { name: 'id', type: 'Int', nullable: false },
    { name: 'email', type: 'String', nullable: true },
    { name: 'size', type: 'Decimal', nullable: true },
    { name: 'number', type: 'Long', nullable: true },
  ],
  key: ['id'],
  indexes: [['number'], ['email'], ['email', 'size'], ['size', 'number']],
  unique: [['email'], ['size', 'number']],
  atomicity: 'ATOMIC',
  expiry: { updateMs: lifeMs },
  maxEntries: 1_000,
  durable: true,
  tenancy: 'TENANT',
}

const row = fc.record({
  id: fc.integer({ min: 0, max: 9 }),
  email: fc.constantFrom(null, '', 'a', 'b', 'c', '","', 'null'),
  size: fc.constantFrom(null, '1', '1.0', '01.00', '2', '-0', '0.0'),
  number: fc.constantFrom<Value>(null, 0, 1, 9_007_199_254_740_993n, 9_007_199_254_740_992n),
}) as fc.Arbitrary<Row>

type Step =
  | { readonly do: 'put' | 'fill' | 'replace' | 'remove'; readonly tenant: string; readonly rows: readonly Row[] }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'restart' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constantFrom('put' as const, 'put' as const, 'fill' as const, 'replace' as const, 'remove' as const), tenant: fc.constantFrom('red', 'blue'), rows: fc.array(row, { minLength: 1, maxLength: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: lifeMs }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
)

interface Kept {
  readonly row: Row
  readonly until: number
  readonly filled: boolean
}

/** What two rows must not share, as texts: one for each unique index whose values are all there. */
function held({ email, size, number }: Row): string[] {
  const canonical = Number(size) === 0 ? '0' : String(Number(size))
  return [...(email === null ? [] : [`email ${email}`]), ...(size === null || number === null ? [] : [`size ${canonical} number ${number}`])]
}

/** A tenant's entries by key, and whether rows may be written: every pair is looked at. */
class Oracle {
  readonly #clock: MovedClock
  readonly entries = new Map<string, Kept>()

  constructor(clock: MovedClock) {
    this.#clock = clock
  }

  live(): Map<string, Kept> {
    return new Map([...this.entries].filter(([, kept]) => kept.until > this.#clock.now()))
  }

  /** Whether no two entries share values once these rows are written over those. */
  fits(over: ReadonlyMap<string, Kept>, rows: readonly Row[]): boolean {
    const after = new Map([...over].map(([key, kept]) => [key, kept.row]))
    for (const one of rows) after.set(String(one['id']), one)
    const all = [...after.values()].flatMap(held)
    return new Set(all).size === all.length
  }

  write(rows: readonly Row[], filled = false): void {
    for (const one of rows) this.entries.set(String(one['id']), { row: one, until: this.#clock.now() + lifeMs, filled })
  }
}

async function* oneBatch(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield rows
}

async function agrees(steps: readonly Step[]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'regions-'))
  const clock = new MovedClock()
  const open = () => openMemoryRegions({ directory, clock, log: testScope().log, segmentBytes: 8 * 1024, retainBytes: 8 * 1024 })
  let store = await open()
  let region = await store.define(definition)
  const oracles = new Map(['red', 'blue'].map(tenant => [tenant, new Oracle(clock)]))
  try {
    for (const one of steps) {
      if (one.do === 'pass') clock.advance(one.ms)
      else if (one.do === 'restart') {
        await store.close()
        store = await open()
        region = await store.define(definition)
        for (const { entries } of oracles.values()) for (const [key, { filled }] of entries) if (filled) entries.delete(key)
      } else {
        const oracle = oracles.get(one.tenant) as Oracle
        const scope = testScope({ clock, tenant: one.tenant })
        const live = oracle.live()
        switch (one.do) {
          case 'put':
            expect(await taken(region.putMany(scope, one.rows))).toBe(oracle.fits(live, one.rows))
            if (oracle.fits(live, one.rows)) oracle.write(one.rows)
            break
          case 'replace':
            expect(await taken(region.replaceAll(scope, oneBatch(one.rows)))).toBe(oracle.fits(new Map(), one.rows))
            if (oracle.fits(new Map(), one.rows)) {
              oracle.entries.clear()
              oracle.write(one.rows)
            }
            break
          case 'fill':
            await region.fill(scope, one.rows, region.mark())
            for (const given of one.rows) if (!oracle.live().has(String(given['id'])) && oracle.fits(oracle.live(), [given])) oracle.write([given], true)
            break
          case 'remove':
            await region.removeMany(scope, one.rows.map(given => String(given['id'])))
            for (const given of one.rows) oracle.entries.delete(String(given['id']))
        }
      }
      for (const [tenant, oracle] of oracles) {
        const expected = [...oracle.live().values()].map(kept => kept.row).toSorted((a, b) => Number(a['id']) - Number(b['id']))
        expect(await region.select(testScope({ clock, tenant }), {})).toEqual(expected)
      }
    }
  } finally {
    await store.close()
    await rm(directory, { recursive: true })
  }
}

/** Whether the write was taken; false: refused as a clash. */
async function taken(write: Promise<unknown>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (error instanceof HubError && error.code === 'CONFLICT') return false
    throw error
  }
}

test('H-14 a write is refused exactly when two entries would share a value of a unique index, over expiry and restarts', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), agrees), { numRuns: 150 })
})
