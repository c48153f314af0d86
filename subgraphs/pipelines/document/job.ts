import { didYouMean } from '../../../schema/names.ts'
import { type Finding, inOrder } from '../finding.ts'
import { reportOn } from '../rules.ts'
import { check, type Checked, childrenOf, textOf } from '../xml/check.ts'
import { proposed, type XmlElement } from '../xml/read.ts'
import { element, may, must, optional, otherwise, required } from '../xml/shape.ts'
import { choice, countOrNone, email as address, name, names, url, type Version, version } from '../xml/text-types.ts'
import { cycleIn } from './cycle.ts'
import { type ParameterDeclaration, parameters, parametersOf } from './parameters.ts'
import { schedule } from './schedule.ts'

const pipelineRef = element('pipelineRef', 'A pipeline of the job.', {
  id: required(name, 'The pipeline.'),
  dependsOn: optional(names, 'Pipelines of the job that have to succeed first.'),
  onFailure: otherwise(choice('onFailure', ['retry', 'halt', 'skip', 'continue', 'fallback']), 'halt', 'retry: again, up to maxRetries times, then halt; halt: nothing further starts; skip: those that depend on it are left out; continue: they run all the same; fallback: the pipeline named runs in its place.'),
  maxRetries: optional(countOrNone, 'For retry.'),
  fallback: optional(name, 'For fallback: the pipeline.'),
})
const on = required(choice('notifyOn', ['failure', 'completion', 'success', 'sla_breach', 'start']), 'When it is sent.')
const email = element('email', 'A mail.', { to: required(address, 'To whom.'), on })
const webhook = element('webhook', 'A signed POST.', { url: required(url, 'Where to.'), on })
const metadata = element('metadata', 'What is known about the job.', {}, { content: { each: [must(schedule)] } })
const pipelineList = element('pipelines', 'What it runs.', {}, { content: { any: [pipelineRef], least: 1 } })
const notificationList = element('notifications', 'Who is told.', {}, { content: { any: [email, webhook], least: 0 } })

/** Of a job document; `schema/job.xsd` is made of it. */
export const jobShape = element('jobPipeline', 'Pipelines that run in the order in which they depend on each other.', {
  id: required(name, 'Unique in its application.'),
  version: required(version, 'Semantic: major.minor.patch; 1.0 is 1.0.0.'),
}, { content: { inOrder: [may(metadata), may(parameters), must(pipelineList), may(notificationList)] } })

export interface PipelineRef {
  readonly checked: Checked
  readonly id: string
  readonly dependsOn: readonly string[]
  readonly onFailure: 'retry' | 'halt' | 'skip' | 'continue' | 'fallback'
  /** For retry. */
  readonly maxRetries: number
  readonly fallback?: string
}

export interface Notification {
  readonly kind: 'email' | 'webhook'
  /** Addresses with commas between, or a URL. */
  readonly target: string
  readonly on: 'failure' | 'completion' | 'success' | 'sla_breach' | 'start'
}

export interface JobDocument {
  readonly id: string
  readonly version: Version
  readonly schedule?: string
  readonly parameters: readonly ParameterDeclaration[]
  /** In the order of the document. */
  readonly refs: readonly PipelineRef[]
  readonly notifications: readonly Notification[]
}

export interface JobRead {
  /** Its root, whatever is wrong with it. */
  readonly root: Checked<typeof jobShape>
  readonly document?: JobDocument
  readonly findings: readonly Finding[]
}

const usualRetries = 3

/** Checks a job document, all of it at once; whether its pipelines exist only who has them can say. */
export function jobOf(root: XmlElement): JobRead {
  const findings: Finding[] = []
  const report = (finding: Finding) => void findings.push(finding)
  const job = check(root, jobShape, report)
  const refs = childrenOf(job, pipelineList).flatMap(list => childrenOf(list, pipelineRef))
  refRules(refs, report)
  const declared = parametersOf(job, report)

  const sorted = inOrder(findings)
  if (sorted.some(({ severity }) => severity === 'ERROR')) return { root: job, findings: sorted }
  const notifications = childrenOf(job, notificationList).flatMap(({ children }) => children).map((checked): Notification => {
    const { to, url: where, on: when } = checked.values as { readonly to?: string; readonly url?: string; readonly on: Notification['on'] }
    return { kind: checked.shape === email ? 'email' : 'webhook', target: to ?? where ?? '', on: when }
  })
  const read = refs.map((checked): PipelineRef => {
    const { id, dependsOn = [], onFailure, maxRetries = usualRetries, fallback } = checked.values
    return { checked, id, dependsOn, onFailure, maxRetries, ...(fallback !== undefined && { fallback }) }
  })
  const [about] = childrenOf(job, metadata)
  const when = textOf(about, schedule) as string | undefined
  return { root: job, document: { id: job.values.id, version: job.values.version, ...(when !== undefined && { schedule: when }), parameters: declared, refs: read, notifications }, findings: sorted }
}

function refRules(refs: readonly Checked<typeof pipelineRef>[], report: (finding: Finding) => void): void {
  const known = new Map<string, Checked<typeof pipelineRef>>()
  for (const checked of refs) {
    const { id, onFailure, maxRetries, fallback } = checked.values
    const tell = reportOn(checked, report)
    const other = known.get(id)
    if (other) tell('DUPLICATE_ID', 'id', `"${id}" stands in the job already, in line ${other.element.at.line}.`)
    else if (id !== undefined) known.set(id, checked)
    const given = (attribute: string) => checked.element.attributes.has(attribute)
    if (onFailure === 'retry' && !given('maxRetries')) tell('MISSING_ATTRIBUTE', 'onFailure', `"maxRetries" is not given; the pipeline is tried again up to ${usualRetries} times.`, 'WARNING')
    if (onFailure !== 'retry' && maxRetries !== undefined) tell('CONTRADICTION', 'maxRetries', `"maxRetries" means something only with onFailure="retry"; it is "${onFailure}".`, 'WARNING')
    if (onFailure === 'fallback' && !given('fallback')) tell('MISSING_ATTRIBUTE', 'onFailure', 'onFailure="fallback" needs "fallback": the pipeline that runs in its place.')
    if (onFailure !== 'fallback' && fallback !== undefined) tell('CONTRADICTION', 'fallback', `"fallback" means something only with onFailure="fallback"; it is "${onFailure}".`, 'WARNING')
    if (fallback !== undefined && fallback === id) tell('CONTRADICTION', 'fallback', `"${id}" cannot run in its own place.`)
  }
  for (const checked of refs) {
    for (const wanted of checked.values.dependsOn ?? []) {
      if (!known.has(wanted)) reportOn(checked, report)('UNKNOWN_REFERENCE', 'dependsOn', `"${wanted}" is no pipeline of this job.${didYouMean(wanted, known.keys()) || ` There are ${[...known.keys()].join(', ')}.`}`, 'ERROR', proposed(wanted, known.keys()))
    }
  }
  const cycle = cycleIn(known.keys(), id => known.get(id)?.values.dependsOn ?? [])
  const [first] = cycle ?? []
  if (cycle && first) reportOn(known.get(first) as Checked, report)('CYCLE', 'dependsOn', `These pipelines wait for each other: ${[...cycle, first].map(id => `"${id}"`).join(' depends on ')}.`)
}
