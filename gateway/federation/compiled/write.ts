import {
  isEnumType, isLeafType, isListType, isNonNullType, isObjectType,
  type FieldNode, type GraphQLLeafType, type GraphQLNamedOutputType, type GraphQLObjectType, type GraphQLOutputType, type GraphQLSchema,
} from 'graphql'
import { quoted } from '../../../resolvers/compiled/leaf.ts'
import { isIntrospection, type Canonical } from '../canonical.ts'
import type { Collector, Fields } from '../collect.ts'
import type { Data } from '../shape.ts'
import { functionOf } from './source.ts'

/** The client's answer of the data, as JSON; undefined where anything is not as it should be. */
export type Write = (data: Data) => string | undefined

/** Objects of different types that are written: further ones are left to the general way. */
const maxFunctions = 300

/**
 * Writes answers as `project` makes them, for data nothing is wrong with. A null where there may be none, a value that is none of its type, an object of no known type: the whole
 * answer is then left to `project`, which says so. Data that failures belong to must not be given. With `isPlain` texts are written as they stand: none of the data's may need escapes.
 * Undefined for what asks for introspection.
 */
export function writerOf(schema: GraphQLSchema, form: Canonical, collector: Collector, rootType: GraphQLObjectType, fields: Fields, isPlain: boolean): Write | undefined {
  const source = new Source(schema, form, collector, isPlain)
  const root = source.object(rootType, fields)
  return source.isWhole ? functionOf<Write>(`${source.functions.join('\n')}\nreturn ${root}`, { quoted, stringify: JSON.stringify, enums: source.enums }) : undefined
}

class Source {
  readonly functions: string[] = []
  /** JSON of the values of each enum that is met. */
  readonly enums: ReadonlyMap<string, string>[] = []
  isWhole = true
  readonly #schema: GraphQLSchema
  readonly #form: Canonical
  readonly #collector: Collector
  readonly #isPlain: boolean
  readonly #known = new Map<Fields, Map<GraphQLObjectType, string>>()

  constructor(schema: GraphQLSchema, form: Canonical, collector: Collector, isPlain: boolean) {
    this.#schema = schema
    this.#form = form
    this.#collector = collector
    this.#isPlain = isPlain
  }

  /** Name of the function that writes objects of the type. */
  object(type: GraphQLObjectType, fields: Fields): string {
    const known = this.#known.get(fields)?.get(type)
    if (known) return known
    const name = `object${this.functions.length}`
    this.#known.set(fields, (this.#known.get(fields) ?? new Map<GraphQLObjectType, string>()).set(type, name))
    const place = this.functions.push('') - 1
    if (place >= maxFunctions) this.isWhole = false
    if (!this.isWhole) return name
    const lines = [...fields].map(([key, nodes], index) => this.#field(type, nodes, `${index === 0 ? '{' : ','}${JSON.stringify(key)}:`))
    this.functions[place] = `function ${name}(source) {
      let text = '', value, part
      ${lines.join('\n      ')}
      return text + ${fields.size === 0 ? `'{}'` : `'}'`}
    }`
    return name
  }

  #field(type: GraphQLObjectType, nodes: readonly FieldNode[], label: string): string {
    const [node] = nodes
    const name = node?.name.value ?? ''
    if (name === '__typename') return `text += ${JSON.stringify(`${label}"${type.name}"`)}`
    const field = type.getFields()[name]
    if (!node || !field || isIntrospection(node)) {
      this.isWhole = false
      return ''
    }
    const key = this.#form.keyOf.get(node) ?? node.alias?.value ?? name
    return `value = source[${JSON.stringify(key)}]\n      ${this.#value(field.type, nodes, label)}`
  }

  /** Writes `value` after a label that never varies, or returns. */
  #value(type: GraphQLOutputType, nodes: readonly FieldNode[], label: string): string {
    const nothing = isNonNullType(type) ? 'return undefined' : `text += ${JSON.stringify(`${label}null`)}`
    const present = isNonNullType(type) ? type.ofType : type
    const rest = `if (value === null || value === undefined) ${nothing}\n      else return undefined`
    if (isListType(present)) {
      return `if (Array.isArray(value)) {
        if ((part = ${this.#list(present.ofType, nodes)}(value)) === undefined) return undefined
        text += ${JSON.stringify(label)}
        text += part
      } else ${rest}`
    }
    if (isLeafType(present)) return `${this.#leaf(present, label)}\n      ${leaves.has(present.name) || isEnumType(present) ? rest : nothing}`
    return `if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        if ((part = ${this.#composite(present, nodes)}) === undefined) return undefined
        text += ${JSON.stringify(label)}
        text += part
      } else ${rest}`
  }

  #list(item: GraphQLOutputType, nodes: readonly FieldNode[]): string {
    const name = `list${this.functions.length}`
    const place = this.functions.push('') - 1
    this.functions[place] = `function ${name}(values) {
      let text = '[', value, part
      for (let index = 0; index < values.length; index++) {
        if (index > 0) text += ','
        value = values[index]
        ${this.#value(item, nodes, '')}
      }
      return text + ']'
    }`
    return name
  }

  #composite(type: GraphQLNamedOutputType, nodes: readonly FieldNode[]): string {
    if (isObjectType(type)) return `${this.object(type, this.#collector.below(type, nodes))}(value)`
    if (isLeafType(type)) return 'undefined'
    const cases = this.#schema.getPossibleTypes(type).map(each => `value.__typename === ${JSON.stringify(each.name)} ? ${this.object(each, this.#collector.below(each, nodes))}(value) : `)
    return `(${cases.join('')}undefined)`
  }

  #leaf(type: GraphQLLeafType, label: string): string {
    if (isEnumType(type)) {
      const texts = new Map(type.getValues().map(({ name }) => [name, `${label}"${name}"`]))
      return `if ((part = enums[${this.enums.push(texts) - 1}].get(value)) !== undefined) text += part\n      else`
    }
    const [open, plain] = [JSON.stringify(`${label}"`), JSON.stringify(label)]
    const text = this.#isPlain ? `{ text += ${open}; text += value; text += '"' }` : `{ text += ${plain}; text += quoted(value) }`
    const number = `{ text += ${plain}; text += value }`
    switch (leaves.get(type.name)) {
      case 'text':
        return `if (typeof value === 'string') ${text}\n      else`
      case 'id':
        return `if (typeof value === 'string') ${text}\n      else if (Number.isInteger(value)) { text += ${open}; text += value; text += '"' }\n      else`
      case 'integer':
        return `if (typeof value === 'number' && (value | 0) === value) ${number}\n      else`
      case 'number':
        return `if (typeof value === 'number' && value - value === 0) ${number}\n      else`
      case 'boolean':
        return `if (typeof value === 'boolean') ${number}\n      else`
      default:
        return `if (value !== null && value !== undefined) { text += ${plain}; text += stringify(value) ?? 'null' }\n      else`
    }
  }
}

/** How values of the built-in scalars are written; those the graph declares itself pass as they are. */
const leaves: ReadonlyMap<string, 'text' | 'id' | 'integer' | 'number' | 'boolean'> = new Map([['String', 'text'], ['ID', 'id'], ['Int', 'integer'], ['Float', 'number'], ['Boolean', 'boolean']])
