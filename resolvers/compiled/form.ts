import type { GraphQLLeafType } from 'graphql'
import type { Path } from 'graphql/jsutils/Path.js'
import type { Execution } from './execution.ts'
import type { Field } from './field.ts'
import type { Position } from './position.ts'

/** Writes an object from the field `from` on: `begun` is what is written so far, `part` what that field became, where it is known already. */
export type WriteRest = (x: Execution, source: unknown, path: Path | undefined, from: number, begun: unknown, part: unknown) => unknown

/** What an answer is made as: JavaScript values, or JSON text. */
export interface Form {
  readonly name: 'data' | 'text'
  readonly nothing: unknown
  /** From values that are not null. Throws for what is no value of the type. */
  leaf(type: GraphQLLeafType): (value: unknown) => unknown
  object(fields: readonly Field[]): WriteRest
  /** An object whose parts are known, in the order of its fields. */
  whole(fields: readonly Field[], parts: readonly unknown[]): unknown
  /** Lists at `path`. */
  list(items: Position): (x: Execution, values: Iterable<unknown>, path: Path) => unknown
}
