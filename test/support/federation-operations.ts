import {
  getNamedType, isCompositeType, isEnumType, isInputObjectType, isListType, isNonNullType, isObjectType, isUnionType,
  type GraphQLCompositeType, type GraphQLField, type GraphQLInputType, type GraphQLSchema,
} from 'graphql'

export interface MadeOperation {
  readonly text: string
  readonly variables: Record<string, unknown>
}

const aliases = ['a', 'b', 'id', 'name', 'owner', 'label', 'price']

/** A random operation of the schema, from numbers between 0 and 1. It may ask for what cannot be merged: the caller validates. */
export function makeOperation(schema: GraphQLSchema, random: () => number, depth: number): MadeOperation {
  return new Maker(schema, random).operation(depth)
}

class Maker {
  readonly #schema: GraphQLSchema
  readonly #random: () => number
  readonly #variables = new Map<string, { readonly type: string; readonly value: unknown }>()
  readonly #fragments: { readonly name: string; readonly on: GraphQLCompositeType; readonly text: string }[] = []

  constructor(schema: GraphQLSchema, random: () => number) {
    this.#schema = schema
    this.#random = random
  }

  operation(depth: number): MadeOperation {
    const query = this.#schema.getQueryType()!
    const selection = this.#selection(query, depth)
    const definitions = [...this.#variables].map(([name, { type }]) => `$${name}: ${type}`).join(', ')
    const fragments = this.#fragments.map(({ name, on, text }) => `fragment ${name} on ${on.name} ${text}`)
    const values = [...this.#variables].filter(([, { value }]) => value !== undefined).map(([name, { value }]) => [name, value] as const)
    return { text: [`query ${definitions ? `(${definitions}) ` : ''}${selection}`, ...fragments].join('\n'), variables: Object.fromEntries(values) }
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!
  }

  #selection(type: GraphQLCompositeType, depth: number): string {
    const parts = Array.from({ length: 1 + Math.floor(this.#random() * 4) }, () => this.#part(type, depth))
    return `{ ${parts.join(' ')} }`
  }

  #part(type: GraphQLCompositeType, depth: number): string {
    const roll = this.#random()
    if (depth > 0 && roll < 0.15) {
      const on = this.#chance(0.2) ? undefined : this.#pick(this.#conditions(type))
      return `...${on ? ` on ${on.name}` : ''}${this.#directive()} ${this.#selection(on ?? type, depth - 1)}`
    }
    if (depth > 0 && roll < 0.27) return `...${this.#fragment(this.#pick(this.#conditions(type)), depth - 1)}${this.#directive()}`
    const fields = isUnionType(type) ? [] : Object.values(type.getFields()).filter(field => depth > 0 || !isCompositeType(getNamedType(field.type)))
    if (fields.length === 0 || roll < 0.33) return `${this.#chance(0.3) ? 'kind: ' : ''}__typename${this.#directive()}`
    return this.#field(this.#pick(fields), depth)
  }

  #field(field: GraphQLField<unknown, unknown>, depth: number): string {
    const alias = this.#chance(0.25) ? `${this.#pick(aliases)}: ` : ''
    const given = field.args.filter(arg => (isNonNullType(arg.type) && arg.defaultValue === undefined) || this.#chance(0.5))
    const args = given.length > 0 ? `(${given.map(arg => `${arg.name}: ${this.#argument(arg.type)}`).join(', ')})` : ''
    const named = getNamedType(field.type)
    return `${alias}${field.name}${args}${this.#directive()}${isCompositeType(named) ? ` ${this.#selection(named, depth - 1)}` : ''}`
  }

  /** Types a fragment may be on where `type` is. */
  #conditions(type: GraphQLCompositeType): GraphQLCompositeType[] {
    const objects = isObjectType(type) ? [type] : [...this.#schema.getPossibleTypes(type)]
    return [type, ...objects, ...objects.flatMap(object => object.getInterfaces())]
  }

  #fragment(on: GraphQLCompositeType, depth: number): string {
    const known = this.#fragments.filter(fragment => fragment.on === on)
    if (known.length > 0 && this.#chance(0.5)) return this.#pick(known).name
    // Named after it is made: a fragment can only spread those that were finished before.
    const text = this.#selection(on, depth)
    const name = `F${this.#fragments.length}`
    this.#fragments.push({ name, on, text })
    return name
  }

  #directive(): string {
    if (!this.#chance(0.15)) return ''
    const value = this.#chance(0.3) ? String(this.#chance(0.5)) : this.#variable('Boolean!', this.#chance(0.5))
    return ` @${this.#pick(['skip', 'include'])}(if: ${value})`
  }

  #argument(type: GraphQLInputType): string {
    const value = this.#value(type)
    const name = String(type)
    return this.#chance(0.4) ? this.#variable(name, value) : literal(value, type)
  }

  #variable(type: string, value: unknown): string {
    const name = `v${this.#variables.size}`
    this.#variables.set(name, { type, value })
    return `$${name}`
  }

  #value(type: GraphQLInputType): unknown {
    if (isNonNullType(type)) return this.#value(type.ofType) ?? this.#value(type)
    if (this.#chance(0.1)) return null
    if (isListType(type)) return Array.from({ length: Math.floor(this.#random() * 3) }, () => this.#value(type.ofType))
    if (isEnumType(type)) return this.#pick(type.getValues()).name
    if (isInputObjectType(type)) return Object.fromEntries(Object.values(type.getFields()).filter(() => this.#chance(0.6)).map(field => [field.name, this.#value(field.type)]))
    const whole = Math.floor(this.#random() * 5)
    return type.name === 'ID' || type.name === 'String' ? String(whole) : whole
  }
}

function literal(value: unknown, type: GraphQLInputType): string {
  if (value === null) return 'null'
  if (isNonNullType(type)) return literal(value, type.ofType)
  if (isListType(type)) return `[${(value as unknown[]).map(item => literal(item, type.ofType)).join(', ')}]`
  if (isInputObjectType(type)) return `{ ${Object.entries(value as object).map(([name, item]) => `${name}: ${literal(item, type.getFields()[name]!.type)}`).join(', ')} }`
  return isEnumType(type) ? String(value) : JSON.stringify(value)
}
