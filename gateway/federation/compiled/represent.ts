import type { FlattenNodePathSegment, RequiresSelection } from '@graphql-hive/router-query-planner'
import { quoted } from '../../../resolvers/compiled/leaf.ts'
import type { Represented } from '../representations.ts'
import type { Data } from '../shape.ts'
import type { Place } from '../steps.ts'
import type { Types } from '../types.ts'
import { functionOf } from './source.ts'

/** Undefined where what stands for an entity is not known in full. `asValues`: whether representations are wanted as values, too. */
export type Represent = (data: Data, asValues: boolean) => Represented | undefined

/**
 * Finds what stands for a place's entities as `represent` does, where they are objects of types known by name and nothing is rewritten; undefined for other places.
 */
export function representerOf(place: Place, types: Types): Represent | undefined {
  const fragments = place.requires.map(one => (one.kind === 'InlineFragment' && !one.skipIf && !one.includeIf && types.isObject(one.typeCondition) ? one : undefined))
  const known = new Set(fragments.map(one => one?.typeCondition))
  if (known.has(undefined) || known.size !== fragments.length || place.inputs.length > 0) return undefined

  const source = new Source()
  const branches = fragments.map(one => source.branch(one?.typeCondition ?? '', one?.selections ?? []))
  const isOne = branches.length === 1
  const walks = place.paths.map((path, index) => source.walk(path, `path${index}_`))
  if (!source.isWhole) return undefined
  return functionOf<Represent>(`
    ${source.functions.join('\n')}
    return function represent(data, asValues) {
      const seen = new Set(), places = new Map(), texts = [], representations = [], targets = []
      let isKnown = true
      ${source.walks.join('\n')}
      function take(entity) {
        if (seen.has(entity)) return
        seen.add(entity)
        const typename = entity.__typename
        let text = '', value
        ${isOne ? `if (typename === undefined || ${branches[0]?.condition}) { ${branches[0]?.take} }` : `if (typename === undefined) isKnown = false\n${branches.map(({ condition, take }) => `else if (${condition}) { ${take} }`).join('\n')}`}
      }
      function add(entity, text, valueOf) {
        const at = places.get(text)
        if (at !== undefined) return void targets[at].push(entity)
        places.set(text, targets.push([entity]) - 1)
        texts.push(text)
        if (asValues) representations.push(valueOf(entity))
      }
      ${walks.map(walk => `${walk}(data)`).join('\n')}
      return isKnown ? { texts, representations, targets } : undefined
    }`, { leaf, isOf: types.satisfies })
}

interface RequiredField {
  readonly name: string
  readonly key: string
  readonly below: readonly RequiresSelection[]
}

class Source {
  readonly functions: string[] = []
  readonly walks: string[] = []
  isWhole = true

  /** What is done with an entity of the type. */
  branch(typename: string, selections: readonly RequiresSelection[]): { readonly condition: string; readonly take: string } {
    const fields = this.#fields(selections)
    const [text, value] = this.#object(typename, fields.filter(({ name }) => name !== '__typename'))
    const isNamed = fields.filter(({ name }) => name !== '__typename').map(({ name }) => `(entity[${JSON.stringify(name)}] ?? null) !== null`).join(' || ') || 'false'
    const take = `if ((text = ${text}(entity)) === undefined) isKnown = false; else if (${isNamed}) add(entity, text, ${value})`
    return { condition: `typename === ${JSON.stringify(typename)}`, take }
  }

  #fields(selections: readonly RequiresSelection[]): RequiredField[] {
    return selections.flatMap(one => {
      if (one.kind !== 'Field') this.isWhole = false
      if (one.kind !== 'Field') return []
      return [{ name: one.name, key: one.alias ?? one.name, below: one.selections ?? [] }]
    })
  }

  /** Names of the functions that make an object's text, and the object: undefined where a field is not known. */
  #object(typename: string | undefined, fields: readonly RequiredField[]): readonly [text: string, value: string] {
    const below = fields.map(({ below }) => (below.length > 0 ? this.#nested(below) : undefined))
    const at = this.functions.length
    const typed = typename === undefined ? '' : `"__typename":${JSON.stringify(typename)}`
    const lines = fields.map(({ name, key }, index) => `
      if ((value = source[${JSON.stringify(name)}]) === undefined) return undefined
      if ((part = ${below[index]?.[0] ?? 'leaf'}(value)) === undefined) return undefined
      text += ${JSON.stringify(`${index > 0 || typed !== '' ? ',' : ''}${JSON.stringify(key)}:`)}
      text += part`)
    const members = fields.map(({ name, key }, index) => `[${JSON.stringify(key)}]: ${below[index]?.[1] ?? ''}(source[${JSON.stringify(name)}])`)
    this.functions.push(`
      function text${at}(source) {
        let text = ${JSON.stringify(`{${typed}`)}, value, part
        ${lines.join('')}
        return text + '}'
      }
      function value${at}(source) {
        return { ${[...(typed === '' ? [] : [`__typename: ${JSON.stringify(typename)}`]), ...members].join(', ')} }
      }`)
    return [`text${at}`, `value${at}`]
  }

  #nested(selections: readonly RequiresSelection[]): readonly [text: string, value: string] {
    const [text, value] = this.#object(undefined, this.#fields(selections))
    const at = this.functions.length
    this.functions.push(`
      function texts${at}(value) {
        if (typeof value !== 'object' || value === null) return leaf(value)
        if (!Array.isArray(value)) return ${text}(value)
        const parts = value.map(texts${at})
        return parts.includes(undefined) ? undefined : '[' + parts.join() + ']'
      }
      function values${at}(value) {
        if (typeof value !== 'object' || value === null) return value
        return Array.isArray(value) ? value.map(values${at}) : ${value}(value)
      }`)
    return [`texts${at}`, `values${at}`]
  }

  /** Name of the function that takes the objects at the path. */
  walk(path: readonly FlattenNodePathSegment[], name: string): string {
    for (const [index, segment] of path.entries()) {
      const [self, next] = [`${name}${index}`, `${name}${index + 1}`]
      const isList = segment === '@'
      const further = typeof segment === 'object' && 'Field' in segment ? `${next}(value[${JSON.stringify(segment.Field)}])`
        : typeof segment === 'object' ? `if (${segment.TypeCondition.map(type => `isOf(value.__typename, ${JSON.stringify(type)})`).join(' || ')}) ${next}(value)` : `${next}(value)`
      this.walks.push(`function ${self}(value) {
        if (Array.isArray(value)) for (const item of value) ${isList ? `(Array.isArray(item) ? ${self} : ${next})(item)` : `${self}(item)`}
        else if (typeof value === 'object' && value !== null) ${further}
      }`)
    }
    this.walks.push(`function ${name}${path.length}(value) {
      if (Array.isArray(value)) for (const item of value) ${name}${path.length}(item)
      else if (typeof value === 'object' && value !== null) take(value)
    }`)
    return `${name}0`
  }
}

function leaf(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (Number.isFinite(value)) return `${value as number}`
  return JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? String(one) : one)) ?? 'null'
}
