import type { Finding } from '../finding.ts'
import { reportOn } from '../rules.ts'
import { type Checked, childrenOf } from '../xml/check.ts'
import { element, optional, otherwise, required } from '../xml/shape.ts'
import { choice, name, type TextType } from '../xml/text-types.ts'

/** A variable that a run is given; `runDate`, `runId`, `app` and `env` are there without being declared. */
export interface ParameterDeclaration {
  readonly name: string
  readonly type: ParameterType
  /** As it is written. Absent: every run has to say it. */
  readonly fallback?: string
}

export const builtIn = ['runDate', 'runId', 'app', 'env'] as const
const parameterTypes = ['string', 'int', 'decimal', 'boolean', 'date', 'timestamp'] as const
export type ParameterType = (typeof parameterTypes)[number]

const forms: Readonly<Record<ParameterType, RegExp>> = {
  string: /^/, int: /^-?\d{1,18}$/, decimal: /^-?\d+(?:\.\d+)?$/, boolean: /^(?:true|false)$/, date: /^\d{4}-\d\d-\d\d$/, timestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?$/,
}

/** Whether a text is a value of the type. */
export function isValue(type: ParameterType, text: string): boolean {
  return forms[type].test(text) && (type !== 'date' && type !== 'timestamp' ? true : !Number.isNaN(Date.parse(text)))
}

const anything: TextType<string> = { name: 'anything', expected: 'a text', read: text => text, xsd: { base: 'xs:string' } }

const parameter = element('parameter', 'A variable.', {
  name: required(name, 'As it stands in queries, behind ":".'),
  type: otherwise(choice('parameterType', parameterTypes), 'string', 'What its values are.'),
  default: optional(anything, 'Where a run does not say it.'),
})
export const parameters = element('parameters', 'What a run may be given.', {}, { content: { any: [parameter], least: 0 } })

/** Those the document declares. */
export function parametersOf(document: Checked, report: (finding: Finding) => void): readonly ParameterDeclaration[] {
  const found = new Map<string, ParameterDeclaration>()
  for (const checked of childrenOf(document, parameters).flatMap(list => childrenOf(list, parameter))) {
    const { name: own, type, default: fallback } = checked.values
    const tell = reportOn(checked, report)
    if (own !== undefined && builtIn.some(one => one === own)) tell('DUPLICATE_ID', 'name', `"${own}" is there without being declared. Give the parameter another name.`)
    else if (own !== undefined && found.has(own)) tell('DUPLICATE_ID', 'name', `There is another parameter "${own}".`)
    if (fallback !== undefined && type !== undefined && !isValue(type, fallback)) tell('INVALID_VALUE', 'default', `"${fallback}" is no value of type ${type}.`)
    if (own !== undefined && type !== undefined) found.set(own, { name: own, type, ...(fallback !== undefined && { fallback }) })
  }
  return [...found.values()]
}
