import { randomBytes } from 'node:crypto'
import { HubError } from '../../schema/errors.ts'
import { quoteIdentifier, quoteText } from '../../schema/quote.ts'
import type { Scope } from '../ports/scope.ts'
import type { TrinoName } from '../trino/rewrite.ts'
import { type Stored, storedAs } from '../trino/stored.ts'
import type { TrinoStatements } from './trino-statements.ts'

/** Where runs keep tables while they go on. */
export interface ScratchPlace {
  /** Any that can be written. */
  readonly catalog: string
  /** What the names of its schemas begin with, one a run. */
  readonly schema: string
}

/** A column of a table, by the name statements have for it and the type it has in them. */
export interface ScratchColumn {
  readonly name: string
  readonly type: string
}

/** Rows held in Trino. */
export interface Held {
  readonly at: TrinoName
  readonly rows: number
}

/** A row, each value as the text that `storedAs` says. */
export type TextRow = readonly (string | null)[]

/** Trino takes statements of a million characters. */
const batchChars = 700_000
const mostChars = 990_000
const lostAfterMs = 86_400_000
const dropMs = 30_000

/** The tables of one run: a schema of their own, made with the first of them. It is called after its moment, so that what a process left that died can be told from what is in use. */
export class Scratch {
  readonly #statements: TrinoStatements
  readonly #scope: Scope
  readonly #place: ScratchPlace
  readonly #schema: string
  #made = 0
  #isThere: Promise<void> | undefined

  constructor(statements: TrinoStatements, scope: Scope, place: ScratchPlace) {
    this.#statements = statements
    this.#scope = scope
    this.#place = place
    this.#schema = `${place.schema}_${scope.clock.now()}_${randomBytes(4).toString('hex')}`
  }

  /** Holds rows from outside, all of them before this ends. One statement for some hundred kilobytes, whose only literal is a JSON text of them: a tenth of the time that literals of their own take. */
  async fill(columns: readonly ScratchColumn[], batches: AsyncIterable<readonly TextRow[]>): Promise<Held> {
    const { at, full, stored } = await this.#table(columns)
    await this.#statements.rows(`CREATE TABLE ${full} (${stored.map(({ type }, place) => `c${place} ${type}`).join(', ')})`)
    const head = `INSERT INTO ${full} SELECT ${stored.map(({ ofText }, place) => ofText(`r[${place + 1}]`)).join(', ')} FROM UNNEST(CAST(json_parse('[`
    let rows = 0
    let waiting: string[] = []
    let chars = 0
    const insert = async () => {
      if (waiting.length === 0) return
      const sql = `${head}${waiting.join(',')}]') AS array(array(varchar)))) AS t (r)`
      rows += waiting.length
      waiting = []
      chars = 0
      await this.#statements.rows(sql)
    }
    for await (const batch of batches) {
      for (const row of batch) {
        const text = quoteText(JSON.stringify(row)).slice(1, -1)
        if (text.length > mostChars - head.length) throw new HubError('RESULT_TOO_LARGE', `A row has ${text.length} characters; Trino takes rows of ${mostChars} at most. Leave its longest column out, or run the pipeline embedded.`)
        if (chars + text.length > batchChars) await insert()
        waiting.push(text)
        chars += text.length + 1
      }
    }
    await insert()
    return { at, rows }
  }

  /** Holds the rows of a statement, which `run` gives the texts to put around it. */
  async keep(columns: readonly ScratchColumn[], run: (around: { readonly before: string; readonly behind: string }) => Promise<number>): Promise<Held> {
    const { at, full, stored } = await this.#table(columns)
    const places = stored.map((_, place) => `v${place}`)
    const rows = await run({ before: `CREATE TABLE ${full} AS SELECT ${stored.map(({ keep }, place) => `${keep(`v${place}`)} AS c${place}`).join(', ')} FROM (`, behind: `) AS t (${places.join(', ')})` })
    return { at, rows }
  }

  /** Drops everything, also when the run has to end. What cannot be dropped now a later run drops. */
  async close(): Promise<void> {
    if (!this.#isThere) return
    await this.#isThere.catch(() => undefined)
    try {
      await this.#drop(this.#schema)
    } catch (error) {
      this.#scope.log.warn('Tables of a run are left in Trino; a run that begins a day later drops them.', { catalog: this.#place.catalog, schema: this.#schema, reason: reasonOf(error) })
    }
  }

  async #table(columns: readonly ScratchColumn[]) {
    this.#isThere ??= this.#begin()
    await this.#isThere
    this.#made += 1
    const table = `t${this.#made}`
    const { catalog } = this.#place
    const stored: readonly Stored[] = columns.map(({ type }) => storedAs(type))
    const read = new Map(columns.map(({ name }, place) => [name, stored[place]?.read(`c${place}`) ?? `c${place}`]))
    const at: TrinoName = { catalog, schema: this.#schema, table, columns: read }
    return { at, stored, full: [catalog, this.#schema, table].map(quoteIdentifier).join('.') }
  }

  async #begin(): Promise<void> {
    await this.#statements.rows(`CREATE SCHEMA ${quoteIdentifier(this.#place.catalog)}.${quoteIdentifier(this.#schema)}`)
    await this.#dropLost()
  }

  /** What was left more than a day ago. */
  async #dropLost(): Promise<void> {
    const { catalog, schema } = this.#place
    try {
      for (const [found] of await this.#statements.rows(`SELECT schema_name FROM ${quoteIdentifier(catalog)}.information_schema.schemata`)) {
        const [, beganAtMs] = new RegExp(`^${schema}_(\\d+)_[0-9a-f]{8}$`).exec(String(found)) ?? []
        if (beganAtMs !== undefined && Number(beganAtMs) < this.#scope.clock.now() - lostAfterMs) await this.#drop(String(found))
      }
    } catch (error) {
      this.#scope.log.warn('Tables that runs left in Trino could not be dropped.', { catalog, reason: reasonOf(error) })
    }
  }

  async #drop(schema: string): Promise<void> {
    await this.#statements.rows(`DROP SCHEMA IF EXISTS ${quoteIdentifier(this.#place.catalog)}.${quoteIdentifier(schema)} CASCADE`, AbortSignal.timeout(dropMs))
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
