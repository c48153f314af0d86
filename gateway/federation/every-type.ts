import type { FlattenNodePathSegment, RequiresSelection } from '@graphql-hive/router-query-planner'
import { getNamedType, isAbstractType, isCompositeType, isInterfaceType, isObjectType, type FieldNode, type GraphQLObjectType, type GraphQLSchema } from 'graphql'
import type { Canonical } from './canonical.ts'
import { Collector, type Fields } from './collect.ts'
import type { Place, Step } from './steps.ts'

/** An object type that may stand at a place, with what the client asks of it. */
interface Asked {
  readonly type: GraphQLObjectType
  readonly fields: Fields
}

/**
 * The step with the types its planner forgets: where fragments on several types ask an interface object for something, the planner makes one fetch of them all, and
 * sends the entities of one of the types alone.
 */
export function withEveryType(step: Step, form: Canonical, schema: GraphQLSchema, variables: Record<string, unknown>): Step {
  const collector = new Collector(schema, form.fragments, variables)
  const rootType = schema.getRootType(form.operation.operation)
  const root: readonly Asked[] = rootType ? [{ type: rootType, fields: collector.root(rootType, form.operation.selectionSet) }] : []

  const completed = (one: Step): Step => {
    if (one.kind === 'sequence' || one.kind === 'parallel') return { ...one, steps: one.steps.map(completed) }
    if (one.kind === 'condition') return { ...one, yes: one.yes && completed(one.yes), no: one.no && completed(one.no) }
    return one.kind === 'entities' ? { ...one, places: one.places.map(place => ({ ...place, requires: [...place.requires, ...forgotten(place)] })) } : one
  }
  return completed(step)

  function forgotten(place: Place): RequiresSelection[] {
    const sample = place.requires.find(one => one.kind === 'InlineFragment' && isObjectType(schema.getType(one.typeCondition)))
    if (sample?.kind !== 'InlineFragment' || !place.inputs.some(one => isInterfaceType(schema.getType('ValueSetter' in one ? one.ValueSetter.setValueTo : '')))) return []
    const known = new Set(place.requires.flatMap(one => (one.kind === 'InlineFragment' ? [one.typeCondition] : [])))
    const types = new Set(place.paths.flatMap(path => askedAt(path)).filter(asked => asks(asked, place)).map(({ type }) => type.name))
    return [...types].filter(name => !known.has(name)).map(typeCondition => ({ ...sample, typeCondition }))
  }

  function askedAt(path: readonly FlattenNodePathSegment[]): readonly Asked[] {
    return path.reduce((asked, segment) => {
      if (segment === '@') return asked
      if ('TypeCondition' in segment) return asked.filter(({ type }) => segment.TypeCondition.some(name => isOf(type, name)))
      return asked.flatMap(one => [...one.fields.values()].filter(([node]) => node && form.keyOf.get(node) === segment.Field).flatMap(nodes => below(one.type, nodes)))
    }, root)
  }

  function below(parent: GraphQLObjectType, nodes: readonly FieldNode[]): readonly Asked[] {
    const named = getNamedType(parent.getFields()[nodes[0]?.name.value ?? '']?.type)
    const types = isAbstractType(named) ? schema.getPossibleTypes(named) : isObjectType(named) ? [named] : []
    return types.map(type => ({ type, fields: collector.below(type, nodes) }))
  }

  function asks({ fields }: Asked, { shape }: Place): boolean {
    return [...fields.values()].some(([node]) => node !== undefined && node.name.value !== '__typename' && shape.has(form.keyOf.get(node) ?? node.name.value))
  }

  function isOf(type: GraphQLObjectType, name: string): boolean {
    const condition = schema.getType(name)
    return type.name === name || (isCompositeType(condition) && isAbstractType(condition) && schema.isSubType(condition, type))
  }
}
