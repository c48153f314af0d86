import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { openMemoryRegions } from '../../connectors/memory/index.ts'
import { keyedHash } from '../../connectors/memory/keyed-hash.ts'
import { KeyTable } from '../../connectors/memory/key-table.ts'
import { Records } from '../../connectors/memory/records.ts'
import type { Member, RegionDefinition } from '../../connectors/ports/region-store.ts'
import { systemClock, type Log, type Scope } from '../../connectors/ports/scope.ts'
import type { Row } from '../../schema/values.ts'

/**
 * `npm run bench -- region`, or `node ops/bench/region.ts [records]`: what a record of eight fields takes in memory, and the CPU µs of the process for each of some calls, with the
 * records as objects in a Map, in a slab, and in a region of the embedded store. A process for each; the lowest of three rounds.
 */
interface Layout {
  put(rows: readonly Row[]): unknown
  get(keys: readonly string[]): Promise<readonly (Row | undefined)[]>
  json?(keys: readonly string[]): unknown
  /** Bytes taken from the system for records alone. */
  allocated?(): number
  /** Further calls. */
  readonly others?: Readonly<Record<string, (n: number) => unknown>>
}

const definition: RegionDefinition = {
  name: 'people',
  columns: [
    { name: 'id', type: 'String', nullable: false }, { name: 'city', type: 'String', nullable: true }, { name: 'name', type: 'String', nullable: true },
    { name: 'address', type: 'String', nullable: true }, { name: 'phone', type: 'String', nullable: true }, { name: 'token', type: 'UUID', nullable: true },
    { name: 'age', type: 'Int', nullable: true }, { name: 'score', type: 'Float', nullable: true },
  ],
  key: ['id'], indexes: [['city'], ['age']], atomicity: 'ATOMIC', expiry: {}, maxEntries: 16_000_000, durable: false, tenancy: 'SHARED',
}
const members: readonly Member[] = ['name', 'address', 'token'].map(name => ({ name, column: name }))
const rounds = 3
const batch = 100

let seed = 42
const random = (below: number) => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((seed / 2 ** 32) * below)
}
const digits = (value: number, length: number) => String(value).padStart(length, '0')
const keyAt = (index: number) => JSON.parse(`"U${digits(index, 8)}"`) as string
const rowAt = (index: number, version: number): Row => ({
  id: keyAt(index), city: `C${digits(random(20_000), 5)}`, name: `Name ${digits(random(1e9), 9)}`, address: `${digits(random(1e4), 4)} Long Street, Town ${digits(random(1e6), 8)}`,
  phone: digits(random(1e9), 9), token: `${digits(random(1e9), 12)}-${digits(version, 10)}-${digits(random(1e9), 12)}`, age: random(100), score: random(1e6) / 1000,
})

function map(): Layout {
  const rows = new Map<string, Row>()
  return {
    put(given) { for (const row of given) rows.set(String(row['id']), Object.freeze({ ...row })) },
    get: async keys => keys.map(key => rows.get(key)),
  }
}

function slab(): Layout {
  const records = new Records(definition.columns)
  const table = new KeyTable(keyedHash(), (id, key) => records.holds(id, key), probes => { throw new Error(`${probes} probes.`) })
  return {
    put(given) {
      for (const row of given) {
        const key = String(row['id'])
        const id = table.find(key)
        if (id >= 0) records.replace(id, key, row)
        else table.insert(key, records.create(key, row))
      }
    },
    allocated: () => records.allocated,
    get: async keys => table.findMany(keys, ids => records.approach(ids)).map((id, index) => (id < 0 ? undefined : records.entry(id, keys[index]).row)),
  }
}

async function region(): Promise<Layout> {
  const log: Log = { debug() {}, info() {}, warn() {}, error() {} }
  const scope: Scope = { requestId: 'bench', tenant: 'bench', caller: { subject: 'bench', scopes: new Set() }, signal: new AbortController().signal, deadlineMs: Number.POSITIVE_INFINITY, clock: systemClock, log, later: work => void work() }
  const people = await (await openMemoryRegions({ clock: systemClock, log, retainBytes: 1024 * 1024 })).define(definition)
  return {
    put: rows => people.putMany(scope, rows),
    get: async keys => (await people.getMany(scope, keys)).map(entry => entry?.row),
    json: keys => people.getJson(scope, keys, members),
    others: {
            'select by index': n => people.select(scope, { filter: { column: 'city', op: 'eq', value: `C${digits(n % 20_000, 5)}` } }),
      'page of 10 by index': n => people.select(scope, { filter: { column: 'city', op: 'gte', value: `C${digits(n % 20_000, 5)}` }, order: [{ column: 'city', descending: false, nullsFirst: false }], limit: 10 }),
      'count by scan': n => people.count(scope, { column: 'name', op: 'gt', value: `Name ${n % 10}` }),
    },
  }
}

const layouts: Readonly<Record<string, () => Layout | Promise<Layout>>> = { map, slab, region }

/** CPU µs of the process for each of the calls, without what is made for them. */
async function cpu<Given>(calls: number, given: (n: number) => Given, call: (given: Given) => unknown): Promise<number> {
  let micros = 0
  for (let n = 0; n < calls; n++) {
    const one = given(n)
    const before = process.cpuUsage()
    await call(one)
    const { user, system } = process.cpuUsage(before)
    micros += user + system
  }
  return micros / calls
}

function memory(): { rss: number; heap: number } {
  for (let round = 0; round < 3; round++) globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  return { rss, heap: heapUsed }
}

async function measure(layout: Layout, records: number): Promise<Record<string, number>> {
  const before = memory()
  const rows = (from: number, version: number) => Array.from({ length: batch }, (_, index) => rowAt(from + index, version))
  const load = await cpu(records / batch, n => rows(n * batch, 0), layout.put)
  const after = memory()
  const drawn = (pick: () => number) => () => Array.from({ length: batch }, () => keyAt(pick()))
  const answer = async (keys: readonly string[]) => JSON.stringify((await layout.get(keys)).map(row => row && Object.fromEntries(members.map(({ name, column }) => [name, row[column]]))))
  const gets = async (pick: () => number, get: (keys: readonly string[]) => unknown = layout.get) => {
    await cpu(500, drawn(pick), get)
    return cpu(3_000, drawn(pick), get)
  }
  const results: Record<string, number> = {
    'RSS bytes a record': (after.rss - before.rss) / records, 'heap bytes a record': (after.heap - before.heap) / records,
    ...(layout.allocated && { 'slab bytes a record': layout.allocated() / records }),
    'put of 100, new': load,
    'get of 100': await gets(() => random(records)),
    ...(layout.json && { 'JSON of 100': await gets(() => random(records), layout.json) }),
    'answer of 100': await gets(() => random(records), answer),
    'answer of 100 hot': await gets(() => (random(10) === 0 ? random(records) : random(Math.min(records, 1_000))), answer),
    'get of 100 hot': await gets(() => (random(10) === 0 ? random(records) : random(Math.min(records, 1_000)))),
    'put of 100, there': await cpu(500, () => rows(random(records - batch), 1), layout.put),
  }
  const calls: Record<string, number> = { 'count by scan': Math.max(3, Math.round(1_000_000 / records)) }
  for (const [name, call] of Object.entries(layout.others ?? {})) {
    await cpu(Math.min(200, calls[name] ?? 200), n => n, call)
    results[name] = await cpu(calls[name] ?? 1_000, n => n, call)
  }
  return results
}

async function inProcess(name: string, records: number): Promise<Record<string, number>> {
  const child = spawn(process.execPath, ['--expose-gc', '--max-old-space-size=8192', import.meta.filename, String(records), name], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>])
  if (code !== 0) throw new Error(`The process of layout "${name}" ended with ${code}.`)
  return JSON.parse(output) as Record<string, number>
}

const records = Number(process.argv[2] ?? 100_000)
const [, , , only = ''] = process.argv
const made = layouts[only]
if (made) console.log(JSON.stringify(await measure(await made(), records)))
else {
  const lowest: Record<string, Record<string, number>> = {}
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(layouts)) {
      for (const [what, value] of Object.entries(await inProcess(name, records))) {
        const figures = lowest[what] ?? {}
        lowest[what] = { ...figures, [name]: Math.min(figures[name] ?? value, value) }
      }
    }
  }
  console.log(`${records} records`)
  for (const [what, figures] of Object.entries(lowest)) {
    console.log(`${what.padEnd(22)}${Object.keys(layouts).map(name => `${name} ${figures[name]?.toFixed(1) ?? '–'}`.padStart(18)).join('')}`)
  }
}
