import type { Column } from '../../../schema/values.ts'
import type { Made, Reference, Relation } from '../plan/relation.ts'
import type { Report } from '../rules.ts'
import type { Checked } from '../xml/check.ts'
import { type Attributes, type Content, element, type ElementShape, optional } from '../xml/shape.ts'
import { name } from '../xml/text-types.ts'

/** What a transformation is compiled with, beside what it reads. */
export interface Surroundings {
  readonly report: Report
  /** Tables to look things up in, by their names in the catalogue; absent: nobody knows them here. */
  readonly references?: ReadonlyMap<string, Reference>
}

/** One kind of transformation: the element it is written as, what it reads, what it makes of that, and an example that is checked as a test. */
export interface Transform<A extends Attributes = Attributes> {
  readonly shape: ElementShape<A>
  /** Attributes that name datasets; its result is called by the first of them unless `as` says otherwise. */
  readonly reads: readonly string[]
  /** Attributes that name columns of the first dataset. */
  readonly columns: readonly string[]
  /** What its attributes have against each other. */
  readonly rules?: (checked: Checked<ElementShape<A>>, report: Report) => void
  /** The statement that makes its result of its inputs, whose columns are there; undefined where that cannot be, which is reported. Absent: no statement can. */
  readonly compile?: (checked: Checked<ElementShape<A>>, inputs: readonly Relation[], surroundings: Surroundings) => Made | undefined
  /** Columns of its result, where no statement makes it. Absent: those of its first input. */
  readonly result?: (checked: Checked<ElementShape<A>>, columns: readonly Column[]) => readonly Column[]
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
  readonly columns?: readonly (keyof A & string)[]
  readonly rules?: Transform<A & typeof common>['rules']
  readonly compile?: Transform<A & typeof common>['compile']
  readonly result?: Transform<A & typeof common>['result']
  readonly example: string
}): Transform<A & typeof common> {
  const { name: own, doc, attributes, content, columns = [], ...rest } = definition
  return { shape: element(own, doc, { ...attributes, ...common }, content && { content }), columns, ...rest }
}
