import type { FieldNode, GraphQLObjectType, GraphQLSchema } from 'graphql'
import { collectSubfields } from 'graphql/execution/collectFields.js'
import { getFieldDef } from 'graphql/execution/execute.js'
import type { Path } from 'graphql/jsutils/Path.js'
import { certainType, leadsToMany } from './ahead.ts'
import type { Execution } from './execution.ts'
import { Field } from './field.ts'
import type { Form, WriteRest } from './form.ts'
import { canGenerate, generated, type Write } from './generated.ts'

/** Objects written before a selection is worth code of its own. */
const generateAfter = 50

/** The fields asked of an object of one type, at one field or at the root. */
export class Selection {
  readonly type: GraphQLObjectType
  readonly field: Field | undefined
  readonly fields: readonly Field[]
  readonly form: Form
  /** The object's part of the answer; `key` below `prev` is its place. */
  write: Write
  /** The same from one of its fields on, for whoever has begun. */
  readonly rest: WriteRest
  #written = 0
  #ahead: readonly Field[] | undefined

  constructor(type: GraphQLObjectType, field: Field | undefined, fields: readonly Field[], form: Form) {
    this.type = type
    this.field = field
    this.fields = fields
    this.form = form
    this.rest = form.object(fields)
    this.write = (x, source, prev, key) => {
      if (++this.#written === generateAfter && canGenerate) this.write = generated(this)
      return this.rest(x, source, this.field && pathAt(this.field, prev, key), 0, undefined, undefined)
    }
  }

  /** Its fields that answer many objects at once, and those below which there are such. */
  ahead(x: Execution): readonly Field[] {
    if (this.#ahead) return this.#ahead
    const leads = (field: Field) => {
      const type = field.isPlain ? certainType(field.type) : undefined
      return type !== undefined && leadsToMany(type) && field.selections.of(x, type).ahead(x).length > 0
    }
    this.#ahead = leadsToMany(this.type) ? this.fields.filter(field => field.answersMany || leads(field)) : []
    return this.#ahead
  }
}

/** The selections of one field, by the type its value turns out to be of. */
export class Selections {
  readonly #field: Field
  readonly #kept = new Map<GraphQLObjectType, Selection>()
  #last: Selection | undefined

  constructor(field: Field) {
    this.#field = field
  }

  of(x: Execution, type: GraphQLObjectType): Selection {
    if (this.#last?.type === type) return this.#last
    const known = this.#kept.get(type) ?? x.selections.get(this)?.get(type)
    if (!known) return this.#make(x, type)
    this.#last = this.#kept.get(type)
    return known
  }

  #make(x: Execution, type: GraphQLObjectType): Selection {
    const { schema, fragments, conditions } = x.variant
    const { form, nodes } = this.#field
    const selection = new Selection(type, this.#field, fieldsOf(schema, type, collectSubfields(schema, fragments, conditions, type, nodes), form), form)
    if (x.variant.takes(selection.fields.length)) this.#kept.set(type, selection)
    else x.selections.set(this, (x.selections.get(this) ?? new Map<GraphQLObjectType, Selection>()).set(type, selection))
    return selection
  }
}

export function fieldsOf(schema: GraphQLSchema, type: GraphQLObjectType, collected: ReadonlyMap<string, readonly FieldNode[]>, form: Form): Field[] {
  const fields: Field[] = []
  for (const [key, nodes] of collected) {
    const [first, ...others] = nodes
    const definition = first && getFieldDef(schema, type, first)
    if (first && definition) fields.push(new Field(key, [first, ...others], type, definition, form))
  }
  return fields
}

/** The place of an object or a list of this field, for what is below it. */
export function pathAt(field: Field, prev: Path | undefined, key: string | number): Path {
  return { prev, key, typename: typeof key === 'number' ? undefined : field.parent.name }
}
