import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { openDuckDb } from '../../../connectors/duckdb/database.ts'
import { openDuckDbEngine } from '../../../connectors/duckdb/engine.ts'
import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import type { Region, RegionStore } from '../../../connectors/ports/region-store.ts'
import { systemClock, type Log, type Scope } from '../../../connectors/ports/scope.ts'
import { allRows, type SqlEngine } from '../../../connectors/ports/sql-engine.ts'
import type { Line } from '../clients.ts'
import { account, definitionOf, region } from './accounts.ts'
import { measureOperations, type Door, type OperationOptions } from './operations.ts'

/** `node in-process.ts GIVEN`, started with a channel to its parent: fills the region in the data folder and measures it from within. */
export interface Given extends Omit<OperationOptions, 'progress'> {
  readonly records: number
  /** The hub's data folder: its server finds the region there afterwards. */
  readonly data: string
}

/** What it tells its parent. */
export type Message = { readonly progress: string } | { readonly lines: readonly Line[] }

const dayMs = 86_400_000
const log: Log = { debug() {}, info() {}, warn: console.warn, error: console.error }
const scope: Scope = { requestId: 'bench', tenant: 'bench', caller: { subject: 'bench', scopes: new Set() }, signal: new AbortController().signal, deadlineMs: Date.now() + dayMs, clock: systemClock, log, later: work => void work() }
/** Between two looks at the clock; a pause is what is beyond it. */
const resolutionMs = 1

function doorOf(store: RegionStore, accounts: Region, engine: SqlEngine, records: number): Door {
  return {
    records, readers: 1, counts: { get: 1_000_000, getAll: 50_000, sql: 10_000, tx: 100_000 },
    async get(id) {
      const [entry] = await accounts.getMany(scope, [id])
      if (!entry) throw new Error(`Account ${id} is not there.`)
      return undefined
    },
    async getAll(ids) {
      const entries = await accounts.getMany(scope, ids)
      if (entries.some(entry => entry === undefined)) throw new Error('An account is not there.')
      return undefined
    },
    async sql({ sql, rows: expected }, value) {
      const rows = await allRows(await engine.query(scope, { sql, params: [value] }))
      if (rows.length < expected) throw new Error(`"${sql}" found ${rows.length} rows for "${value}".`)
      return undefined
    },
    async transfer(from, to) {
      return store.transact(scope, { isolation: 'SERIALIZABLE', timeoutMs: 60_000, maxAttempts: 100 }, async tx => {
        const [one, other] = await tx.getMany(region, [from, to])
        if (!one || !other) throw new Error(`Account ${from} or ${to} is not there.`)
        await tx.putMany(region, [{ ...one.row, balance: Number(one.row['balance']) - 1 }, { ...other.row, balance: Number(other.row['balance']) + 1 }])
      })
    },
    balances: async ids => (await accounts.getMany(scope, ids)).map(entry => Number(entry?.row['balance'])),
    async cpuMicros() {
      const { user, system } = process.cpuUsage()
      return user + system
    },
    async watch() {
      const delay = monitorEventLoopDelay({ resolution: resolutionMs })
      delay.enable()
      // Only what comes behind its first look is seen.
      await pause(5 * resolutionMs)
      return async () => {
        delay.disable()
        return Math.max(0, delay.max / 1e6 - resolutionMs)
      }
    },
  }
}

async function fill(accounts: Region, records: number): Promise<void> {
  const step = 1_000
  for (let from = 0; from < records; from += step) {
    progress(`filling the region: ${from} of ${records} entries`)
    await accounts.putMany(scope, Array.from({ length: Math.min(step, records - from) }, (_, n) => account(from + n, records)))
  }
}

function tell(message: Message): void {
  process.send?.(message)
}

let toldAtMs = 0

/** Seldom enough to cost nothing. */
function progress(text: string): void {
  if (performance.now() - toldAtMs < 200) return
  toldAtMs = performance.now()
  tell({ progress: `in process, ${text}` })
}

const { data, records, ...options } = JSON.parse(process.argv[2] ?? '') as Given
const store = await openMemoryRegions({ directory: join(data, 'regions'), clock: systemClock, log, onFatal: error => { throw error } })
const accounts = await store.define(definitionOf(records))
await fill(accounts, records)
const database = await openDuckDb({ directory: join(data, 'engine') })
const engine = await openDuckDbEngine(database, { clock: systemClock, log })
await engine.mount([{ catalog: 'hub', name: region, columns: accounts.definition.columns, from: store.origin(() => accounts) }])

tell({ lines: await measureOperations(doorOf(store, accounts, engine, records), [], { ...options, progress }) })
await engine.close()
await database.close()
await store.close()
process.disconnect?.()
