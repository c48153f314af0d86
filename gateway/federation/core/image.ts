import { getNamedType, getNullableType, isEnumType, isLeafType, isListType, isNonNullType, isObjectType, type GraphQLOutputType } from 'graphql'
import type { Collector, Fields } from '../collect.ts'
import { isIntrospection, type Canonical } from '../canonical.ts'
import { NotCovered, type EntityPath, type EntityPlace, type Layout, type LayoutField, type Layouts } from './layout.ts'

/** Kinds of rows, as `assembly/tables.ts` has them. */
const kinds = { text: 0, id: 1, int: 2, float: 3, boolean: 4, enum: 5, any: 6, leaves: 7, object: 8, variants: 9, list: 10, entities: 11 } as const
/** How a field is written, as `assembly/write.ts` has it. */
const written = { leaf: 0, id: 1, whole: 2, node: 3 } as const

const builtIn: ReadonlyMap<string, number> = new Map([['String', kinds.text], ['ID', kinds.id], ['Int', kinds.int], ['Float', kinds.float], ['Boolean', kinds.boolean]])

/** Where an image begins: no table has an address that could be a tag. */
const base = 64
/** What is read behind a text at most. */
const behind = 32
/** Layouts and objects of one plan that are written; larger plans go the general way. */
const mostTables = 4_000

/** Tables of one plan, as the core reads them. All addresses are from the beginning of a run's memory. */
export class Image {
  #bytes = Buffer.alloc(4096)
  #end = base
  #tables = 0
  readonly #texts = new Map<string, number>()
  readonly #shapes = new Map<Layout, number>()
  readonly #programs = new Map<Layout, Map<Fields, number>>()

  /** The image, which begins at `from`. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(base, this.#end + behind)
  }

  readonly from = base

  /** Shape of the records of a layout. */
  shape(layout: Layout): number {
    const known = this.#shapes.get(layout)
    if (known !== undefined) return known
    const { fields, calls, type } = layout
    const rows = this.#table(2 + 5 * fields.length)
    this.#shapes.set(layout, rows)
    this.#set(rows, [fields.length, calls.length])
    for (const [index, field] of fields.entries()) {
      const [key, length] = this.#text(`${index === 0 ? '{' : ','}${JSON.stringify(field.key)}:`)
      this.#set(rows + 8 + 20 * index, [key, length, ...this.#value(field, type)])
    }
    return rows
  }

  /** Shape of the answer of an entity call. */
  answer(aliases: readonly string[]): number {
    const rows = this.#table(2 + 5 * aliases.length)
    this.#set(rows, [aliases.length, 0])
    for (const [index, alias] of aliases.entries()) {
      const [key, length] = this.#text(`${index === 0 ? '{' : ','}${JSON.stringify(alias)}:`)
      this.#set(rows + 8 + 20 * index, [key, length, kinds.entities, 0, 0])
    }
    return rows
  }

  /** Program that finds the entities of a place. */
  entities(place: EntityPlace): number {
    const program = this.#table(1 + 3 * place.paths.length)
    this.#set(program, [place.paths.length])
    for (const [index, path] of place.paths.entries()) this.#set(program + 4 + 12 * index, [this.#steps(path), path.steps.length, this.#ends(path)])
    return program
  }

  /** Program that writes the answer to what is asked of objects of the layout. */
  writer(layouts: Layouts, form: Canonical, collector: Collector, layout: Layout, fields: Fields): number {
    const known = this.#programs.get(layout)?.get(fields)
    if (known !== undefined) return known
    const program = this.#table(1 + 7 * fields.size)
    this.#programs.set(layout, (this.#programs.get(layout) ?? new Map<Fields, number>()).set(fields, program))
    this.#set(program, [fields.size])
    for (const [index, [responseKey, nodes]] of [...fields].entries()) {
      const [node] = nodes
      const begin = `${index === 0 ? '{' : ','}${JSON.stringify(responseKey)}:`
      if (!node || isIntrospection(node)) throw new NotCovered()
      if (node.name.value === '__typename') {
        if (!isObjectType(layout.type)) throw new NotCovered()
        this.#set(program + 4 + 28 * index, [...this.#text(`${begin}${JSON.stringify(layout.type.name)}`), written.whole])
        continue
      }
      const type = layout.type.getFields()[node.name.value]?.type
      const source = layouts.source(layout, form.keyOf.get(node) ?? node.alias?.value ?? node.name.value)
      if (!type || source?.field.type !== type) throw new NotCovered()
      const isLeaf = isLeafType(getNamedType(type))
      if (isLeaf !== (source.field.below.length === 0)) throw new NotCovered()
      const how = !isLeaf ? written.node : !isListType(getNullableType(type)) && getNamedType(type).name === 'ID' ? written.id : written.leaf
      const below = isLeaf ? 0 : this.#below(source.field.below.map(one => [this.shape(one), this.writer(layouts, form, collector, one, collector.below(one.type, nodes))]))
      this.#set(program + 4 + 28 * index, [...this.#text(begin), how, source.call, source.index, isNonNullType(type) ? 1 : 0, below])
    }
    return program
  }

  #below(cases: readonly (readonly [shape: number, program: number])[]): number {
    const table = this.#table(1 + 2 * cases.length)
    this.#set(table, [cases.length, ...cases.flat()])
    return table
  }

  /** Kind, whether null is none of its values, what is below. */
  #value({ name, type, below }: LayoutField, parent: Layout['type']): readonly [number, number, number] {
    if (name === '__typename') return [kinds.enum, 1, this.#names([parent.name])]
    return type ? this.#row(type, below) : [kinds.any, 0, 0]
  }

  #row(type: GraphQLOutputType, below: readonly Layout[]): readonly [number, number, number] {
    const nonNull = isNonNullType(type) ? 1 : 0
    const present = getNullableType(type)
    if (isListType(present)) {
      const item = this.#table(5)
      this.#set(item, [0, 0, ...this.#row(present.ofType, below)])
      return [below.length > 0 ? kinds.list : kinds.leaves, nonNull, item]
    }
    if (isEnumType(present)) return [kinds.enum, nonNull, this.#names(present.getValues().map(one => one.name))]
    if (isLeafType(present)) return [builtIn.get(present.name) ?? kinds.any, nonNull, 0]
    return this.#objects(below, nonNull)
  }

  #objects(layouts: readonly Layout[], nonNull: number): readonly [number, number, number] {
    const [only, ...others] = layouts
    if (only && others.length === 0) return [kinds.object, nonNull, this.shape(only)]
    const shapes = layouts.map(one => this.shape(one))
    const table = this.#table(1 + 3 * layouts.length)
    this.#set(table, [layouts.length, ...layouts.flatMap(({ type }, index) => [...this.#text(JSON.stringify(type.name)), shapes[index]!])])
    return [kinds.variants, nonNull, table]
  }

  #names(names: readonly string[]): number {
    const table = this.#table(1 + 2 * names.length)
    this.#set(table, [names.length, ...names.flatMap(name => this.#text(JSON.stringify(name)))])
    return table
  }

  #steps({ steps }: EntityPath): number {
    const words = steps.flatMap(cases => [cases.size, ...[...cases].flatMap(([layout, { call, index }]) => [this.shape(layout), call, index])])
    const table = this.#table(words.length)
    this.#set(table, words)
    return table
  }

  #ends({ ends }: EntityPath): number {
    const words = [ends.size, ...[...ends].flatMap(([layout, { call, entity, requires }]) => {
      const literals = [
        ...requires.map(({ key }, index) => `${index === 0 ? `{"__typename":${JSON.stringify(layout.type.name)}` : ''},${JSON.stringify(key)}:`),
        requires.length === 0 ? '{}' : '}',
      ]
      const pieces = literals.flatMap((literal, index) => [...this.#text(literal), requires[index]?.source.call ?? -1, requires[index]?.source.index ?? -1])
      const table = this.#table(pieces.length)
      this.#set(table, pieces)
      return [this.shape(layout), call, this.shape(entity), table, literals.length]
    })]
    const table = this.#table(words.length)
    this.#set(table, words)
    return table
  }

  /** Address and length of a text, which is kept once. */
  #text(text: string): readonly [number, number] {
    const length = Buffer.byteLength(text)
    const known = this.#texts.get(text)
    if (known !== undefined) return [known, length]
    const at = this.#take(length)
    this.#bytes.write(text, at)
    this.#texts.set(text, at)
    return [at, length]
  }

  #table(words: number): number {
    if (++this.#tables > mostTables) throw new NotCovered()
    this.#end = (this.#end + 3) & ~3
    return this.#take(4 * words)
  }

  #take(length: number): number {
    const at = this.#end
    this.#end += length
    if (this.#end + behind > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * (this.#end + behind))
    return at
  }

  #set(at: number, words: readonly number[]): void {
    for (const [index, word] of words.entries()) this.#bytes.writeInt32LE(word, at + 4 * index)
  }
}
