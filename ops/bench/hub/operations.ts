import { setImmediate as nextTurn } from 'node:timers/promises'
import { make, measure, type Calls, type Counted, type Line, type Told } from '../clients.ts'
import { scaled, type Counter } from '../load.ts'
import { spread } from '../scenarios.ts'
import { accountId, conflicting, hot, hotAccounts, hotIds, startBalance, statements, type Statement, type Transfer } from './accounts.ts'

/** A way to the accounts: in the process itself, or over HTTP. A call fails where its answer is not the one there has to be. */
export interface Door {
  readonly records: number
  get(id: string): Promise<Told | undefined>
  getAll(ids: readonly string[]): Promise<Told | undefined>
  sql(statement: Statement, value: string): Promise<Told | undefined>
  /** Takes one from the first account's balance and adds it to the second's; answered when it is durable. */
  transfer(from: string, to: string): Promise<Told>
  balances(ids: readonly string[]): Promise<readonly number[]>
  /** Of the process that has the region. */
  readonly cpuMicros: Counter
  /** Begins to look at its event loop; the answer tells its longest pause since, in ms. */
  watch(): Promise<() => Promise<number>>
  /** Calls to measure with the default scale, and clients of calls that wait for nothing but the process. */
  readonly counts: Readonly<Record<'get' | 'getAll' | 'sql' | 'tx', number>>
  readonly readers: number
}

export interface OperationOptions {
  /** Only lines whose name holds this text. */
  readonly only: string
  /** Factor on every count, and on the time everything runs together. */
  readonly scale: number
  /** Clients of calls that wait for more than the process; of everything together half for reads, a quarter each for SQL and transactions. */
  readonly connections: number
  readonly progress: (text: string) => void
}

/** Time everything runs together, with the default scale. */
const togetherMs = 20_000

/** All lines the door can give, one after the other, then everything at once. The sum of the balances is checked at the end. */
export async function measureOperations(door: Door, own: readonly Counted[], options: OperationOptions): Promise<readonly Line[]> {
  const lines: Line[] = []
  const key = keysOf(door.records)
  for (const work of [...alone(door, key, options), ...own].filter(({ name }) => name.includes(options.only))) lines.push(await measure(work, door.cpuMicros, options))
  const mixed = together(door, key, options)
  if (mixed.some(({ name }) => name.includes(options.only))) lines.push(...(await measureTogether(mixed, door, options)))

  const sum = (await door.balances(hotIds(door.records))).reduce((all, balance) => all + balance, 0)
  if (sum !== hotAccounts * startBalance) throw new Error(`The accounts that transactions moved money between have ${sum} together; they had ${hotAccounts * startBalance}.`)
  return lines
}

type KeyAt = (n: number) => string

function alone(door: Door, key: KeyAt, { connections }: OperationOptions): readonly Counted[] {
  const { records, counts, readers } = door
  const counted = (name: string, clients: number, calls: number, call: Calls['call']): Counted => ({ name, clients, calls, warmUp: calls / 4, call })
  const sql = (name: string, statement: Statement, calls: number) => counted(`hub.sql, ${name}`, connections, calls, n => door.sql(statement, statement.value(n, records)))
  const tx = (name: string, clients: number, transfer: Transfer) => counted(`hub.tx, ${name}`, clients, counts.tx, n => transferred(door, transfer(n)))
  return [
    counted('hub.get', readers, counts.get, n => door.get(key(n))),
    counted('hub.getAll100', readers, counts.getAll, n => door.getAll(Array.from({ length: 100 }, (_, index) => key(n * 100 + index)))),
    sql('one row by an index', statements.one, counts.sql),
    sql('ten rows by an index', statements.ten, counts.sql),
    // It reads every row: of more rows fewer times.
    { ...sql('one row without an index', statements.scan, Math.max(4, Math.round(20_000_000 / records))), clients: 1 },
    ...[0, 10, 50].map(share => tx(`${share} % in conflict`, connections, conflicting(share, records))),
    tx(`${hotAccounts} hot keys`, 500, hot(records)),
  ]
}

/** A client waits for a turn of the event loop as whoever comes over a socket does; that is part of what its call takes. */
function together(door: Door, key: KeyAt, { connections }: OperationOptions): readonly Calls[] {
  const { records } = door
  const transfer = conflicting(0, records)
  const inTurn = (name: string, share: number, call: Calls['call']): Calls => ({
    name: `together, ${name}`, clients: Math.max(1, Math.round(connections * share)),
    async call(n) {
      await nextTurn()
      return call(n)
    },
  })
  return [
    inTurn('get', 0.5, n => door.get(key(n))),
    inTurn('SQL, ten rows by an index', 0.25, n => door.sql(statements.ten, statements.ten.value(n, records))),
    inTurn('transactions, 0 % in conflict', 0.25, n => transferred(door, transfer(n))),
  ]
}

async function measureTogether(kinds: readonly Calls[], door: Door, { scale, progress }: OperationOptions): Promise<readonly Line[]> {
  const run = (forMs: number, from: number) => {
    const untilMs = performance.now() + forMs
    return Promise.all(kinds.map(calls => make(calls, from, () => performance.now() < untilMs)))
  }
  progress('everything together: warming up')
  await run(scaled(togetherMs / 4, scale), 0)
  progress(`everything together: ${scaled(togetherMs, scale)} ms`)
  const [longestPauseMs, before] = [await door.watch(), await door.cpuMicros()]
  const lines = await run(scaled(togetherMs, scale), 1_000_000)
  const [pauseMs, after] = [await longestPauseMs(), await door.cpuMicros()]
  const calls = lines.reduce((sum, line) => sum + line.calls, 0)
  return lines.map(line => ({ ...line, pauseMs, cpuMicros: (after - before) / calls }))
}

const transferred = (door: Door, [from, to]: readonly [number, number]): Promise<Told> => door.transfer(accountId(from), accountId(to))

/** Keys drawn from up to a million, spread over the region and made beforehand, as those of requests are when the region is asked. */
function keysOf(records: number): KeyAt {
  const keys = Array.from({ length: Math.min(records, 1_000_000) }, (_, n) => JSON.parse(`"${accountId(spread(n, records))}"`) as string)
  return n => keys[n % keys.length] ?? ''
}
