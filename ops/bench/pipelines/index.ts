import { spawn } from 'node:child_process'
import { readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { csvRecords } from '../../../connectors/files/csv-head.ts'
import { type Findings, machine } from '../report.ts'
import { memoryLimit, type Workload, writeWorkload } from './work.ts'

export interface PipelinesOptions {
  /** Rows of the largest workload; it is measured with 1,000,000, 10,000,000 and 50,000,000, up to this. */
  readonly rows: number
  /** Turns of each contender. */
  readonly rounds: number
  readonly progress: (line: string) => void
}

interface Took {
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakBytes: number
}

export interface PipelinesFigures {
  readonly workload: Workload
  /** By contender: each turn. None: it is not there. */
  readonly took: Readonly<Record<Contender, readonly Took[]>>
}

const contenders = ['tributary', 'duckdb', 'spark'] as const
type Contender = (typeof contenders)[number]

const sizes = [1_000_000, 10_000_000, 50_000_000]

/** A pipeline beside SQL that does the same in DuckDB, and beside Spark where Python finds pyspark, each in a process of its own, by turns. Their answers are compared. */
export async function measurePipelines({ rows, rounds, progress }: PipelinesOptions): Promise<readonly PipelinesFigures[]> {
  const base = join(tmpdir(), 'tributary-bench-pipelines')
  const hasSpark = (await ended('python3', ['-c', 'import pyspark'])).code === 0
  const figures: PipelinesFigures[] = []
  for (const format of ['parquet', 'csv'] as const) {
    for (const size of sizes.filter(one => one <= rows || one === sizes[0])) {
      const workload: Workload = { rows: size, format, folder: join(base, `${format}-${size}`) }
      progress(`${format}, ${size} rows: writing files`)
      await writeWorkload(workload)
      const took: Record<Contender, Took[]> = { tributary: [], duckdb: [], spark: [] }
      for (let round = 0; round < rounds; round++) {
        for (const who of contenders) {
          if (who === 'spark' && !hasSpark) continue
          progress(`${format}, ${size} rows: ${who}, ${round + 1} of ${rounds}`)
          took[who].push(await turn(who, workload))
        }
      }
      await compareAnswers(workload.folder, hasSpark)
      figures.push({ workload, took })
      await rm(workload.folder, { recursive: true })
    }
  }
  return figures
}

async function turn(who: Contender, workload: Workload): Promise<Took> {
  const { code, out, err } = who === 'spark'
    ? await ended('python3', [join(import.meta.dirname, 'spark.py'), String(workload.rows), workload.format, workload.folder, memoryLimit.replace('GB', 'g')])
    : await ended(process.execPath, [join(import.meta.dirname, 'contender.ts'), who, JSON.stringify(workload)])
  if (code !== 0) throw new Error(`${who} ended with ${code}: ${err.slice(-2_000)}`)
  return JSON.parse(out.trim().split('\n').at(-1) ?? '') as Took
}

function ended(program: string, argv: readonly string[]): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { err += text })
  return new Promise(done => {
    child.on('error', error => done({ code: null, out, err: error.message }))
    child.on('close', code => done({ code, out, err }))
  })
}

/** The same rows from everybody; sums of floating numbers depend on their order, and are as good as equal. */
async function compareAnswers(folder: string, hasSpark: boolean): Promise<void> {
  const answer = async (file: string) => csvRecords(await readFile(join(folder, file), 'utf8'), { quote: '"', delimiter: ',' }, 100_000).slice(1)
  const same = (one: readonly string[] = [], other: readonly string[] = []) => one.slice(0, 3).join() === other.slice(0, 3).join() && Math.abs(Number(one[3]) - Number(other[3])) <= 1e-9 * Math.abs(Number(one[3]))
  const ours = await answer('out/work.csv')
  const files = ['out-raw.csv', ...(hasSpark ? (await readdir(join(folder, 'out-spark'))).filter(name => name.endsWith('.csv')).map(name => `out-spark/${name}`) : [])]
  for (const file of files) {
    const other = await answer(file)
    const at = ours.findIndex((row, nth) => !same(row, other[nth]))
    if (ours.length !== other.length || at >= 0) throw new Error(`Answers differ: ${ours[at]?.join()} and, in ${file}, ${other[at]?.join()}.`)
  }
}

export function pipelinesFindings(figures: readonly PipelinesFigures[]): Findings {
  const best = (took: readonly Took[], of: keyof Took) => (took.length === 0 ? undefined : Math.min(...took.map(one => one[of])))
  const rows = figures.map(({ workload: { format, rows: count }, took }) => {
    const cpu = (who: Contender) => best(took[who], 'cpuMs')
    const ours = cpu('tributary') ?? Number.NaN
    const rate = (who: Contender) => {
      const wall = best(took[who], 'wallMs')
      return wall === undefined ? '–' : Math.round(count / (wall / 1000)).toLocaleString('en')
    }
    const seconds = (who: Contender) => (cpu(who) === undefined ? '–' : ((cpu(who) ?? 0) / 1000).toFixed(2))
    return [
      `${format}, ${count.toLocaleString('en')} rows`, `${((cpu('duckdb') ?? Number.NaN) / ours).toFixed(2)}×`, cpu('spark') === undefined ? '–' : `${((cpu('spark') ?? 0) / ours).toFixed(1)}×`, seconds('tributary'), seconds('duckdb'), seconds('spark'),
      rate('tributary'), rate('duckdb'), rate('spark'), String(Math.round((best(took.tributary, 'peakBytes') ?? 0) / 1e6)),
    ]
  })
  return {
    name: 'pipelines',
    about: `The latest row of each customer, with a status that is looked up by a join, counted and summed by country and status and sorted into a csv: as a pipeline in XML, as SQL in DuckDB, and in Spark, local. Each in a process of its own that is started for it, with ${memoryLimit} for what it holds (Spark: for its heap). CPU is user and system time from the start of the work to its end, after some of it over a thousand rows; of Spark that of its process and JVM from their start. The lowest of all turns. Answers are compared.`,
    tables: [{ title: 'CPU and rows a second', header: ['workload', 'DuckDB / ours', 'Spark / ours', 'CPU s', 'DuckDB', 'Spark', 'rows/s', 'DuckDB', 'Spark', 'peak MB'], rows }],
    notes: [`${machine()}; node ${process.version}`, ...(figures.some(({ took }) => took.spark.length === 0) ? ['Spark was not there: python3 -m pip install pyspark, with a Java 17.'] : [])],
  }
}
