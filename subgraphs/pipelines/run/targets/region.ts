import { isDeepStrictEqual } from 'node:util'
import { keyOf, type Region } from '../../../../connectors/ports/region-store.ts'
import { asHubError, HubError } from '../../../../schema/errors.ts'
import { didYouMean } from '../../../../schema/names.ts'
import { quoteIdentifier } from '../../../../schema/quote.ts'
import type { Column, Row } from '../../../../schema/values.ts'
import type { region as shape } from '../../document/targets.ts'
import { list, names, type Relation } from '../../plan/relation.ts'
import { sqlType } from '../../plan/types.ts'
import type { Checked } from '../../xml/check.ts'
import type { RunContext } from '../parts.ts'
import { drift } from '../schemas.ts'
import { refuseRepeated, type Target } from './target.ts'

/** Rows of one commit. */
const mostOfCommit = 10_000

/**
 * Entries of a region, in whole rows: a column the data lacks is null. A row that is there already, all of it, is left as it is, and nobody is told of a change. Up to ten thousand rows are merged in one commit, more in several; what fails between two of them says how many are in place, and the run
 * again puts the same rows. With overwrite all entries are swapped at once, however many.
 */
export const regionTarget: Target<Checked<typeof shape>> = {
  async prepare({ step, checked: { values: { name, mode } }, from }, context) {
    const { scope, workspace } = context
    const region = await writableRegion(name, context)
    const { columns, key } = region.definition
    const given = columns.filter(({ name: own }) => names(from.columns).includes(own))
    const wanted = columns.filter(column => given.includes(column) || !column.nullable || key.includes(column.name))
    const problems = drift(from.columns, wanted)
    if (problems.length > 0) throw new HubError('VALIDATION_ERROR', `What "${from.dataset}" has does not fit into region "${name}". ${problems.join(' ')}`)

    const dataset = `${step.id} rows`
    await workspace.define(dataset, selectAs(from, given), given)
    const rows = await workspace.keep(dataset)
    const relation = quoteIdentifier(dataset)
    await refuseRepeated(relation, key, name, context)
    await refuseNulls(relation, given.filter(({ nullable }) => !nullable), name, context)

    const all = async () => whole((await workspace.read(`SELECT ${list(names(given))} FROM ${relation}`)).batches, columns)
    return {
      rows, into: `region ${name}`, isDone: false,
      async commit() {
        if (mode === 'overwrite') await region.replaceAll(scope, await all())
        else await merge(region, await all(), rows, context)
      },
      rollback: async () => undefined,
    }
  },
}

async function writableRegion(name: string, { parts: { regions } }: RunContext): Promise<Region> {
  if (!regions) throw new HubError('VALIDATION_ERROR', `Region "${name}" cannot be written from here: regions are the hub's. Put the pipeline into the hub's folder and run it there.`)
  const found = await regions.find(name)
  if (!found) throw new HubError('NOT_FOUND', `Region "${name}" is not declared.${didYouMean(name, await regions.names())}`)
  if (found.filledFrom !== undefined) throw new HubError('FORBIDDEN', `Region "${name}" is filled from ${found.filledFrom}; pipelines do not write it.`)
  return found.region
}

/** Whole numbers that become decimals have nothing behind the point. */
const castType = { ...sqlType, Decimal: 'decimal(38, 0)' }

function selectAs({ sql, columns }: Relation, wanted: readonly Column[]): string {
  const chosen = wanted.map(({ name, type }) => {
    const own = quoteIdentifier(name)
    return columns.some(one => one.name === name && one.type !== type) ? `CAST(${own} AS ${castType[type]}) AS ${own}` : own
  })
  return `SELECT ${chosen.join(', ')} FROM ${sql}`
}

async function refuseNulls(relation: string, columns: readonly Column[], into: string, { workspace }: RunContext): Promise<void> {
  if (columns.length === 0) return
  const { batches } = await workspace.read(`SELECT ${columns.map(({ name }) => `count(*) - count(${quoteIdentifier(name)}) AS ${quoteIdentifier(name)}`).join(', ')} FROM ${relation}`)
  for await (const [counts] of batches) {
    const missing = names(columns).filter(name => Number(counts?.[name]) > 0)
    if (missing.length > 0) throw new HubError('VALIDATION_ERROR', `Region "${into}" has no nulls in ${missing.join(', ')}, and rows to write have: ${missing.map(name => `${name}: ${counts?.[name]}`).join(', ')}.`)
  }
}

async function* whole(batches: AsyncIterable<readonly Row[]>, columns: readonly Column[]): AsyncGenerator<readonly Row[], void, void> {
  for await (const rows of batches) yield rows.map(row => Object.fromEntries(columns.map(({ name }) => [name, row[name] ?? null])))
}

async function merge(region: Region, batches: AsyncIterable<readonly Row[]>, count: number, { scope }: RunContext): Promise<void> {
  let waiting: Row[] = []
  let put = 0
  const commit = async () => {
    const there = await region.getMany(scope, waiting.map(row => keyOf(region.definition.key, row)))
    const others = waiting.filter((row, place) => !isDeepStrictEqual(there[place]?.row, row))
    if (others.length > 0) await region.putMany(scope, others)
    put += waiting.length
    waiting = []
  }
  try {
    for await (const rows of batches) {
      for (const row of rows) {
        waiting.push(row)
        if (waiting.length === mostOfCommit) await commit()
      }
    }
    if (waiting.length > 0) await commit()
  } catch (error) {
    if (put === 0) throw error
    const { code, message, details } = asHubError(error)
    throw new HubError(code, `${put} of ${count} rows are in region "${region.definition.name}", each whole; the others are not: ${message} The run again puts all of them.`, details, { cause: error })
  }
}
