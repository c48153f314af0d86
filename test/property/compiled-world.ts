import {
  buildSchema, getNamedType, getNullableType, GraphQLSchema, isEnumType, isInterfaceType, isLeafType, isListType, isNonNullType, isObjectType, isScalarType, isUnionType,
  type GraphQLAbstractType, type GraphQLObjectType, type GraphQLOutputType, type GraphQLResolveInfo,
} from 'graphql'
import { batchResolver } from '../../resolvers/loader.ts'
import { makeOperation } from '../support/federation-operations.ts'

// A global is slow to reach from inside a test, and this is asked for every letter.
const { imul } = Math

/** A number from 0 up to 1 that follows from its words alone. */
function chance(...words: readonly (string | number)[]): number {
  const text = words.join('|')
  let hash = 0x2545f491
  for (let index = 0; index < text.length; index++) hash = imul(hash ^ text.charCodeAt(index), 0x5bd1e995) ^ (hash >>> 13)
  hash = imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32
}

/** A schema whose every value, failure and delay follows from what it is asked, so that two executors see the same. */
export interface World {
  readonly schema: GraphQLSchema
  /** What resolvers are given, anew for each run. */
  readonly context: () => object
  readonly rootValue: unknown
}

type Words = readonly (string | number)[]

const leaves = ['Int', 'Float', 'String', 'Boolean', 'ID', 'Color', 'Odd'] as const
const objects = ['Ant', 'Bee', 'Cow', 'Dog'] as const
const composites = [...objects, 'Node', 'Named', 'Some', 'Any'] as const

/** `isAsync`: values may be promises; without them every executor has one order to go in, and the errors of both must be the same ones. */
export function worldOf(seed: number, isAsync: boolean): World {
  const schema = buildSchema(sdlOf(seed))
  const make = new Maker(seed, isAsync, schema)
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue
    if (isObjectType(type)) make.wire(type)
    if (isInterfaceType(type) || isUnionType(type)) make.wireAbstract(type)
    if (isScalarType(type) && type.name === 'Odd') type.serialize = oddly
  }
  return { schema, context: () => ({ tag: `context ${seed}`, perFetch: new Map() }), rootValue: chance(seed, 'root') < 0.5 ? undefined : make.object('Query', ['root']) }
}

/** Gives every kind of serialised value, none, and failures. */
function oddly(value: unknown): unknown {
  if (value instanceof Date || typeof value === 'boolean' || typeof value === 'string') return value
  const number = Number(value)
  if (Number.isNaN(number)) throw new TypeError(`Odd cannot be ${typeof value}`)
  return [number, null, { deep: [number, { 'a "quote"': 'x\n' }] }, undefined, [number, null], new Date(number), 1.5e300][Math.abs(number) % 7]
}

function sdlOf(seed: number): string {
  const roll = (...words: Words) => chance(seed, 'sdl', ...words)
  const pick = <T>(list: readonly T[], ...words: Words): T => list[Math.floor(roll('pick', ...words) * list.length)]!
  const wrapped = (named: string, ...words: Words): string => {
    const lists = Math.floor(roll('lists', ...words) * 3.3) % 3
    let text = named + (roll('required', ...words) < 0.3 ? '!' : '')
    for (let depth = 0; depth < (roll('isList', ...words) < 0.45 ? lists : 0); depth++) text = `[${text}]${roll('required', depth, ...words) < 0.3 ? '!' : ''}`
    return text
  }
  const args = (...words: Words) => (roll('args', ...words) < 0.35 ? `(n: Int${roll('n', ...words) < 0.5 ? '' : ' = 3'}, when: When, odd: [ID!]${roll('odd', ...words) < 0.7 ? '' : '! = ["x"]'})` : '')
  const field = (name: string, of: readonly string[], ...words: Words) => `${name}${args(name, ...words)}: ${wrapped(pick(of, name, ...words), name, ...words)}`
  const fields = (type: string, leafCount: number, deepCount: number) => [
    ...Array.from({ length: leafCount }, (_, index) => field(`leaf${index}`, leaves, type)),
    ...Array.from({ length: deepCount }, (_, index) => field(`deep${index}`, composites, type)),
  ].join(' ')
  // What an interface declares is declared alike by everything that implements it.
  const node = `id: ID${roll('id') < 0.5 ? '!' : ''} ${field('next', ['Node', 'Any'], 'Node')}`
  const named = `name: String ${field('friends', ['Named', 'Ant'], 'Named')}`
  // So that one failure leaves something to compare.
  const mostlyNullable = (text: string) => text.replace(/!(?= (leaf|deep))/g, all => (roll('root', seed) < 0.85 ? '' : all))
  return `scalar Odd enum Color { RED GREEN BLUE } input When { day: Int! = 1 hours: [Int!] color: Color = RED }
    interface Node { ${node} } interface Named { ${named} } union Some = Ant | Bee union Any = Ant | Bee | Cow | Dog
    type Ant implements Node & Named { ${node} ${named} ${fields('Ant', 3, 2)} }
    type Bee implements Node { ${node} ${fields('Bee', 4, 1)} }
    type Cow implements Named { ${named} ${fields('Cow', 3, 2)} }
    type Dog implements Node & Named { ${node} ${named} ${fields('Dog', 7, 0)} }
    type Query { ${mostlyNullable(fields('Query', 2, 6))} } type Mutation { ${mostlyNullable(fields('Mutation', 2, 4))} }`
}

class Maker {
  readonly #seed: number
  readonly #isAsync: boolean
  readonly #schema: GraphQLSchema

  constructor(seed: number, isAsync: boolean, schema: GraphQLSchema) {
    this.#seed = seed
    this.#isAsync = isAsync
    this.#schema = schema
  }

  #roll(...words: Words): number {
    return chance(this.#seed, ...words)
  }

  wire(type: GraphQLObjectType): void {
    for (const field of Object.values(type.getFields())) {
      if (this.#kind(type.name, field.name) !== 'resolver') continue
      if (this.#isAsync && (objects as readonly string[]).includes(type.name) && this.#roll('many', type.name, field.name) < 0.5) {
        field.resolve = this.#resolverOfMany(type.name, field.name) as typeof field.resolve
        continue
      }
      field.resolve = (source, args, context, info) => this.#answer(type.name, field.name, (source as { words?: Words } | undefined)?.words ?? ['root'], args, context, info)
    }
    if (this.#roll('isTypeOf', type.name) < 0.35 && (objects as readonly string[]).includes(type.name)) {
      type.isTypeOf = (value, _context, info) => {
        const words: Words = ['is', type.name, ...((value as { words?: Words }).words ?? []), told(info, undefined)]
        if (this.#roll('throws', ...words) < 0.03) throw new Error(`isTypeOf ${type.name}`)
        return this.#maybeLater((value as { kind?: string }).kind === type.name && this.#roll(...words) > 0.03, words) as boolean | Promise<boolean>
      }
    }
  }

  #resolverOfMany(type: string, field: string) {
    return batchResolver<{ readonly words: Words }, object>(async (parents, args, context) => {
      if (this.#roll('all throw', type, field, JSON.stringify(args)) < 0.02) throw new Error(`all of ${type}.${field} fail`)
      return parents.map(({ words }) => {
        try {
          return this.#answer(type, field, words, args, context, undefined)
        } catch (error) {
          return error instanceof Error ? error : new Error(String(error))
        }
      })
    })
  }

  wireAbstract(type: GraphQLAbstractType): void {
    if (this.#roll('resolveType', type.name) < 0.5) return
    type.resolveType = (value, _context, info) => {
      const words: Words = ['type', type.name, ...((value as { words?: Words }).words ?? []), told(info, undefined)]
      const roll = this.#roll(...words)
      if (roll < 0.02) throw new Error(`resolveType ${type.name}`)
      const wrong = [undefined, 'Nobody', 'Node', 'Query', 7][Math.floor(this.#roll('wrong', ...words) * 5)] as string | undefined
      return this.#maybeLater(roll < 0.1 ? wrong : (value as { kind?: string }).kind, words) as string | undefined
    }
  }

  /** Leaves may be properties of the object itself; what leads further is found when it is asked for. */
  object(type: string, words: Words): object {
    const made: Record<string, unknown> = { words, kind: type }
    if (this.#roll('typename', ...words) > 0.05) made['__typename'] = type
    const definition = this.#schema.getType(type)
    if (!isObjectType(definition)) return made
    for (const field of Object.values(definition.getFields())) {
      const kind = this.#kind(type, field.name)
      const answer = (args: unknown, context?: unknown, info?: GraphQLResolveInfo) => this.#answer(type, field.name, words, args, context, info)
      if (kind === 'method') made[field.name] = answer
      else if (kind === 'getter') Object.defineProperty(made, field.name, { get: () => answer({}) })
      else if (kind === 'property') made[field.name] = this.#value(field.type, [type, field.name, ...words], false)
    }
    return made
  }

  #kind(type: string, field: string): 'resolver' | 'method' | 'getter' | 'property' {
    const roll = this.#roll('kind', type, field)
    const isLeaf = isLeafType(getNamedType((this.#schema.getType(type) as GraphQLObjectType).getFields()[field]!.type))
    if (isLeaf && roll < 0.6) return 'property'
    return roll < 0.75 ? 'resolver' : roll < 0.87 ? 'method' : 'getter'
  }

  #answer(type: string, name: string, source: Words, args: unknown, context: unknown, info: GraphQLResolveInfo | undefined): unknown {
    const words: Words = [type, name, ...source.slice(0, 12), JSON.stringify(args)]
    if (this.#roll('throws', ...words) < 0.025) throw this.#roll('what', ...words) < 0.8 ? new Error(`${type}.${name} of ${source.join('.')} fails`) : 'a text'
    const field = (this.#schema.getType(type) as GraphQLObjectType).getFields()[name]!
    const isTold = info && String(getNullableType(field.type)) === 'String' && this.#roll('told', ...words) < 0.3
    return this.#maybeLater(isTold ? told(info, context) : this.#value(field.type, words, true), words)
  }

  #value(type: GraphQLOutputType, words: Words, mayWait: boolean, isThere = false): unknown {
    if (isNonNullType(type)) return this.#roll('hole', ...words) < 0.012 ? null : this.#value(type.ofType, words, mayWait, true)
    const roll = this.#roll('value', ...words)
    if (roll < 0.06 && !isThere) return roll < 0.03 ? null : undefined
    if (roll < 0.075 && roll > 0.06) return new Error(`no value of ${words.join('.')}`)
    if (roll < 0.09 && roll > 0.06) return [{}, 'a text', 12, true, [], () => 5, new Map(), Number.NaN][Math.floor(this.#roll('wrong', ...words) * 8)]
    if (isListType(type)) {
      const items = Array.from({ length: Math.floor(this.#roll('length', ...words) * 5) }, (_, index) => {
        const value = this.#value(type.ofType, [...words, index], mayWait)
        return mayWait ? this.#maybeLater(value, [...words, index]) : value
      })
      const kind = this.#roll('list', ...words)
      return kind < 0.8 ? items : kind < 0.9 || !mayWait ? new Set(items) : stopping(items, kind < 0.93)
    }
    if (isEnumType(type)) return type.getValues()[Math.floor(this.#roll('enum', ...words) * 3)]!.value
    if (isLeafType(type)) return leafValue(type.name, this.#roll('leaf', ...words))
    const possible = isObjectType(type) ? [type] : this.#schema.getPossibleTypes(type as GraphQLAbstractType)
    const own = possible[Math.floor(this.#roll('own', ...words) * possible.length)]!
    return this.object(own.name, words.slice(0, 12).map(word => (typeof word === 'string' && word.length > 20 ? word.length : word)))
  }

  #maybeLater(value: unknown, words: Words): unknown {
    if (!this.#isAsync || this.#roll('later', ...words) > 0.35) return value
    const promise = settle(value, Math.floor(this.#roll('turns', ...words) * 6), this.#roll('rejects', ...words) < 0.06)
    // Some are never looked at, because what they stand in is given up before.
    promise.catch(() => undefined)
    return this.#roll('thenable', ...words) < 0.1 ? Object.defineProperty({}, 'then', { value: (...given: Parameters<typeof promise.then>) => promise.then(...given) }) : promise
  }
}

async function settle(value: unknown, turns: number, rejects: boolean): Promise<unknown> {
  for (let turn = 0; turn < turns; turn++) await undefined
  if (rejects) throw new Error('rejected')
  return value
}

function* stopping(items: readonly unknown[], fails: boolean): Generator<unknown> {
  yield* items
  if (fails) throw new Error('the list fails')
}

function leafValue(name: string, roll: number): unknown {
  const usual: Record<string, readonly unknown[]> = {
    Int: [0, -1, 7, 2 ** 31, 1.5, '12', true, -0],
    Float: [0, 1.25, -3e-9, 1e21, '0.5', Infinity, false, 3],
    String: ['plain', '', 'a "quote"', 'line\nbreak\u2028', 'lone \ud800 and \ud83d\ude00', 'long '.repeat(20), 5, true],
    Boolean: [true, false, 1, 0, true, 'yes', false, true],
    ID: ['id', '7', 7, 1.5, 'back\\slash', 'x'.repeat(50), 0, '\u007f\u0001'],
    Odd: [0, 1, 2, 3, 'text "t"', true, new Date(0), 5],
  }
  return usual[name]?.[Math.floor(roll * 8)]
}

/** Everything a resolver is told. */
function told(info: GraphQLResolveInfo, context: unknown): string {
  const path: unknown[] = []
  for (let at: GraphQLResolveInfo['path'] | undefined = info.path; at; at = at.prev) path.push([at.key, at.typename ?? null])
  const { fieldName, fieldNodes, returnType, parentType, schema, fragments, rootValue, operation, variableValues } = info
  return JSON.stringify([path, fieldName, fieldNodes.map(node => node.loc?.start), String(returnType), String(parentType), schema.getQueryType()?.name, Object.keys(fragments), typeof rootValue, operation.operation, variableValues, Object.keys(info), (context as { tag?: string } | undefined)?.tag ?? null])
}

export interface Asked {
  readonly text: string
  readonly variables: Record<string, unknown>
}

/** A random query or mutation. Some variables have defaults, some are missing, some are wrong. */
export function askedOf({ schema }: World, choices: number, depth: number): Asked {
  let count = 0
  const roll = () => chance(choices, count++)
  const isMutation = chance(choices, 'mutation') < 0.2
  const made = makeOperation(isMutation ? new GraphQLSchema({ ...schema.toConfig(), query: schema.getMutationType() }) : schema, roll, depth)
  let text = isMutation ? made.text.replace('query', 'mutation') : made.text
  if (!isMutation && roll() < 0.05) text = text.replace(/ \{ /, ' { __schema { queryType { name fields { name type { kind ofType { name } } } } } __type(name: "Ant") { possibleTypes { name } interfaces { name } } ')
  const defaults: Record<string, string> = { Int: '4', Boolean: 'true', ID: '"d"', When: '{ day: 9 }' }
  text = text.replace(/(\$v\d+: (\w+)!?)(?=[,)])/g, (whole, _all, type: string) => (defaults[type] && roll() < 0.3 ? `${whole} = ${defaults[type]}` : whole))
  const variables: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(made.variables)) {
    const fate = roll()
    if (fate < 0.06) continue
    variables[name] = fate < 0.12 ? ['wrong', null, {}, -1.5, ['x', {}], [null]][Math.floor(roll() * 6)] : value
  }
  return { text, variables }
}
