import type { Checked } from '../xml/check.ts'
import { type Attributes, type Content, element, type ElementShape, optional } from '../xml/shape.ts'
import { name } from '../xml/text-types.ts'
import type { Report } from '../rules.ts'

/** One kind of transformation: the element it is written as, what it reads, and an example that is checked as a test. */
export interface Transform<A extends Attributes = Attributes> {
  readonly shape: ElementShape<A>
  /** Attributes that name datasets; its result is called by the first of them unless `as` says otherwise. */
  readonly reads: readonly string[]
  /** What its attributes have against each other. */
  readonly rules?: (checked: Checked<ElementShape<A>>, report: Report) => void
  /** As it may stand in `<transformations>`. */
  readonly example: string
}

const common = { as: optional(name, 'Name of the result. Without it the result takes the place of what it was made of.') }

/** A transformation, which has `as` beside its own attributes. */
export function defineTransform<const A extends Attributes>(definition: {
  readonly name: string
  readonly doc: string
  readonly attributes: A
  readonly content?: Content
  readonly reads: readonly (keyof A & string)[]
  readonly rules?: (checked: Checked<ElementShape<A & typeof common>>, report: Report) => void
  readonly example: string
}): Transform<A & typeof common> {
  const { name: own, doc, attributes, content, reads, rules, example } = definition
  return { shape: element(own, doc, { ...attributes, ...common }, content && { content }), reads, example, ...(rules && { rules }) }
}
