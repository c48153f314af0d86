import type { PipelineLineage } from '../../connectors/ports/run-store.ts'
import type { Input, RunDataset, Transformation } from '../../schema/lineage.ts'
import type { LineageEdge, LineageNode } from './graph.ts'

/** A graph that is being made. A node or an edge that is there already stays as it is. */
export interface Draft {
  node(node: LineageNode): void
  edge(edge: LineageEdge): void
  /** A source's table of the catalog, with its columns. */
  table(id: string): void
}

/** What pipelines read and wrote, by the last run of each. */
export interface RunLineages {
  readonly pipelines: readonly PipelineLineage[]
  /** `source.table` of the catalog that is this dataset; undefined: there is none. */
  readonly tableOf: (dataset: RunDataset) => string | undefined
}

/** Adds datasets that pipelines read and wrote, and the pipelines between them. A file that one wrote leads to the files another read where those match it. */
export function addRuns(draft: Draft, { pipelines, tableOf }: RunLineages): void {
  const written: Place[] = []
  const read: Place[] = []
  for (const { application, subject, lineage: { inputs, outputs } } of pipelines) {
    const pipeline = `pipeline:${application}/${subject}`
    draft.node({ id: pipeline, kind: 'PIPELINE', name: subject })
    const ids = new Map(inputs.map(dataset => [`${dataset.namespace} ${dataset.name}`, addDataset(draft, dataset, tableOf)]))
    for (const [place, from] of [...ids.values()].entries()) {
      draft.edge({ from, to: pipeline, kind: 'RUN' })
      read.push({ dataset: inputs[place] as RunDataset, id: from })
    }
    for (const output of outputs) {
      const to = addDataset(draft, output, tableOf)
      written.push({ dataset: output, id: to })
      draft.edge({ from: pipeline, to, kind: 'RUN' })
      const edge = ({ table, column, transformation }: Input<Transformation>, end: string) => draft.edge({ from: `${ids.get(table)}.${column}`, to: end, kind: 'RUN', transformation })
      for (const { output: column, inputs: origins } of output.origins) for (const origin of origins) edge(origin, `${to}.${column}`)
      for (const influence of output.influences) edge(influence, to)
    }
  }
  for (const { dataset, id } of written) {
    for (const other of read) if (other.id !== id && isRead(other.dataset, dataset)) addMatch(draft, { dataset, id }, other)
  }
}

interface Place {
  readonly dataset: RunDataset
  readonly id: string
}

function addDataset(draft: Draft, dataset: RunDataset, tableOf: RunLineages['tableOf']): string {
  const { kind, namespace, name, columns } = dataset
  const known = kind === 'REGION' ? `hub.${name}` : tableOf(dataset)
  const id = known ?? (namespace.includes('://') ? `${namespace}/${name}` : `${namespace}:${name}`)
  if (kind !== 'REGION' && known !== undefined) draft.table(known)
  draft.node({ id, kind, name: known === undefined ? name : id.slice(id.indexOf('.') + 1) })
  for (const column of columns) {
    draft.node({ id: `${id}.${column.name}`, kind: 'COLUMN', name: column.name, parent: id, ...(column.type && { columnType: column.type }) })
    if (kind !== 'REGION') draft.edge({ from: id, to: `${id}.${column.name}`, kind: 'CONTAIN' })
  }
  return id
}

/** Whether a pattern of files takes in what is written at a path, whose dates and ids are not known. */
function isRead(pattern: RunDataset, written: RunDataset): boolean {
  if (pattern.namespace !== written.namespace || !/^(?:file$|s3:)/.test(pattern.namespace)) return false
  const sample = written.name.replaceAll(/%[A-Za-z]/g, '0').replaceAll('*', 'x')
  const parts = pattern.name.split(/(\*\*\/?|[*?]|%[A-Za-z])/).map((part, place) => (place % 2 === 0 ? part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`) : part.startsWith('**') ? '.*' : part === '*' ? '[^/]*' : part === '?' ? '[^/]' : '0'))
  return new RegExp(`^${parts.join('')}$`).test(sample)
}

function addMatch(draft: Draft, { dataset, id }: Place, read: Place): void {
  draft.edge({ from: id, to: read.id, kind: 'CONTAIN' })
  for (const { name } of read.dataset.columns) {
    if (dataset.columns.some(column => column.name === name)) draft.edge({ from: `${id}.${name}`, to: `${read.id}.${name}`, kind: 'CONTAIN', transformation: 'IDENTITY' })
  }
}
