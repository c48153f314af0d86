import { isAbstractType, isObjectType, Kind, TypeInfo, visit, visitWithTypeInfo, type DocumentNode, type FieldNode, type GraphQLCompositeType, type GraphQLSchema } from 'graphql'
import { isNoting } from '../../resolvers/footprint.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'

/** By document: what of it reads more; null: nothing. */
const known = new WeakMap<DocumentNode, string | null>()

/** Why an answer of the document may rest on more than its resolvers note in a footprint, as a sentence; undefined: it does not. Looked at once a document. */
export function beyondNotes(schema: GraphQLSchema, subgraph: Subgraph, document: DocumentNode): string | undefined {
  let found = known.get(document)
  if (found === undefined) {
    found = firstUnnoted(schema, subgraph, document) ?? null
    known.set(document, found)
  }
  return found === null ? undefined : `"${found}" reads more than entries of regions and rows of views.`
}

function firstUnnoted(schema: GraphQLSchema, subgraph: Subgraph, document: DocumentNode): string | undefined {
  const types = new TypeInfo(schema)
  const root = schema.getQueryType()
  let found: string | undefined
  visit(document, visitWithTypeInfo(types, {
    Field(node) {
      const parent = types.getParentType()
      if (!parent || found !== undefined || node.name.value === '__typename') return
      const isEntities = parent === root && node.name.value === '_entities'
      found = isEntities ? entitiesUnnoted(subgraph, node) : fieldUnnoted(schema, parent, node.name.value)
    },
  }))
  return found
}

/** A field without a resolver is a property of what its parent's resolver answered, which at the root is nothing. */
function fieldUnnoted(schema: GraphQLSchema, parent: GraphQLCompositeType, name: string): string | undefined {
  const objects = isAbstractType(parent) ? schema.getPossibleTypes(parent) : [parent]
  const other = objects.find(object => {
    const field = isObjectType(object) ? object.getFields()[name] : undefined
    return !field || (field.resolve ? !isNoting(field.resolve) : object === schema.getQueryType())
  })
  return other && `${other.name}.${name}`
}

function entitiesUnnoted({ entities }: Subgraph, { selectionSet }: FieldNode): string | undefined {
  for (const one of selectionSet?.selections ?? []) {
    const type = one.kind === Kind.INLINE_FRAGMENT ? one.typeCondition?.name.value : undefined
    const find = type !== undefined && Object.hasOwn(entities, type) ? entities[type] : undefined
    if (one.kind !== Kind.FIELD && !(find && isNoting(find))) return type ?? '_entities'
  }
  return undefined
}
