import { type DocumentNode, type FragmentDefinitionNode, GraphQLError, Kind, parse, type SelectionSetNode } from 'graphql'
import { HubError } from '../../schema/errors.ts'
import { TextCache } from './lru.ts'
import type { LimitsSettings } from './settings.ts'

/** Counts of one operation with its fragments spread: what execution would walk. */
export interface Shape {
  readonly depth: number
  readonly fields: number
  readonly rootFields: number
  readonly aliases: number
  readonly directives: number
}

const measures = [
  { of: 'depth', limit: 'maxDepth', says: 'fields inside one another' },
  { of: 'fields', limit: 'maxFields', says: 'fields' },
  { of: 'rootFields', limit: 'maxRootFields', says: 'fields at its root' },
  { of: 'aliases', limit: 'maxAliases', says: 'aliases' },
  { of: 'directives', limit: 'maxDirectives', says: 'directives' },
] as const satisfies readonly { of: keyof Shape; limit: keyof LimitsSettings; says: string }[]

/**
 * Looks at a document before anything costly does: some validation rules are quadratic in its fields. Texts that passed are remembered, so a known
 * document costs one look-up. It stands before the parser of the pipeline, and therefore parses what is new once more.
 */
export class ShapeCheck {
  readonly #limits: LimitsSettings
  readonly #passed = new TextCache(5_000, 16 * 1024 * 1024)

  constructor(limits: LimitsSettings) {
    this.#limits = limits
  }

  /** Fails with QUERY_TOO_COMPLEX, naming every figure that is above its limit. A document that does not parse passes: the parser says why. */
  check(text: string): void {
    if (this.#passed.get(text) !== undefined) return
    const document = this.#parse(text)
    if (!document) return
    for (const shape of shapesOf(document)) this.#compare(shape)
    this.#passed.set(text, '')
  }

  #parse(text: string): DocumentNode | undefined {
    try {
      return parse(text, { maxTokens: this.#limits.maxTokens, noLocation: true })
    } catch (error) {
      if (error instanceof RangeError) throw new HubError('QUERY_TOO_COMPLEX', 'The document nests so deeply that it cannot be read.', { limit: 'maxTokens' }, { cause: error })
      if (error instanceof GraphQLError && /contains more that? \d+ tokens|more than \d+ tokens/.test(error.message)) {
        throw new HubError('QUERY_TOO_COMPLEX', `The document has more than ${this.#limits.maxTokens} tokens, which is the limit. Ask for less at once.`, { limits: { tokens: this.#limits.maxTokens } })
      }
      return undefined
    }
  }

  #compare(shape: Shape): void {
    const above = measures.filter(measure => shape[measure.of] > this.#limits[measure.limit])
    if (above.length === 0) return
    throw new HubError('QUERY_TOO_COMPLEX', `The operation has ${above.map(({ of, limit, says }) => `${shape[of]} ${says} (limit ${this.#limits[limit]})`).join(', ')}. Ask for less at once.`, {
      found: Object.fromEntries(above.map(({ of }) => [of, shape[of]])),
      limits: Object.fromEntries(above.map(({ of, limit }) => [of, this.#limits[limit]])),
    })
  }
}

/** One shape per operation of the document. Each fragment is measured once, so nested spreads cost no more than their text. */
export function shapesOf(document: DocumentNode): Shape[] {
  const fragments = new Map(document.definitions.filter(definition => definition.kind === Kind.FRAGMENT_DEFINITION).map(definition => [definition.name.value, definition]))
  const known = new Map<string, Shape>()
  return document.definitions
    .filter(definition => definition.kind === Kind.OPERATION_DEFINITION)
    .map(definition => {
      const shape = measure(definition.selectionSet, fragments, known)
      return { ...shape, directives: shape.directives + (definition.directives?.length ?? 0) }
    })
}

const nothing: Shape = { depth: 0, fields: 0, rootFields: 0, aliases: 0, directives: 0 }

function measure(set: SelectionSetNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>, known: Map<string, Shape>): Shape {
  let total = nothing
  for (const selection of set.selections) {
    const directives = selection.directives?.length ?? 0
    if (selection.kind === Kind.FIELD) {
      const inner = selection.selectionSet ? measure(selection.selectionSet, fragments, known) : nothing
      const introspects = selection.name.value === '__schema' || selection.name.value === '__type'
      total = add(total, {
        depth: introspects ? 1 : inner.depth + 1,
        fields: inner.fields + 1,
        rootFields: 1,
        aliases: inner.aliases + (selection.alias ? 1 : 0),
        directives: inner.directives + directives,
      })
    } else {
      const inner = selection.kind === Kind.INLINE_FRAGMENT ? measure(selection.selectionSet, fragments, known) : spread(selection.name.value, fragments, known)
      total = add(total, { ...inner, directives: inner.directives + directives })
    }
  }
  return total
}

/** An unknown fragment, or one inside itself, counts as nothing: validation refuses it. */
function spread(name: string, fragments: ReadonlyMap<string, FragmentDefinitionNode>, known: Map<string, Shape>): Shape {
  const measured = known.get(name)
  if (measured) return measured
  known.set(name, nothing)
  const fragment = fragments.get(name)
  const shape = fragment ? measure(fragment.selectionSet, fragments, known) : nothing
  known.set(name, shape)
  return shape
}

function add(a: Shape, b: Shape): Shape {
  return {
    depth: Math.max(a.depth, b.depth),
    fields: a.fields + b.fields,
    rootFields: a.rootFields + b.rootFields,
    aliases: a.aliases + b.aliases,
    directives: a.directives + b.directives,
  }
}
