import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { LakeFile, LakeTable, NewLakeVersion } from '../../../../connectors/ports/lake.ts'
import { HubError } from '../../../../schema/errors.ts'
import { quoteText } from '../../../../schema/quote.ts'
import type { Column } from '../../../../schema/values.ts'
import type { hive } from '../../document/targets.ts'
import { names } from '../../plan/relation.ts'
import type { Checked } from '../../xml/check.ts'
import type { RunContext } from '../parts.ts'
import { drift } from '../schemas.ts'
import { mergedSelect } from './hive-merge.ts'
import { done, selectOf, type Target } from './target.ts'

/** Added by the engine where a table is partitioned by it and the rows do not have it: the day of the run's date. */
const ingestDate = 'ingest_date'
const mostPartitions = 10_000

/** A table of the lake. What a run writes is a version of it, or nothing. */
export const hiveTarget: Target<Checked<typeof hive>> = {
  async prepare(order, context) {
    const { checked: { values: { table: name, mode, partitionBy: asked = [], format } }, from, mark } = order
    const { scope, parts: { lake, objects, engine }, runDate } = context
    if (format !== 'parquet') throw new HubError('VALIDATION_ERROR', `Table "${name}" is to be of format "${format}", which ${engine.name} does not write; parquet is what it does.`)
    const there = await lake.table(scope, name)
    if (there?.marks.includes(mark)) return done(name)
    if (there && asked.length > 0) refusePartitions(name, there, asked)
    const partitionBy = there?.partitionBy ?? asked

    const added = partitionBy.includes(ingestDate) && !names(from.columns).includes(ingestDate) ? [{ name: ingestDate, sql: `CAST(${quoteText(runDate.slice(0, 10))} AS date)` }] : []
    const columns = partitionsLast([...from.columns, ...added.map(({ name: own }): Column => ({ name: own, type: 'Date', nullable: true }))], partitionBy, name)
    if (there) refuseDrift(name, there, columns, context)
    const scratch = await objects.scratch(scope)
    try {
      const select = mode === 'merge' ? await mergedSelect(order, there, selectOf({ ...from, order: [] }, added), columns, context) : selectOf(from, added)
      const written = await context.workspace.write(select, { folder: scratch.folder, name: `part-${mark.replace(/[^A-Za-z0-9_.-]/g, '-')}-${randomUUID().slice(0, 8)}`, format: 'parquet', ...(partitionBy.length > 0 && { partitionBy }) })
      const touched = new Set(written.files.map(({ path }) => folderOf(path)))
      if (touched.size > mostPartitions) throw new HubError('VALIDATION_ERROR', `The rows fall into ${touched.size} partitions of "${name}"; ${mostPartitions} in one run are the limit. Partition by something with fewer values, such as a day.`)
      const next: NewLakeVersion = {
        columns: columnsOf(there, columns), partitionBy, keep: kept(mode, there, touched), mark, about: { run: context.runId, pipeline: context.pipelineId, mode },
        add: written.rows === 0 ? [] : written.files.map(({ path, bytes }) => ({ path, bytes, from: join(scratch.folder, path) })),
        // What is appended does not depend on what is there; all else was computed of it.
        ...(mode === 'append' && {
          over(table) {
            refusePartitions(name, table, partitionBy)
            refuseDrift(name, table, columns, context)
            return { columns: columnsOf(table, columns), keep: table.files }
          },
        }),
      }
      return {
        rows: written.rows, bytes: written.files.reduce((sum, { bytes }) => sum + bytes, 0), into: name, isDone: false,
        async commit() {
          await lake.commit(scope, name, there?.version ?? 0, next)
          await scratch.close()
        },
        rollback: () => scratch.close(),
      }
    } catch (error) {
      await scratch.close()
      throw error
    }
  },
}

function partitionsLast(columns: readonly Column[], partitionBy: readonly string[], name: string): readonly Column[] {
  const missing = partitionBy.filter(own => !names(columns).includes(own))
  if (missing.length > 0) throw new HubError('VALIDATION_ERROR', `Rows for "${name}" have no column ${missing.map(own => `"${own}"`).join(', ')}, by which it is partitioned; they have ${names(columns).join(', ')}.`)
  return [...columns.filter(({ name: own }) => !partitionBy.includes(own)), ...partitionBy.flatMap(own => columns.filter(one => one.name === own))]
}

/** Those of the table, new ones behind them, partitions last. */
function columnsOf(table: LakeTable | undefined, columns: readonly Column[]): readonly Column[] {
  if (!table) return columns
  const news = columns.filter(({ name }) => !names(table.columns).includes(name))
  const isPartition = ({ name }: Column) => table.partitionBy.includes(name)
  return [...table.columns.filter(one => !isPartition(one)), ...news, ...table.columns.filter(isPartition)]
}

function refusePartitions(name: string, table: LakeTable, asked: readonly string[]): void {
  if (asked.join() !== table.partitionBy.join()) throw new HubError('VALIDATION_ERROR', `Table "${name}" is partitioned by ${table.partitionBy.join(', ') || 'nothing'}, and the target says ${asked.join(', ') || 'nothing'}.`)
}

/** A column more is told; one that is missing or of another type ends the run. */
function refuseDrift(name: string, { columns: wanted }: LakeTable, columns: readonly Column[], { scope }: RunContext): void {
  const news = names(columns).filter(own => !names(wanted).includes(own))
  const problems = drift(columns.filter(one => !news.includes(one.name)), wanted)
  if (problems.length > 0) throw new HubError('VALIDATION_ERROR', `The rows are not those of table "${name}". ${problems.join(' ')}`)
  if (news.length > 0) scope.log.warn('A table of the lake gets new columns.', { table: name, columns: news })
}

function kept(mode: 'append' | 'overwrite' | 'merge', table: LakeTable | undefined, touched: ReadonlySet<string>): readonly LakeFile[] {
  if (!table || mode === 'merge') return []
  if (mode === 'append') return table.files
  return table.partitionBy.length === 0 ? [] : table.files.filter(({ path }) => !touched.has(folderOf(path)))
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
