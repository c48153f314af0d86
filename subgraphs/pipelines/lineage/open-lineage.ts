import { createHash } from 'node:crypto'
import type { RunEnding, StoredRun } from '../../../connectors/ports/run-store.ts'
import type { Derivation, Influence, Input, RunDataset, RunLineage, WrittenDataset } from '../../../schema/lineage.ts'
import { instant, type Json } from '../../../schema/values.ts'
import type { StepRecord } from '../run/record.ts'

/** What all events of a hub have in common. */
export interface EventSource {
  /** Of its pipelines, and before the names of datasets that are its own. */
  readonly namespace: string
  /** Who sends it, as a URI. */
  readonly producer: string
}

export type RunEnded = Pick<RunEnding, 'state' | 'message' | 'lineage' | 'record'>

type Members = { readonly [member: string]: Json }

const eventSchema = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent'
const facetVersions = {
  ColumnLineageDatasetFacet: '1-2-0', ErrorMessageRunFacet: '1-0-1', JobTypeJobFacet: '2-0-3', NominalTimeRunFacet: '1-0-1', OutputStatisticsOutputDatasetFacet: '1-0-2', ParentRunFacet: '1-1-0', SchemaDatasetFacet: '1-1-1',
} as const

/** That a run began. `job` is the run of a job that it belongs to. */
export function startEvent(source: EventSource, run: StoredRun, atMs: number, job: StoredRun | undefined): Json {
  return { ...common(source, run, 'START', atMs, job), inputs: [], outputs: [] }
}

/** That it ended, with what it read and wrote where that is known. */
export function endEvent(source: EventSource, run: StoredRun, atMs: number, job: StoredRun | undefined, { state, message, lineage, record }: RunEnded): Json {
  const event = common(source, run, state === 'FAILED' ? 'FAIL' : state === 'CANCELLED' ? 'ABORT' : 'COMPLETE', atMs, job, state === 'FAILED' ? (message ?? 'No reason was told.') : undefined)
  const { steps = [] } = (record ?? {}) as { readonly steps?: readonly StepRecord[] }
  const targets = steps.filter(({ kind }) => kind === 'target')
  return {
    ...event,
    inputs: (lineage?.inputs ?? []).map(dataset => ({ ...named(source, dataset), facets: { schema: schemaFacet(source, dataset) } })),
    outputs: (lineage?.outputs ?? []).map((dataset, place) => ({ ...named(source, dataset), facets: { schema: schemaFacet(source, dataset), columnLineage: columnFacet(source, dataset, lineage) }, ...statistics(source, targets[place]) })),
  }
}

function common(source: EventSource, run: StoredRun, eventType: string, atMs: number, job: StoredRun | undefined, failure?: string): Members {
  const { namespace, producer } = source
  const { runDate } = (run.parameters ?? {}) as { readonly runDate?: string }
  const nominalMs = Date.parse(runDate ?? '')
  return {
    eventType, eventTime: instant(atMs), producer, schemaURL: eventSchema,
    run: {
      runId: uuidOf(run.runId),
      facets: {
        ...(!Number.isNaN(nominalMs) && { nominalTime: facet(source, 'NominalTimeRunFacet', { nominalStartTime: instant(nominalMs) }) }),
        ...(job && { parent: facet(source, 'ParentRunFacet', { run: { runId: uuidOf(job.runId) }, job: { namespace, name: nameOf(job) } }) }),
        ...(failure !== undefined && { errorMessage: facet(source, 'ErrorMessageRunFacet', { message: failure, programmingLanguage: 'XML' }) }),
      },
    },
    job: { namespace, name: nameOf(run), facets: { jobType: facet(source, 'JobTypeJobFacet', { processingType: 'BATCH', integration: 'TRIBUTARY', jobType: 'PIPELINE' }) } },
  }
}

function nameOf({ application, subject }: StoredRun): string {
  return `${application}.${subject}`
}

/** A database is called as everybody calls it; what only this hub has is behind its namespace. */
function named({ namespace: own }: EventSource, { namespace, name }: Pick<RunDataset, 'namespace' | 'name'>): Members {
  return { namespace: namespace.includes('://') ? namespace.replace(/^postgresql:/, 'postgres:') : `${own}:${namespace}`, name }
}

function schemaFacet(source: EventSource, { columns }: RunDataset): Json {
  return facet(source, 'SchemaDatasetFacet', { fields: columns.map(({ name, type }) => ({ name, ...(type && { type }) })) })
}

function columnFacet(source: EventSource, { origins, influences }: WrittenDataset, lineage: RunLineage | undefined): Json {
  const datasets = new Map((lineage?.inputs ?? []).map(dataset => [`${dataset.namespace} ${dataset.name}`, named(source, dataset)]))
  const field = ({ table, column, transformation }: Input<Derivation | Influence>): Json => ({ ...datasets.get(table), field: column, transformations: [transformationOf[transformation]] })
  return facet(source, 'ColumnLineageDatasetFacet', { fields: Object.fromEntries(origins.map(({ output, inputs }) => [output, { inputFields: inputs.map(field) }])), dataset: influences.map(field) })
}

const transformationOf: Readonly<Record<Derivation | Influence, Members>> = {
  IDENTITY: { type: 'DIRECT', subtype: 'IDENTITY', description: '', masking: false },
  EXPRESSION: { type: 'DIRECT', subtype: 'TRANSFORMATION', description: '', masking: false },
  AGGREGATION: { type: 'DIRECT', subtype: 'AGGREGATION', description: '', masking: false },
  MASK: { type: 'DIRECT', subtype: 'TRANSFORMATION', description: '', masking: true },
  FILTER: { type: 'INDIRECT', subtype: 'FILTER', description: '', masking: false },
  JOIN: { type: 'INDIRECT', subtype: 'JOIN', description: '', masking: false },
  GROUP_BY: { type: 'INDIRECT', subtype: 'GROUP_BY', description: '', masking: false },
  SORT: { type: 'INDIRECT', subtype: 'SORT', description: '', masking: false },
}

function statistics(source: EventSource, step: StepRecord | undefined): Members {
  if (step?.rows === undefined) return {}
  return { outputFacets: { outputStatistics: facet(source, 'OutputStatisticsOutputDatasetFacet', { rowCount: step.rows, ...(step.bytes !== undefined && { size: step.bytes }) }) } }
}

function facet({ producer }: EventSource, name: keyof typeof facetVersions, members: Members): Json {
  return { _producer: producer, _schemaURL: `https://openlineage.io/spec/facets/${facetVersions[name]}/${name}.json#/$defs/${name}`, ...members }
}

/** Ids of runs are UUIDs, but those of a job's pipelines, which are hashes, and those that callers gave. */
function uuidOf(runId: string): string {
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(runId)) return runId
  const [, a, b, c, d, e] = /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/.exec(createHash('sha256').update(runId).digest('hex')) ?? []
  return `${a}-${b}-8${c}-8${d}-${e}`
}
