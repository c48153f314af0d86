import { didYouMean } from '../../../schema/names.ts'
import { type Finding, inOrder } from '../finding.ts'
import { reportOn } from '../rules.ts'
import { transforms } from '../transforms/index.ts'
import { check, type Checked, childrenOf, textOf } from '../xml/check.ts'
import { proposed, type XmlElement } from '../xml/read.ts'
import { element, may, must, otherwise, required, textElement } from '../xml/shape.ts'
import { choice, duration, name, text, type Version, version } from '../xml/text-types.ts'
import { type Step, stepsOf } from './datasets.ts'
import { builtIn, type ParameterDeclaration, parametersOf, parameters } from './parameters.ts'
import { pathRules } from './paths.ts'
import { readQuery } from './query.ts'
import { schedule } from './schedule.ts'
import { type Ruled, sources, sql, watermarkName } from './sources.ts'
import { targets } from './targets.ts'

export const layers = ['staging', 'standardization', 'service'] as const
export type Layer = (typeof layers)[number]

const owner = textElement('owner', text, 'The team or application it belongs to.')
const sla = textElement('sla', duration, 'How long a run may take.')
const description = textElement('description', text, 'What it is for.')
const metadata = element('metadata', 'What is known about the pipeline.', {}, { content: { each: [must(owner), may(sla), may(schedule), may(description)] } })
const sourceList = element('sources', 'What it reads.', {}, { content: { any: sources.map(({ shape }) => shape), least: 1 } })
const transformationList = element('transformations', 'What becomes of it, in order.', {}, { content: { any: transforms.map(({ shape }) => shape), least: 0 } })
const targetList = element('targets', 'Where it goes.', {}, { content: { any: targets.map(({ shape }) => shape), least: 1 } })

/** Of a pipeline document; `schema/pipeline.xsd` is made of it. */
export const pipelineShape = element('pipeline', 'A data pipeline: sources, transformations, targets.', {
  id: required(name, 'Unique in its application.'),
  version: required(version, 'Semantic: major.minor.patch; 1.0 is 1.0.0.'),
  layer: required(choice('layer', layers), 'Where it writes.'),
  onNoData: otherwise(choice('onNoData', ['skip', 'fail']), 'skip', 'What a run does whose files match nothing.'),
}, { content: { inOrder: [must(metadata), may(parameters), must(sourceList), may(transformationList), must(targetList)] } })

/** A pipeline as its document says, with every default filled in. */
export interface PipelineDocument {
  readonly id: string
  readonly version: Version
  readonly layer: Layer
  readonly onNoData: 'skip' | 'fail'
  readonly owner: string
  readonly description?: string
  readonly slaMs?: number
  readonly schedule?: string
  readonly parameters: readonly ParameterDeclaration[]
  /** Each behind those it depends on; sources nobody reads are left out. */
  readonly steps: readonly Step[]
}

/** What was read, and everything that can be said against it without its data: with an ERROR there is no document. */
export interface PipelineRead {
  /** Its root, whatever is wrong with it. */
  readonly root: Checked<typeof pipelineShape>
  readonly document?: PipelineDocument
  readonly findings: readonly Finding[]
}

/** Checks a pipeline document, all of it at once. */
export function pipelineOf(root: XmlElement): PipelineRead {
  const findings: Finding[] = []
  const report = (finding: Finding) => void findings.push(finding)
  const pipeline = check(root, pipelineShape, report)
  const [about] = childrenOf(pipeline, metadata)
  const read = childrenOf(pipeline, sourceList).flatMap(({ children }) => children)
  const transformed = childrenOf(pipeline, transformationList).flatMap(({ children }) => children)
  const written = childrenOf(pipeline, targetList).flatMap(({ children }) => children)

  applyRules(read, sources, report)
  applyRules(transformed, transforms as readonly Ruled[], report)
  applyRules(written, targets, report)
  pathRules([...read, ...written], report)
  placeRules(written, report)
  layerRules(pipeline.values.layer, read, written, report)
  const steps = stepsOf(read, transformed, written, report)
  const declared = parametersOf(pipeline, report)
  queryRules(read, declared, report)

  const sorted = inOrder(findings)
  if (sorted.some(({ severity }) => severity === 'ERROR')) return { root: pipeline, findings: sorted }
  const { id, version: numbers, layer, onNoData } = pipeline.values
  const optional = { description: textOf(about, description) as string | undefined, slaMs: textOf(about, sla) as number | undefined, schedule: textOf(about, schedule) as string | undefined }
  return { root: pipeline, document: { id, version: numbers, layer, onNoData, owner: String(textOf(about, owner)), ...optional, parameters: declared, steps }, findings: sorted }
}

function applyRules(elements: readonly Checked[], ruled: readonly Ruled[], report: (finding: Finding) => void): void {
  for (const checked of elements) ruled.find(({ shape }) => shape === checked.shape)?.rules?.(checked, reportOn(checked, report))
}

/** What two targets of one run cannot both write: a file or a table that they would put in each other's place, a database that waits for the one while the other is made ready. */
function placeRules(written: readonly Checked[], report: (finding: Finding) => void): void {
  const first = new Map<string, Checked>()
  for (const checked of written) {
    const { path, table, jdbcUrl } = checked.values as { readonly path?: string; readonly table?: string; readonly jdbcUrl?: string }
    const kind = checked.shape.name
    const [attribute, place] = kind === 'csv' ? ['path', path] : kind === 'hive' ? ['table', table] : ['jdbcUrl', jdbcUrl?.startsWith('jdbc:sqlite:') ? jdbcUrl : undefined]
    if (place === undefined) continue
    const other = first.get(`${kind} ${place}`)
    if (!other) first.set(`${kind} ${place}`, checked)
    else if (attribute === 'jdbcUrl') reportOn(checked, report)('CONTRADICTION', attribute, `The target in line ${other.element.at.line} writes into this file, too, and SQLite takes one writer at a time. Write them in two pipelines.`)
    else reportOn(checked, report)('DUPLICATE_ID', attribute, `The target in line ${other.element.at.line} writes to this ${attribute}, too; one would take the place of the other. Give each a ${attribute} of its own, or put the rows together with <merge>.`)
  }
}

/** Queries read, and name parameters that runs have. */
function queryRules(read: readonly Checked[], declared: readonly ParameterDeclaration[], report: (finding: Finding) => void): void {
  for (const { source, query } of read.flatMap(checked => childrenOf(checked, sql).map(each => ({ source: checked, query: each })))) {
    if (typeof query.text !== 'string') continue
    const hasWatermark = (source.values as { readonly watermark?: string }).watermark !== undefined
    const known = [...builtIn, ...declared.map(({ name: own }) => own), ...(hasWatermark ? [watermarkName] : [])]
    if (hasWatermark && declared.some(({ name: own }) => own === watermarkName)) reportOn(source, report)('DUPLICATE_ID', 'watermark', `There is a parameter "${watermarkName}", too, and :${watermarkName} could be either. Give the parameter another name.`)
    const { parameters: asked, why } = readQuery(query.text)
    const at = { severity: 'ERROR', ...query.element.textAt, path: query.element.path } as const
    if (why !== undefined) report({ ...at, code: 'INVALID_VALUE', message: why })
    for (const one of asked.filter(each => !known.includes(each))) {
      const proposal = proposed(one, known)
      report({ ...at, code: 'UNKNOWN_REFERENCE', message: `The query names ":${one}", which is no parameter of this pipeline.${didYouMean(one, known) || ` There are ${known.join(', ')}; others are declared in <parameters>.`}`, ...(proposal && { proposal }) })
    }
  }
}

/** Tables of the lake are called by their layer: staging.customer_snapshot. */
function layerRules(own: Layer | undefined, read: readonly Checked[], written: readonly Checked[], report: (finding: Finding) => void): void {
  if (own === undefined) return
  for (const checked of read) {
    const layer = layerOf(checked)
    if (layer !== undefined && layers.indexOf(layer) > layers.indexOf(own)) reportOn(checked, report)('LAYER_SKIP', 'table', `A pipeline of layer "${own}" reads from "${layer}", which comes after it.`, 'WARNING')
  }
  for (const checked of written) {
    const layer = layerOf(checked)
    if (layer === undefined || layer === own) continue
    const isBackwards = own === 'service' && layer === 'staging'
    reportOn(checked, report)('LAYER_VIOLATION', 'table', `A pipeline of layer "${own}" writes into "${layer}".${isBackwards ? ' What is published does not go back into staging.' : ''}`, isBackwards ? 'ERROR' : 'WARNING')
  }
}

function layerOf({ shape, values }: Checked): Layer | undefined {
  if (shape.name !== 'hive') return undefined
  const [schema] = (values as { readonly table?: string }).table?.split('.') ?? []
  return layers.find(layer => layer === schema)
}
