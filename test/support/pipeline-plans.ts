import { type DuckDatabase, openDuckDb } from '../../connectors/duckdb/database.ts'
import { openDuckDbEngine } from '../../connectors/duckdb/engine.ts'
import { allRows, type SqlEngine } from '../../connectors/ports/sql-engine.ts'
import type { Column, ColumnType, Row, Value } from '../../schema/values.ts'
import { quoteIdentifier } from '../../schema/quote.ts'
import { type CompiledStep, compilePlan, type Plan } from '../../subgraphs/pipelines/plan/compile.ts'
import { list, names as namesOf, type Reference, term } from '../../subgraphs/pipelines/plan/relation.ts'
import { pipelineIn } from './pipelines.ts'
import { testScope } from './scope.ts'
import { liveTable } from './sql-tables.ts'

/** Columns with their types, and rows of values in their order. */
export interface Given {
  readonly columns: Readonly<Record<string, ColumnType>>
  readonly rows: readonly (readonly Value[])[]
  /** Of a reference. */
  readonly keys?: readonly string[]
}

export const columnsOf = ({ columns }: Given): readonly Column[] => Object.entries(columns).map(([name, type]) => ({ name, type, nullable: true }))
const rowsOf = ({ columns, rows }: Given): readonly Row[] => rows.map(values => Object.fromEntries(Object.keys(columns).map((name, place) => [name, values[place] ?? null])))

/** Compiles transformations over datasets and references, and runs them on DuckDB. */
export class PlanBench {
  readonly #database: DuckDatabase
  readonly #engine: SqlEngine

  private constructor(database: DuckDatabase, engine: SqlEngine) {
    this.#database = database
    this.#engine = engine
  }

  static async open(): Promise<PlanBench> {
    const database = await openDuckDb({})
    return new PlanBench(database, await openDuckDbEngine(database, testScope()))
  }

  async plan(transformations: string, datasets: Readonly<Record<string, Given>>, references: Readonly<Record<string, Given>> = {}): Promise<Plan> {
    const sources = Object.keys(datasets).map(id => `<csv id="${id}" path="${id}.csv"/>`).join('')
    return this.compile(`<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources>${sources}</sources>\n<transformations>${transformations}</transformations>\n<targets><region name="r"/></targets></pipeline>`, datasets, references)
  }

  /** Of a whole document, whose sources have these columns. */
  async compile(xml: string, datasets: Readonly<Record<string, Given>>, references: Readonly<Record<string, Given>> = {}): Promise<Plan> {
    const document = pipelineIn(xml)
    const tables = [...Object.entries(datasets), ...Object.entries(references)].map(([name, given]) => liveTable(name, columnsOf(given), () => rowsOf(given)))
    await this.#engine.mount(tables)
    return compilePlan(document, {
      columnsOf: async ({ id }) => datasets[id] && columnsOf(datasets[id]),
      references: new Map(Object.entries(references).map(([name, given]): [string, Reference] => [name, { dataset: name, sql: `hub.${name}`, columns: columnsOf(given), ...(given.keys && { keys: given.keys }) }])),
      describe: sql => this.#engine.describe(testScope(), { sql }),
    })
  }

  /** The rows of the last step before the target, as lists of values; with a title of its columns first. */
  async rows(plan: Plan): Promise<unknown[][]> {
    const target = plan.steps.at(-1)
    if (target?.kind !== 'target') throw new Error(plan.findings.map(({ code, message }) => `${code} ${message}`).join('\n') || 'There is no plan.')
    const [last = ''] = target.dependsOn
    const result = await this.#engine.query(testScope(), { sql: wholeStatement(plan, last) })
    const rows = await allRows(result)
    const names = result.columns.map(({ name }) => name)
    return [names, ...rows.map(row => names.map(name => row[name]))]
  }

  /** How many rows break each rule of a step. */
  async broken(plan: Plan): Promise<Readonly<Record<string, unknown>>> {
    const found: Record<string, unknown> = {}
    for (const step of plan.steps) {
      for (const { name, severity, sql } of step.rules ?? []) {
        const inputs = plan.steps.filter(({ kind, id }) => kind === 'source' || step.dependsOn.includes(id))
        const [row] = await allRows(await this.#engine.query(testScope(), { sql: inputs.some(({ kind }) => kind !== 'source') ? `WITH ${inputs.filter(({ sql: own }) => own !== undefined).map(({ id, sql: own }) => `"${id}" AS (${own})`).join(', ')} ${sql}` : sql }))
        found[`${name} ${severity}`] = row?.['broken']
      }
    }
    return found
  }

  async close(): Promise<void> {
    await this.#engine.close()
    await this.#database.close()
  }
}

/** One statement for what a step makes, over the sources' relations alone. */
function wholeStatement(plan: Plan, id: string): string {
  const needed = new Map<string, CompiledStep>()
  const add = (one: string) => {
    const step = plan.steps.find(each => each.id === one)
    if (!step || needed.has(one)) return
    for (const other of step.dependsOn) add(other)
    if (step.sql !== undefined) needed.set(one, step)
  }
  add(id)
  const step = plan.steps.find(each => each.id === id)
  if (!step) throw new RangeError(`There is no step "${id}".`)
  const { relation } = step
  const order = relation.order ? ` ORDER BY ${relation.order.map(term).join(', ')}` : ''
  const parts = [...needed.values()].map(({ id: own, sql }) => `${quoteIdentifier(own)} AS (${sql})`)
  return `${parts.length > 0 ? `WITH ${parts.join(', ')} ` : ''}SELECT ${list(namesOf(relation.columns))} FROM ${relation.sql}${order}`
}
