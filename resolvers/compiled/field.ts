import { getArgumentValues, type FieldNode, type GraphQLField, type GraphQLFieldResolver, type GraphQLObjectType, type GraphQLOutputType } from 'graphql'
import type { Path } from 'graphql/jsutils/Path.js'
import type { Context } from '../context.ts'
import { type ResolveAll, resolveAllOf } from '../loader.ts'
import { Failed } from './ahead.ts'
import { type Arguments, constantArguments, givenArguments, type GivenArguments } from './arguments.ts'
import type { Execution } from './execution.ts'
import type { Form } from './form.ts'
import { Position } from './position.ts'
import { Selections } from './selection.ts'
import type { Variant } from './variant.ts'
import { type ListAsked, listAsked } from './verbatim.ts'

/** Objects a resolver of many is asked for with one call. */
const mostAtOnce = 10_000

/** A field of a selection: how its value is found and what is made of it. */
export class Field {
  /** Under which the answer has it. */
  readonly key: string
  readonly name: string
  readonly nodes: readonly FieldNode[]
  readonly parent: GraphQLObjectType
  readonly type: GraphQLOutputType
  readonly form: Form
  /** Whether its value is a property of the parent, and no argument can stand in the way. */
  readonly isPlain: boolean
  /** What is asked of the objects at it, or in its lists. */
  readonly selections: Selections
  readonly #definition: GraphQLField<unknown, unknown>
  readonly #resolve: GraphQLFieldResolver<unknown, unknown> | undefined
  readonly #resolveAll: ResolveAll<unknown, unknown> | undefined
  readonly #constant: Arguments | undefined
  readonly #given: GivenArguments | undefined
  readonly #position: Position
  /** Null: there are none. */
  #list: ListAsked | null | undefined

  constructor(key: string, nodes: readonly [FieldNode, ...FieldNode[]], parent: GraphQLObjectType, definition: GraphQLField<unknown, unknown>, form: Form) {
    this.key = key
    this.name = definition.name
    this.nodes = nodes
    this.parent = parent
    this.type = definition.type
    this.form = form
    this.#definition = definition
    this.#resolve = definition.resolve
    this.#resolveAll = definition.resolve && resolveAllOf(definition.resolve)
    this.#constant = constantArguments(definition, nodes[0])
    this.#given = this.#constant ? undefined : givenArguments(definition, nodes[0])
    this.isPlain = !this.#resolve && this.#constant !== undefined
    this.selections = new Selections(this)
    this.#position = new Position(this.type, this)
  }

  /** Its part of the answer, from the object it is a field of. */
  part(x: Execution, source: unknown, path: Path | undefined): unknown {
    const resolve = this.#resolve
    let value: unknown
    if (this.#resolveAll) {
      const found = x.foundAhead(this, source)
      if (found instanceof Failed) return this.#position.refuse(x, found.raw, path, this.key)
      if (found !== undefined) return this.#position.part(x, found, path, this.key)
    }
    try {
      if (resolve) value = resolve(source, this.#arguments(x), x.context, x.info(this, path, this.key))
      else {
        if (!this.#constant) this.#arguments(x)
        value = hasProperties(source) ? source[this.name] : undefined
      }
    } catch (raw) {
      return this.#position.refuse(x, raw, path, this.key)
    }
    return resolve ? this.#position.part(x, value, path, this.key) : this.given(x, source, value, path)
  }

  /** The same for a plain field whose property was read already. A method is called, as graphql-js does it. */
  given(x: Execution, source: unknown, property: unknown, path: Path | undefined): unknown {
    let value = property
    if (typeof property === 'function') {
      try {
        value = (source as Record<string, (args: Arguments, context: unknown, info: unknown) => unknown>)[this.name]!(this.#arguments(x), x.context, x.info(this, path, this.key))
      } catch (raw) {
        return this.#position.refuse(x, raw, path, this.key)
      }
    }
    return this.#position.part(x, value, path, this.key)
  }

  /** Whether its resolver answers many objects with one read. */
  get answersMany(): boolean {
    return this.#resolveAll !== undefined
  }

  /** Its values for objects of a list or below it, in their order; `path` is that of the list, or of what is below. */
  async valuesOf(x: Execution, objects: readonly object[], path: Path): Promise<readonly unknown[]> {
    const parts: Promise<readonly unknown[]>[] = []
    for (let from = 0; from < objects.length; from += mostAtOnce) parts.push(this.#valuesOf(x, objects.slice(from, from + mostAtOnce), path))
    return (await Promise.all(parts)).flat()
  }

  async #valuesOf(x: Execution, objects: readonly object[], path: Path): Promise<readonly unknown[]> {
    const values = await this.#resolveAll?.(objects, this.#arguments(x), x.context as Context, x.info(this, path, this.key)) ?? []
    if (values.length !== objects.length) throw new Error(`Field "${this.parent.name}.${this.name}" was asked for ${objects.length} objects and answered ${values.length}.`)
    return values
  }

  /** What is asked of each object of its list, where the answer is text and a resolver may write it; see `listAsked`. */
  list(variant: Variant): ListAsked | undefined {
    if (this.#list === undefined) this.#list = (this.form.name === 'text' && this.#resolve && listAsked(this, variant)) || null
    return this.#list ?? undefined
  }

  /** For a value that could not even be read. */
  refuse(x: Execution, raw: unknown, path: Path | undefined): unknown {
    return this.#position.refuse(x, raw, path, this.key)
  }

  /** Each call gets an object of its own. */
  #arguments(x: Execution): Arguments {
    if (this.#constant) return { ...this.#constant }
    const given = this.#given?.(x.variables)
    if (given) return given
    const known = x.args.get(this)
    if (known) return { ...known }
    const args = getArgumentValues(this.#definition, this.nodes[0]!, x.variables)
    x.args.set(this, args)
    return { ...args }
  }
}

export function hasProperties(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
