import { datasetKey, type Input, type RunLineage } from '../../../schema/lineage.ts'

/** Lineage as the graph shows it. */
export function shownLineage({ inputs, outputs }: RunLineage) {
  const byKey = new Map(inputs.map(dataset => [datasetKey(dataset), dataset]))
  const shownInput = ({ table, column, transformation }: Input) => ({ namespace: byKey.get(table)?.namespace, name: byKey.get(table)?.name, column, transformation })
  return {
    inputs: inputs.map(({ namespace, name, columns }) => ({ namespace, name, columns: columns.map(shownColumn) })),
    outputs: outputs.map(({ namespace, name, columns, origins, influences, unresolved }) => ({
      namespace, name, unresolved, influences: influences.map(shownInput),
      columns: columns.map(column => ({ ...shownColumn(column), inputs: (origins.find(({ output }) => output === column.name)?.inputs ?? []).map(shownInput) })),
    })),
  }
}

function shownColumn({ name, type }: RunLineage['inputs'][number]['columns'][number]) {
  return { name, type: type ?? null }
}
