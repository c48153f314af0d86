import { datasetKey, type RunDataset, type RunLineage, type WrittenDataset } from '../../../schema/lineage.ts'
import { database } from '../document/sources.ts'
import type { CompiledStep } from '../plan/compile.ts'
import { names, type Reference } from '../plan/relation.ts'
import { mask } from '../transforms/mask.ts'
import { isOf } from '../xml/check.ts'
import { databaseOrigins } from './database-origins.ts'
import { referenceDataset, sourceDataset, targetDataset, type Whose } from './datasets.ts'
import { type Analyse, maskedOrigins, once, type Origins, ownOrigins, statementOrigins } from './origins.ts'

/** What lineage is found from. */
export interface LineageParts extends Whose {
  readonly analyse: Analyse
  /** What a source that is a database was asked. */
  readonly queryOf: (source: string) => string | undefined
  readonly references: ReadonlyMap<string, Reference>
}

/** What the steps of a run read and wrote, column by column, from its statements alone: a parse of each. */
export function runLineage(steps: readonly CompiledStep[], parts: LineageParts): RunLineage {
  const read = new Map<string, RunDataset>()
  const origins = new Map<string, Origins>()
  const take = (dataset: RunDataset): Origins => {
    const { columns = [] } = read.get(datasetKey(dataset)) ?? {}
    read.set(datasetKey(dataset), { ...dataset, columns: [...columns, ...dataset.columns.filter(({ name }) => !columns.some(one => one.name === name))] })
    return ownOrigins(datasetKey(dataset), dataset.columns.map(({ name }) => name))
  }
  const references = new Map([...parts.references.values()].filter(({ columns }) => columns.length > 0).map(reference => [nameOf(reference.sql), take(referenceDataset(reference, parts))]))

  const outputs: WrittenDataset[] = []
  for (const step of steps) {
    const { id, kind, checked, relation, dependsOn } = step
    const [first = ''] = dependsOn
    if (kind === 'source') {
      const dataset = sourceDataset(checked, relation.columns, parts)
      if (dataset) origins.set(id, take(dataset))
      if (!isOf(checked, database)) continue
      const asked = databaseOrigins({ source: id, jdbcUrl: checked.values.jdbcUrl, application: parts.application, sql: parts.queryOf(id) ?? '', columns: relation.columns }, parts.analyse)
      for (const table of asked.datasets) take(table)
      origins.set(id, asked.origins)
    } else if (kind === 'transformation') {
      origins.set(id, transformed(step, new Map([...references, ...dependsOn.map(input => [input, origins.get(input) ?? none] as const)]), parts.analyse))
    } else {
      const dataset = targetDataset(checked, relation.columns, parts)
      const { columns, influences, unresolved } = sorted(origins.get(first) ?? none, relation.order?.map(({ column }) => column) ?? [])
      if (dataset) outputs.push({ ...dataset, origins: dataset.columns.map(({ name }) => columns.find(({ output }) => output === name) ?? { output: name, inputs: [] }), influences, unresolved })
    }
  }
  return { inputs: [...read.values()], outputs }
}

/** Rows go into a target in the order that a step before put them into. */
function sorted({ columns, influences, unresolved }: Origins, by: readonly string[]): Origins {
  const terms = by.flatMap(name => columns.find(({ output }) => output === name)?.inputs ?? []).map(input => ({ ...input, transformation: 'SORT' as const }))
  return { columns, influences: once([...influences, ...terms]), unresolved }
}

const none: Origins = { columns: [], influences: [], unresolved: [] }

/** Where the columns of a transformation come from, of those of what it reads. */
export function transformed({ checked, sql, relation, dependsOn: [first = ''] }: CompiledStep, inputs: ReadonlyMap<string, Origins>, analyse: Analyse, masked: typeof maskedOrigins = maskedOrigins): Origins {
  if (sql !== undefined) return statementOrigins(analyse, sql, names(relation.columns), inputs)
  const before = inputs.get(first) ?? none
  return isOf(checked, mask.shape) ? masked(before, checked.values.columns) : before
}

/** A dataset by what stands for it in statements. */
export function nameOf(sql: string): string {
  return sql.slice(1, -1).replaceAll('""', '"')
}
