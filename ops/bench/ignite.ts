import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { BinaryType, destroyCache, ensureCache, jsonOf, openCache, openIgnite, rowsOf, sqlRows, valuesOf } from '../../connectors/ignite/index.ts'
import type { CacheField } from '../../connectors/ignite/index.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import type { Row } from '../../schema/values.ts'

/**
 * `IGNITE_HOST_1=… node ops/bench/ignite.ts [--passes N]`: our client against npm's apache-ignite-client on the same rows of 12 columns, in one process, one after the
 * other, pass by pass. The figure that counts is the client's CPU time an operation; the server shares the machine, so rates are lower bounds.
 */
const { values: options } = parseArgs({ options: { passes: { type: 'string', default: '3' } } })
const host = process.env['IGNITE_HOST_1']
if (!host) throw new Error('IGNITE_HOST_1 says where Ignite is; it is not set.')

const cacheName = 'bench_rows'
const typeName = 'bench.Rows_1'
const entries = 10_000

const fields: readonly CacheField[] = [
  { name: 'SYM', property: 'sym', type: 'string' }, { name: 'NAME', property: 'name', type: 'string' }, { name: 'NOTE', property: 'note', type: 'string' },
  { name: 'QTY', property: 'qty', type: 'int' }, { name: 'SEQ', property: 'seq', type: 'long' }, { name: 'PX', property: 'px', type: 'double' },
  { name: 'BID', property: 'bid', type: 'double' }, { name: 'LIVE', property: 'live', type: 'boolean' }, { name: 'AMT', property: 'amt', type: 'decimal' },
  { name: 'DAY', property: 'day', type: 'string' }, { name: 'GRP', property: 'grp', type: 'int' }, { name: 'UID', property: 'uid', type: 'uuid' },
]

function rowAt(index: number): Row {
  return {
    sym: `S${index % 500}`, name: `Företag nummer ${index}`, note: `The quick brown fox jumps over the lazy dog ${index}`, qty: index, seq: index * 1_000_003, px: index / 7, bid: index / 3,
    live: index % 2 === 0, amt: (index / 100).toFixed(4), day: '2024-02-29', grp: Math.floor(index / 10), uid: `123e4567-e89b-12d3-a456-${String(index).padStart(12, '0')}`,
  }
}

/** Made beforehand: what makes a key is no cost of a client. */
const keys = Array.from({ length: entries }, (_, index) => `k${(index * 7919) % entries}`)
const hundreds = Array.from({ length: entries / 100 }, (_, index) => keys.slice(index * 100, index * 100 + 100))
const keyAt = (index: number) => keys[index % keys.length]!
const keysAt = (index: number) => hundreds[index % hundreds.length]!

interface Figure {
  readonly cpuMicros: number
  readonly perSecond: number
}

/** Runs the operation `total` times with `inFlight` at once, after a warm-up of a third. */
async function measure(inFlight: number, total: number, operation: (index: number) => Promise<unknown>): Promise<Figure> {
  const all = async (count: number) => {
    let next = 0
    await Promise.all(Array.from({ length: inFlight }, async () => {
      while (next < count) await operation(next++)
    }))
  }
  await all(Math.ceil(total / 3))
  const cpu = process.cpuUsage()
  const start = performance.now()
  await all(total)
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  return { cpuMicros: (user + system) / total, perSecond: (total / ms) * 1000 }
}

interface Subject {
  readonly operations: Readonly<Record<string, { readonly inFlight: number; readonly total: number; readonly run: (index: number) => Promise<unknown> }>>
  close(): Promise<void>
}

async function ours(): Promise<Subject> {
  const client = openIgnite({ hosts: [host!] })
  const scope: Scope = {
    requestId: 'bench', tenant: 'bench', caller: { subject: 'bench', scopes: new Set() }, signal: new AbortController().signal, deadlineMs: Number.POSITIVE_INFINITY, clock: systemClock, log: console,
    later() {},
  }
  await destroyCache(scope, client, cacheName)
  await ensureCache(scope, client, {
    name: cacheName, table: 'BENCH_ROWS', mode: 'PARTITIONED', atomicity: 'TRANSACTIONAL', backups: 1, key: [{ name: 'ID', property: 'id', type: 'string' }], valueType: typeName, fields,
    indexes: [{ name: 'BENCH_ROWS_GRP', fields: ['GRP'] }],
  })
  const type = new BinaryType(typeName, fields)
  const rows = await openCache(scope, client, cacheName, valuesOf('string'), rowsOf(type))
  const json = rows.reading(jsonOf(type))
  for (let from = 0; from < entries; from += 500) await rows.putAll(scope, Array.from({ length: 500 }, (_, step) => [`k${from + step}`, rowAt(from + step)]))
  return {
    operations: {
      'get ×64 → row': { inFlight: 64, total: 40_000, run: index => rows.get(scope, keyAt(index)) },
      'get ×64 → JSON bytes': { inFlight: 64, total: 40_000, run: index => json.get(scope, keyAt(index)) },
      'getAll(100) ×16 → rows': { inFlight: 16, total: 1_500, run: index => rows.getAll(scope, keysAt(index)) },
      'getAll(100) ×16 → JSON bytes': { inFlight: 16, total: 1_500, run: index => json.getAll(scope, keysAt(index)) },
      'SQL, 10 rows by index ×1': { inFlight: 1, total: 1_000, run: index => sqlRows(scope, client, 'SELECT * FROM BENCH_ROWS WHERE GRP = ?', [{ type: 'int', value: (index * 31) % 1000 }]) },
      'put ×64': { inFlight: 64, total: 10_000, run: index => rows.put(scope, keyAt(index), rowAt((index * 7919) % entries)) },
    },
    async close() {
      await destroyCache(scope, client, cacheName)
      client.close()
    },
  }
}

/** Without types of its own: what of the package this program touches. */
interface NpmCache {
  setKeyType(type: unknown): NpmCache
  setValueType(type: unknown): NpmCache
  get(key: string): Promise<unknown>
  getAll(keys: readonly string[]): Promise<unknown>
  put(key: string, value: unknown): Promise<void>
}

async function npm(): Promise<Subject> {
  const load = createRequire(import.meta.url)
  const Ignite = load('apache-ignite-client')
  const Decimal = createRequire(load.resolve('apache-ignite-client'))('decimal.js')
  const primitive = Ignite.ObjectType.PRIMITIVE_TYPE
  const kinds: Readonly<Record<string, unknown>> = {
    string: primitive.STRING, int: primitive.INTEGER, long: primitive.LONG, double: primitive.DOUBLE, boolean: primitive.BOOLEAN, decimal: primitive.DECIMAL, uuid: primitive.UUID,
  }
  const samples: Readonly<Record<string, unknown>> = { string: '', int: 1, long: 1, double: 1, boolean: true, decimal: new Decimal(0), uuid: [] }
  const type = new Ignite.ComplexObjectType(Object.fromEntries(fields.map(field => [field.name, samples[field.type]])), typeName)
  for (const field of fields) type.setFieldType(field.name, kinds[field.type])
  const client = new Ignite()
  await client.connect(new Ignite.IgniteClientConfiguration(host))
  const cache: NpmCache = client.getCache(cacheName).setKeyType(primitive.STRING).setValueType(type)
  // Many first reads at once of a cache it does not know yet are more than it can do.
  await cache.get('k1')
  const rowOf = (index: number) => {
    const { uid: _, amt, ...row } = rowAt(index)
    const members = Object.entries({ ...row, amt: new Decimal(String(amt)), uid: Array.from({ length: 16 }, (_, byte) => byte) })
    return Object.fromEntries(members.map(([name, value]) => [name.toUpperCase(), value]))
  }
  return {
    operations: {
      'get ×64 → row': { inFlight: 64, total: 8_000, run: index => cache.get(keyAt(index)) },
      'getAll(100) ×16 → rows': { inFlight: 16, total: 80, run: index => cache.getAll(keysAt(index)) },
      'put ×64': { inFlight: 64, total: 3_000, run: index => cache.put(keyAt(index), rowOf((index * 7919) % entries)) },
    },
    async close() {
      client.disconnect()
    },
  }
}

const tributary = await ours()
const oracle = await npm()
const compared: Readonly<Record<string, string>> = { 'get ×64 → JSON bytes': 'get ×64 → row', 'getAll(100) ×16 → JSON bytes': 'getAll(100) ×16 → rows' }
const figures = new Map<string, { ours: Figure[]; npm: Figure[] }>(Object.keys(tributary.operations).map(name => [name, { ours: [], npm: [] }]))
for (let pass = 0; pass < Number(options.passes); pass++) {
  for (const [name, { inFlight, total, run }] of Object.entries(tributary.operations)) figures.get(name)?.ours.push(await measure(inFlight, total, run))
  for (const [name, { inFlight, total, run }] of Object.entries(oracle.operations)) figures.get(name)?.npm.push(await measure(inFlight, total, run))
}
await oracle.close()
await tributary.close()

const range = (of: readonly Figure[], pick: (figure: Figure) => number) => {
  const all = of.map(pick).sort((a, b) => a - b)
  return all.length === 0 ? '' : `${all[0]!.toFixed(all[0]! < 100 ? 1 : 0)}–${all.at(-1)!.toFixed(all[0]! < 100 ? 1 : 0)}`
}
const median = (of: readonly Figure[]) => of.map(figure => figure.cpuMicros).sort((a, b) => a - b)[Math.floor(of.length / 2)] ?? Number.NaN
console.log(['operation'.padEnd(30), 'npm / ours'.padStart(10), 'ours CPU µs'.padStart(14), 'npm CPU µs'.padStart(16), 'ours op/s'.padStart(16), 'npm op/s'.padStart(14)].join('  '))
for (const [name, { ours: mine }] of figures) {
  const other = figures.get(compared[name] ?? name)?.npm ?? []
  const ratio = median(other) / median(mine)
  console.log([
    name.padEnd(30), (Number.isNaN(ratio) ? '' : `${ratio.toFixed(1)}×`).padStart(10), range(mine, figure => figure.cpuMicros).padStart(14), range(other, figure => figure.cpuMicros).padStart(16),
    range(mine, figure => figure.perSecond).padStart(16), range(other, figure => figure.perSecond).padStart(14),
  ].join('  '))
}
