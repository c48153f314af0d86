import { setTimeout as pause } from 'node:timers/promises'
import { Random } from '../../../gateway/demo/random.ts'
import { type Findings, machine } from '../report.ts'
import { type Day, dayOf, type Exchange, kinds } from './day.ts'
import { placesIn, type Places, writeApplications, writeLanding, writeRefining } from './files.ts'
import { Hubs, slots } from './hubs.ts'
import { type ToldRun, wrongRows, wrongRuns } from './oracle.ts'
import { ownDatabase } from './postgres.ts'
import { residueOf } from './residue.ts'

export interface ExchangesOptions {
  readonly exchanges: number
  readonly applications: number
  /** How often a hub is ended with SIGKILL. */
  readonly kills: number
  /** How often one is held for so long that its runs are taken over, and goes on then. */
  readonly freezes: number
  readonly hubs: number
  /** Of the day's files and of the moments of kills. */
  readonly seed: number
  /** Where all of it lies. */
  readonly folder: string
  /** A server with a database for the runs; one hub needs none. */
  readonly postgresUrl: string | undefined
  readonly progress: (line: string) => void
  /** Ends all of it, with its hubs. */
  readonly signal: AbortSignal
  /** Hears what the hubs write. */
  readonly heard: (text: string) => void
}

export interface ExchangesFigures {
  readonly options: Pick<ExchangesOptions, 'exchanges' | 'applications' | 'kills' | 'freezes' | 'hubs' | 'seed'>
  readonly seconds: number
  readonly lines: number
  readonly killed: number
  readonly frozen: number
  /** Runs of exchanges that another worker began again. */
  readonly takenOver: number
  /** Runs that were put in by a schedule. */
  readonly scheduled: number
  /** Requests that were asked again, by why. */
  readonly retries: Readonly<Record<string, number>>
  readonly cpuSeconds: number
  readonly peakMb: number
  /** From the queue to the end, and at work, in milliseconds. */
  readonly wholeMs: Shares
  readonly workMs: Shares
  readonly scratch: number
  readonly strays: number
  /** Everything that is lost, doubled, not ended or left behind, a sentence each. */
  readonly wrong: readonly string[]
}

interface Shares {
  readonly p50: number
  readonly p95: number
}

/** Runs that wait or go on at a time, at most. */
const mostOpen = 64
const lookMs = 500
/** Nothing ended for so long: nothing will. */
const stuckMs = 120_000

/** Takes a day of files through pipelines of hubs that are killed while they work, and compares all of what is there then with what should be. */
export async function measureExchanges(options: ExchangesOptions): Promise<ExchangesFigures> {
  const { exchanges, applications, kills, freezes, hubs: count, seed, folder, postgresUrl, signal, heard } = options
  const day = dayOf(options)
  const places = placesIn(folder)
  await writeApplications(places, day)
  const database = count > 1 ? await ownDatabase(postgresUrl) : undefined
  let hubs: Hubs | undefined
  try {
    hubs = await Hubs.start({ count, places, folder, postgresUrl: database?.url, signal, heard })
    const startedMs = performance.now()
    const load = new Load(hubs, places, day, options)
    await load.all()
    const seconds = (performance.now() - startedMs) / 1000
    const runs = await runsOf(hubs)
    const { cpuSeconds, peakMb } = await hubs.figures()
    await hubs.stop()
    const own = runs.filter(isExchange)
    const residue = await residueOf(places, day, { temporary: hubs.temporary, killed: (load.killed + load.frozen) * slots })
    return {
      options: { exchanges, applications, kills, freezes, hubs: count, seed }, seconds, cpuSeconds, peakMb, killed: load.killed, frozen: load.frozen, lines: day.exchanges.reduce((sum, { lines }) => sum + lines.length, 0),
      takenOver: own.filter(({ attempt }) => attempt > 1).length, scheduled: runs.filter(({ trigger }) => trigger === 'SCHEDULE').length, retries: Object.fromEntries(hubs.retries),
      wholeMs: sharesOf(own.map(({ queuedAt, endedAt }) => between(queuedAt, endedAt))), workMs: sharesOf(own.map(({ startedAt, endedAt }) => between(startedAt, endedAt))),
      scratch: residue.scratch, strays: residue.strays, wrong: [...load.wrong, ...wrongRuns(runs, day.exchanges), ...(await wrongRows(places, day)), ...residue.wrong],
    }
  } finally {
    await hubs?.stop()
    await database?.drop()
  }
}

const mutation = 'mutation ($app: String!, $id: ID!, $params: JSON, $concurrent: Boolean, $key: String) { runPipeline(app: $app, id: $id, params: $params, allowConcurrent: $concurrent, idempotencyKey: $key) { runId } }'

/** The day as it goes on. */
class Load {
  readonly wrong: string[] = []
  killed = 0
  frozen = 0
  readonly #hubs: Hubs
  readonly #places: Places
  readonly #day: Day
  readonly #options: ExchangesOptions
  readonly #random: Random
  /** What befalls a hub, and how many exchanges have ended then. */
  readonly #faults: { readonly at: number; readonly what: 'kill' | 'freeze' }[]
  #fault: Promise<void> | undefined
  readonly #startedMs = performance.now()
  #put = 0

  constructor(hubs: Hubs, places: Places, day: Day, options: ExchangesOptions) {
    this.#hubs = hubs
    this.#places = places
    this.#day = day
    this.#options = options
    this.#random = new Random(options.seed + 1)
    const at = () => this.#random.whole(options.applications, Math.floor(options.exchanges * 0.95))
    this.#faults = [...Array.from({ length: options.kills }, () => ({ at: at(), what: 'kill' as const })), ...Array.from({ length: options.freezes }, () => ({ at: at(), what: 'freeze' as const }))].sort((a, b) => a.at - b.at)
  }

  async all(): Promise<void> {
    const { exchanges, applications } = this.#day
    await this.#take(exchanges.slice(0, applications.length))
    await writeRefining(this.#places, this.#day)
    await this.#take(exchanges.slice(applications.length))
    await this.#fault
    // What the schedule began may go on: these follow it.
    for (const id of ['refine', 'report']) await Promise.all(applications.map(app => this.#runBehindOthers(app, id)))
  }

  /** Files arrive and are put in as fast as the hubs take them. Ends when all have ended. */
  async #take(exchanges: readonly Exchange[]): Promise<void> {
    let next = 0
    const target = this.#put + exchanges.length
    let changedMs = performance.now()
    let before = 0
    for (;;) {
      const { open, ended } = await this.#counts()
      this.#tell(ended)
      if (ended !== before) changedMs = performance.now()
      before = ended
      if (ended >= target) return
      if (performance.now() - changedMs > stuckMs) throw new Error(`No run has ended for ${stuckMs / 1000} seconds; ${ended} of ${target} have, and ${open} are open.`)
      this.#faultWhenDue(ended)
      const arrived = exchanges.slice(next, next + Math.max(0, mostOpen - (this.#put - ended)))
      next += arrived.length
      await Promise.all(arrived.map(one => this.#putIn(one)))
      await pause(lookMs)
    }
  }

  async #putIn(exchange: Exchange): Promise<void> {
    this.#put += 1
    await writeLanding(this.#places, exchange)
    const { number, application, kind, runDate } = exchange
    const { errors } = await this.#hubs.ask(mutation, { app: application, id: kind, params: { runDate }, concurrent: true, key: `exchange ${number}` })
    if (errors) throw new Error(`Exchange ${number} was refused: ${errors.map(({ message }) => message).join(' ')}`)
  }

  async #runBehindOthers(app: string, id: string): Promise<void> {
    const key = `last ${app} ${id}`
    for (;;) {
      const { data, errors } = await this.#hubs.ask<{ runPipeline: { runId: string } }>(mutation, { app, id, params: {}, concurrent: false, key })
      if (data) return this.#ended(data.runPipeline.runId)
      if (errors?.[0]?.extensions?.code !== 'CONFLICT') throw new Error(`${app}/${id} was refused: ${errors?.map(({ message }) => message).join(' ')}`)
      await pause(lookMs)
    }
  }

  async #ended(runId: string): Promise<void> {
    for (;;) {
      const { data } = await this.#hubs.ask<{ run: { state: string } | null }>('query ($runId: ID!) { run(runId: $runId) { state } }', { runId })
      if (data?.run && !['QUEUED', 'RUNNING'].includes(data.run.state)) return
      await pause(lookMs)
    }
  }

  async #counts(): Promise<{ readonly open: number; readonly ended: number }> {
    const { data, errors } = await this.#hubs.ask<{ runStats: readonly { pipelineId: string; open: number; succeeded: number; skipped: number; failed: number; cancelled: number }[] }>('{ runStats { pipelineId open succeeded skipped failed cancelled } }')
    if (!data) throw new Error(`Runs could not be counted: ${errors?.map(({ message }) => message).join(' ')}`)
    const own = data.runStats.filter(isExchange)
    return { open: own.reduce((sum, one) => sum + one.open, 0), ended: own.reduce((sum, one) => sum + one.succeeded + one.skipped + one.failed + one.cancelled, 0) }
  }

  #faultWhenDue(ended: number): void {
    if (this.#fault || this.#faults.length === 0 || ended < (this.#faults[0]?.at ?? 0)) return
    this.#fault = this.#bringFault().catch((error: unknown) => {
      this.wrong.push(`A hub could not be killed and started again, or held: ${error instanceof Error ? error.message : String(error)}`)
    }).finally(() => {
      this.#fault = undefined
    })
  }

  /** A run that loses two workers ends as LOST, as is promised: while one is in its second attempt nothing befalls a hub. */
  async #bringFault(): Promise<void> {
    const { data } = await this.#hubs.ask<{ runs: { nodes: readonly { attempt: number }[] } }>('{ runs(filter: { states: [QUEUED, RUNNING] }, first: 1000) { nodes { attempt } } }')
    if (!data || data.runs.nodes.some(({ attempt }) => attempt > 1)) return
    await pause(this.#random.whole(0, 1_000))
    if (this.#faults.shift()?.what === 'kill') {
      this.killed += 1
      await this.#hubs.kill(this.#random)
    } else {
      this.frozen += 1
      await this.#hubs.freeze(this.#random)
    }
  }

  #tell(ended: number): void {
    const { exchanges, kills, freezes } = this.#options
    const seconds = (performance.now() - this.#startedMs) / 1000
    const bar = '█'.repeat(Math.floor((ended / exchanges) * 30)).padEnd(30, '░')
    this.#options.progress(`${bar} ${ended} of ${exchanges} exchanges, ${(ended / seconds).toFixed(1)} a second, ${this.killed} of ${kills} kills, ${this.frozen} of ${freezes} freezes, ${Math.round(seconds)} s`)
  }
}

function isExchange({ pipelineId }: { readonly pipelineId: string }): boolean {
  return (kinds as readonly string[]).includes(pipelineId)
}

async function runsOf(hubs: Hubs): Promise<readonly ToldRun[]> {
  const runs: ToldRun[] = []
  for (let after: string | null = null; ;) {
    const { data }: { readonly data?: { readonly runs: { readonly nodes: readonly ToldRun[]; readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null } } } | null } =
      await hubs.ask('query ($after: String) { runs(first: 1000, after: $after) { nodes { runId app pipelineId state attempt trigger params queuedAt startedAt endedAt error { category message } } pageInfo { hasNextPage endCursor } } }', { after })
    if (!data) throw new Error('Runs could not be listed.')
    runs.push(...data.runs.nodes)
    if (!data.runs.pageInfo.hasNextPage) return runs
    after = data.runs.pageInfo.endCursor
  }
}

function between(from: string | null, to: string | null): number {
  return Date.parse(to ?? '') - Date.parse(from ?? '')
}

function sharesOf(all: readonly number[]): Shares {
  const sorted = all.filter(Number.isFinite).toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95) }
}

export function exchangesFindings(figures: ExchangesFigures): Findings {
  const { options: { exchanges, applications, hubs, seed }, seconds, lines, killed, frozen, takenOver, scheduled, retries, cpuSeconds, peakMb, wholeMs, workMs, scratch, strays, wrong } = figures
  const asked = Object.entries(retries).map(([why, count]) => `${count} ${why}`).join(', ')
  return {
    name: 'exchanges',
    about: `A day of files between ${applications} applications, put in as fast as the hubs take them, by four pipelines each: a csv appended to a table of the lake, deduplicated and exported as csv, appended to a table of a database, merged into another. Two more, one of them by its schedule, deduplicate, look up and mask what was received and export it. Hubs are programs of their own with ${slots} runs at a time each; killed ones are started again, and others are held until their runs are taken over, and go on then. Then every row of every table and file is compared with the day's files, and every run with its file.`,
    tables: [{
      title: `${exchanges.toLocaleString('en')} exchanges, ${lines.toLocaleString('en')} lines, ${hubs === 1 ? 'one hub on SQLite' : `${hubs} hubs on PostgreSQL`}, seed ${seed}`,
      header: ['minutes', 'exchanges/s', 'kills', 'freezes', 'taken over', 'by schedule', 'CPU s', 'CPU ms each', 'peak MB', 'queue to end p50 s', 'p95 s', 'at work p50 s', 'p95 s', 'wrong'],
      rows: [[
        (seconds / 60).toFixed(1), (exchanges / seconds).toFixed(1), String(killed), String(frozen), String(takenOver), String(scheduled), cpuSeconds.toFixed(0), ((cpuSeconds * 1000) / exchanges).toFixed(0), peakMb.toFixed(0),
        ...[wholeMs.p50, wholeMs.p95, workMs.p50, workMs.p95].map(ms => (ms / 1000).toFixed(2)), String(wrong.length),
      ]],
    }],
    notes: [
      `${machine()}; node ${process.version}`, `Requests that were asked again: ${asked || 'none'}.`,
      `Left by runs that were killed, to go after a day: ${scratch} scratch folders, ${strays} files in tables.`, wrong.length === 0 ? 'Nothing is lost, nothing doubled, no run waits or goes on.' : `${wrong.length} things are wrong.`,
    ],
  }
}
