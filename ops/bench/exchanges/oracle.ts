import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DuckDBInstance } from '@duckdb/node-api'
import { countryOf, type Day, type Exchange, type Kind, latest, type Line } from './day.ts'
import type { Places } from './files.ts'

/** A run as the hubs tell it. */
export interface ToldRun {
  readonly runId: string
  readonly app: string
  readonly pipelineId: string
  readonly state: string
  readonly attempt: number
  readonly trigger: string
  readonly params: { readonly runDate?: string }
  readonly queuedAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly error: { readonly category: string; readonly message: string } | null
}

/** What is wrong with what is there, a sentence each; computed of the day alone, by nothing that the product is made of. */
export async function wrongRows(places: Places, { applications, exchanges }: Day): Promise<readonly string[]> {
  const wrong: string[] = []
  for (const application of applications) {
    const data = places.dataOf(application)
    const own = exchanges.filter(one => one.application === application)
    const linesOf = (kind: Kind) => own.filter(one => one.kind === kind).map(({ lines }) => lines)
    const received = linesOf('receive').flat()
    const refined = latest(received).map(line => [...texts({ ...line, email: redacted(line.email) }), countryOf(line.customerId)].join())
    const check = (what: string, expected: readonly string[], found: readonly string[]) => wrong.push(...differences(`${application}, ${what}`, expected, found))
    check('staging.lines', received.map(plain), await lakeRows(data, 'staging/lines', 'line_id, order_id, customer_id, cents, email'))
    check('standardization.orders', refined, await lakeRows(data, 'standardization/orders', 'line_id, order_id, customer_id, cents, email, country'))
    check('service/report', refined, await csvRows(join(data, 'service/report')))
    check('service/delivered', linesOf('deliver').flatMap(latest).map(plain), await csvRows(join(data, 'service/delivered')))
    check('table line', linesOf('book').flat().map(plain), tableRows(data, 'line'))
    check('table balance', linesOf('settle').flatMap(latest).map(plain), tableRows(data, 'balance'))
  }
  return wrong
}

/** What is wrong with the runs: each file is that of one, which succeeded; a moment of a schedule that of one at most. */
export function wrongRuns(runs: readonly ToldRun[], exchanges: readonly Exchange[]): readonly string[] {
  const nameOf = (application: string, pipeline: string, runDate: string) => `${application}/${pipeline} ${runDate}`
  const byName = Map.groupBy(runs, ({ app, pipelineId, params }) => nameOf(app, pipelineId, params.runDate ?? ''))
  const awaited = new Set(exchanges.map(({ application, kind, runDate }) => nameOf(application, kind, runDate)))
  return [
    ...[...awaited].filter(name => !byName.has(name)).map(name => `${name} has no run.`),
    ...[...byName].filter(([name, of]) => of.length > 1 && (awaited.has(name) || of.some(({ trigger }) => trigger === 'SCHEDULE'))).map(([name, of]) => `${name} has ${of.length} runs: ${of.map(({ runId, state }) => `${runId} ${state}`).join(', ')}.`),
    ...runs.filter(({ state }) => state !== 'SUCCEEDED').map(({ app, pipelineId, params, runId, state, attempt, error }) => `${nameOf(app, pipelineId, params.runDate ?? '')}: run ${runId} is ${state} in attempt ${attempt}${error ? `, ${error.category}: ${error.message}` : ''}.`),
  ]
}

function texts({ lineId, orderId, customerId, cents, email }: Line): readonly string[] {
  return [lineId, orderId, customerId, cents, email].map(String)
}

function plain(line: Line): string {
  return texts(line).join()
}

/** Letters and digits but the last four are stars. */
function redacted(email: string): string {
  return email.slice(0, -4).replace(/[^\W_]/g, '*') + email.slice(-4)
}

/** How often each row is there too little or too often, with the first of them. */
function differences(where: string, expected: readonly string[], found: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const row of expected) counts.set(row, (counts.get(row) ?? 0) + 1)
  for (const row of found) counts.set(row, (counts.get(row) ?? 0) - 1)
  const lost = [...counts].filter(([, count]) => count > 0)
  const tooMany = [...counts].filter(([, count]) => count < 0)
  return [
    ...(lost.length > 0 ? [`${where}: ${lost.length} of ${expected.length} rows are lost, such as ${lost[0]?.[0]}.`] : []),
    ...(tooMany.length > 0 ? [`${where}: ${tooMany.length} rows are there that should not be, or not again, such as ${tooMany[0]?.[0]}.`] : []),
  ]
}

/** Files below a folder by their names; none where there is no such folder. */
async function names(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

/** Rows of the files that the newest version of a table lists. */
async function lakeRows(data: string, table: string, columns: string): Promise<readonly string[]> {
  const newest = (await names(join(data, table, '_versions'))).toSorted().at(-1)
  if (newest === undefined) return []
  const { files } = JSON.parse(await readFile(join(data, table, '_versions', newest), 'utf8')) as { readonly files: readonly { readonly path: string }[] }
  if (files.length === 0) return []
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  const list = files.map(({ path }) => `'${join(data, table, path)}'`).join(', ')
  const rows = (await connection.runAndReadAll(`SELECT ${columns} FROM read_parquet([${list}])`)).getRowsJson().map(row => row.join())
  connection.disconnectSync()
  instance.closeSync()
  return rows
}

/** Rows of all files of a folder, without their first lines; no value of ours has a comma or a quote. */
async function csvRows(folder: string): Promise<readonly string[]> {
  const files = await Promise.all((await names(folder)).map(name => readFile(join(folder, name), 'utf8')))
  return files.flatMap(text => text.trimEnd().split('\n').slice(1))
}

function tableRows(data: string, table: string): readonly string[] {
  const database = new DatabaseSync(join(data, 'ledger.sqlite'), { readOnly: true })
  try {
    return database.prepare(`SELECT line_id, order_id, customer_id, cents, email FROM ${table}`).all().map(row => Object.values(row).join())
  } finally {
    database.close()
  }
}
