import { didYouMean } from '../../../schema/names.ts'
import { pipelineOf } from '../document/pipeline.ts'
import { type DocumentRead, readDocument } from '../document/read.ts'
import type { Finding } from '../finding.ts'
import type { XmlElement } from '../xml/read.ts'
import type { Overlay, OverlayEntry, OverlayProblem } from './environment.ts'

export interface Overlaid {
  readonly read: DocumentRead
  /** Entries that address nothing, or give what nothing takes. With one of them the document is as it was. */
  readonly problems: readonly OverlayProblem[]
  /** What its own text has against itself. */
  readonly before: readonly Finding[]
}

/** What says which thing it is, what it is made of, and what is sensitive in it is the same in every environment. */
const fixed = ['id', 'source', 'schemaRef', 'schema']
const texts = ['schedule', 'sla'] as const

interface Changes {
  readonly attributes: Map<XmlElement, Map<string, string>>
  readonly texts: Map<string, string | null>
}

/**
 * A pipeline as an environment has it. A key is `STEP.ATTRIBUTE`, of a source or target by its id in plans, or `schedule` or `sla`. Where the values do not go into the document that is said of it as of a document that has them. One that has
 * mistakes of its own stays as it is.
 */
export function overlaid(xml: string, entries: readonly OverlayEntry[]): Overlaid {
  const read = readDocument(xml)
  if (entries.length === 0 || read.kind !== 'pipeline' || !read.document) return { read, problems: [], before: read.findings }
  const steps = read.document.steps.filter(({ kind }) => kind !== 'transformation')
  const places = new Map<string, { readonly element: XmlElement; readonly name: string }>(steps.flatMap(({ id, checked }) => Object.keys(checked.shape.attributes).filter(name => !fixed.includes(name)).map(name => [`${id}.${name}`, { element: checked.element, name }] as const)))
  const changes: Changes = { attributes: new Map(), texts: new Map() }
  const problems: OverlayProblem[] = []
  for (const { key, value, app, pipelineId, ...at } of entries) {
    const place = places.get(key)
    if (texts.some(one => one === key)) changes.texts.set(key, value)
    else if (!place) problems.push({ ...at, message: `Pipeline "${pipelineId}" of "${app}" has nothing that "${key}" addresses.${didYouMean(key, [...places.keys(), ...texts]) || ` It takes ${[...places.keys(), ...texts].join(', ')}.`}` })
    else if (value === null) problems.push({ ...at, message: `"${key}" has no value; a text, a number or a truth is expected. Only ${texts.join(' and ')} can be taken away.` })
    else changes.attributes.set(place.element, (changes.attributes.get(place.element) ?? new Map<string, string>()).set(place.name, value))
  }
  if (problems.length > 0) return { read, problems, before: read.findings }
  return { read: { kind: 'pipeline', ...pipelineOf(changed(read.root.element, changes)) }, problems: [], before: read.findings }
}

/** Entries of applications or pipelines that are not there. */
export function unknownPlaces({ entries }: Overlay, pipelines: readonly { readonly application: string; readonly id: string }[]): readonly OverlayProblem[] {
  const apps = [...new Set(pipelines.map(({ application }) => application))]
  return entries.flatMap(({ app, pipelineId, key: _key, value: _value, ...at }): readonly OverlayProblem[] => {
    if (!apps.includes(app)) return [{ ...at, message: `There is no application "${app}" with pipelines.${didYouMean(app, apps)}` }]
    const own = [...new Set(pipelines.filter(({ application }) => application === app).map(({ id }) => id))]
    return own.includes(pipelineId) ? [] : [{ ...at, message: `There is no pipeline "${pipelineId}" in "${app}".${didYouMean(pipelineId, own)}` }]
  })
}

export function entriesOf({ entries }: Overlay, app: string, id: string): readonly OverlayEntry[] {
  return entries.filter(entry => entry.app === app && entry.pipelineId === id)
}

/** `environments/qa.yaml:3:5: …` */
export function placed({ file, line, column, message }: OverlayProblem): string {
  return `${file}:${line}:${column}: ${message}`
}

function changed(element: XmlElement, changes: Changes): XmlElement {
  const own = changes.attributes.get(element)
  const children = element.children.map(child => changed(child, changes))
  return {
    ...element,
    attributes: own ? new Map([...element.attributes, ...[...own].map(([name, value]) => [name, { value, at: element.attributes.get(name)?.at ?? element.at }] as const)]) : element.attributes,
    children: element.name === 'metadata' ? withTexts(element, children, changes.texts) : children,
  }
}

function withTexts({ at, path }: XmlElement, children: readonly XmlElement[], given: Changes['texts']): readonly XmlElement[] {
  const others = children.filter(({ name }) => !given.has(name))
  return [...others, ...[...given].flatMap(([name, text]): readonly XmlElement[] => {
    const there = children.find(child => child.name === name)
    return text === null ? [] : [{ name, at, path: `${path}/${name}`, attributes: new Map(), children: [], textAt: at, ...there, text }]
  })]
}
