import { fork } from 'node:child_process'
import { once } from 'node:events'
import { constants, mkdtemp, open, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import { apiKey } from '../gateway/api-key.ts'
import { plainEnv } from '../gateway/contender.ts'
import { tributary } from '../gateway/gateways.ts'
import type { Line } from '../clients.ts'
import { median } from '../gateway/summary.ts'
import { machine, type Findings } from '../report.ts'
import { account, catalogOf } from './accounts.ts'
import type { Given, Message } from './in-process.ts'
import { measureOperations, type OperationOptions } from './operations.ts'
import { doorOf, readsOf } from './over-http.ts'

export interface HubOptions extends OperationOptions {
  /** Entries of the region. */
  readonly records: number
}

export interface HubFigures {
  readonly records: number
  readonly inProcess: readonly Line[]
  readonly overHttp: readonly Line[]
  /** Of one entry as JSON. */
  readonly recordBytes: number
  /** Median time of one synchronous write of 4 KB behind the others where the data folder is. */
  readonly syncWriteMs: number
}

export const hubErrors = ({ inProcess, overHttp }: HubFigures): number => [...inProcess, ...overHttp].reduce((sum, { errors }) => sum + errors, 0)

/** Rows of a statement without an index are objects on the heap for a moment; half of the machine's memory is for them. */
const heapFlag = `--max-old-space-size=${Math.floor(totalmem() / 2 ** 21)}`
const tmpfs = 0x01021994

/** Fills a region in a fresh data folder, measures it in a process of its own, then starts the hub on that folder and measures it over HTTP. */
export async function measureHub(options: HubOptions): Promise<HubFigures> {
  const { records } = options
  const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'))
  try {
    if ((await statfs(folder)).type === tmpfs) throw new RangeError(`${folder} is in memory, where nothing is durable. Let TMPDIR name a folder on a disk.`)
    const syncWriteMs = await synchronousWrite(folder)
    const inProcess = await measureInProcess({ ...options, data: join(folder, 'data') }, options.progress)
    return { records, syncWriteMs, inProcess, overHttp: await measureOverHttp(folder, options), recordBytes: JSON.stringify(account(records - 1, records)).length }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measureInProcess({ progress: _, ...given }: Given & Pick<OperationOptions, 'progress'>, progress: OperationOptions['progress']): Promise<readonly Line[]> {
  const child = fork(join(import.meta.dirname, 'in-process.ts'), [JSON.stringify(given)], { execArgv: [heapFlag], env: plainEnv })
  let lines: readonly Line[] = []
  child.on('message', (message: Message) => {
    if ('lines' in message) lines = message.lines
    else progress(message.progress)
  })
  // What it told comes before it hangs up, which may be behind its end.
  const [[code]] = await Promise.all([once(child, 'exit') as Promise<[number | null]>, once(child, 'disconnect')])
  if (code !== 0) throw new Error(`The process that measures from within ended with ${code}.`)
  return lines
}

async function measureOverHttp(folder: string, options: HubOptions): Promise<readonly Line[]> {
  const { records, connections, progress } = options
  const [catalog, keys] = [join(folder, 'hub.yaml'), join(folder, 'keys.json')]
  const key = apiKey(['cache:read', 'cache:write', 'query:run'])
  await Promise.all([writeFile(catalog, catalogOf(records)), key.write(keys)])
  progress(`starting the hub on ${records} entries`)
  const args = ['start', '--catalog', catalog, '--data', join(folder, 'data'), '--auth-api-keys-file', keys, '--request-timeout-ms', '600000']
  const server = await tributary(args, { ...plainEnv, NODE_OPTIONS: heapFlag }).start()
  const pool = new Pool(server.url, { connections: 500, pipelining: 1, headersTimeout: 600_000 })
  try {
    const door = doorOf(server, pool, key.headers, records, connections)
    return await measureOperations(door, readsOf(door, pool, key.headers), { ...options, progress: text => progress(`over HTTP, ${text}`) })
  } finally {
    await pool.close()
    await server.stop()
  }
}

async function synchronousWrite(folder: string): Promise<number> {
  const taken: number[] = []
  await using file = await open(join(folder, 'written'), constants.O_CREAT | constants.O_WRONLY | constants.O_DSYNC)
  for (let n = 0; n < 200; n++) {
    const startedMs = performance.now()
    await file.write(Buffer.alloc(4_096))
    taken.push(performance.now() - startedMs)
  }
  return median(taken)
}

const header = ['operation', 'clients', 'calls', 'a second', 'CPU µs', 'p50 ms', 'p95 ms', 'p99 ms', 'longest ms', 'attempts', 'pause ms', 'bytes', 'errors']

export function hubFindings({ records, inProcess, overHttp, recordBytes, syncWriteMs }: HubFigures): Findings {
  return {
    name: 'hub operations',
    about: `One region of ${records} entries in a data folder on disk, two indexes. In process: the region store and the SQL engine by themselves, with what makes the calls in the same process; its CPU is in the figures. Over HTTP: the whole hub on that folder, authentication by API key on; CPU is the server's. A client makes its next call when it has its last answer. Transactions read and write two entries and are answered when they are durable; "in conflict" move between the same two accounts, "attempts" is how often one was begun. CPU and the longest pause of the event loop of the lines together are of all of them.`,
    tables: [{ title: 'In process', header, rows: inProcess.map(cells) }, { title: 'Over HTTP', header, rows: overHttp.map(cells) }].filter(({ rows }) => rows.length > 0),
    notes: [
      `${machine()}; node ${process.version}; an entry is ${recordBytes} bytes as JSON, "bytes" those of an answer; one synchronous write of 4 KB takes ${syncWriteMs.toFixed(2)} ms`,
      ...[...inProcess, ...overHttp].flatMap(({ name, failure }) => (failure === undefined ? [] : [`${name}: ${failure}`])),
    ],
  }
}

function cells({ name, clients, calls, perSecond, cpuMicros, p50Ms, p95Ms, p99Ms, longestMs, attempts, pauseMs, bytes, errors }: Line): readonly string[] {
  const optional = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? '–'
  return [name, String(clients), String(calls), perSecond.toFixed(0), cpuMicros.toFixed(1), ...[p50Ms, p95Ms, p99Ms, longestMs].map(ms => ms.toFixed(3)), optional(attempts, 2), optional(pauseMs, 1), optional(bytes, 0), String(errors)]
}
