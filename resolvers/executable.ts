import {
  buildASTSchema, GraphQLError, isInterfaceType, isObjectType, isScalarType, Kind, parse, validateSchema, valueFromASTUntyped,
  type DefinitionNode, type DocumentNode, type GraphQLField, type GraphQLFieldResolver, type GraphQLObjectType, type GraphQLResolveInfo, type GraphQLSchema,
} from 'graphql'
import { asHubError, HubError, type Problem } from '../schema/errors.ts'
import { didYouMean } from '../schema/names.ts'
import type { Context } from './context.ts'
import { federationSpec } from './federation-spec.ts'
import type { FieldResolution, Representation, Subgraph } from './subgraph.ts'

/**
 * The subgraph as a schema graphql-js can execute, with `_service` and, where it has entities, `_entities`. A mistake in its SDL, or a resolver for what the SDL
 * does not have → CATALOG_INVALID with every problem.
 */
export function executable(subgraph: Subgraph): GraphQLSchema {
  const document = parseSdl(subgraph)
  const spec = federationSpec(subgraph.name, document)
  const own = withDefinitions(document.definitions)
  const entityTypes = own.filter(node => isKeyed(node, spec.key)).map(node => ('name' in node ? node.name?.value ?? '' : ''))
  const entities = [...new Set(entityTypes)]

  const schema = build(subgraph, { kind: Kind.DOCUMENT, definitions: [...spec.definitions, ...own, ...serviceDefinitions(own, entities)] })
  wireScalars(subgraph, schema)
  wireFields(subgraph, schema)
  wireService(subgraph, schema, entities.length > 0)
  return schema
}

function parseSdl(subgraph: Subgraph): DocumentNode {
  try {
    return parse(subgraph.sdl)
  } catch (error) {
    throw invalid(subgraph.name, [error])
  }
}

/** Federation lets a subgraph extend what it does not define: the first such extension becomes the definition. */
function withDefinitions(definitions: readonly DefinitionNode[]): DefinitionNode[] {
  const defined = new Set(definitions.flatMap(node => (node.kind.endsWith('TypeDefinition') && 'name' in node && node.name ? [node.name.value] : [])))
  return definitions.map(node => {
    if (!node.kind.endsWith('TypeExtension') || !('name' in node) || !node.name || defined.has(node.name.value)) return node
    defined.add(node.name.value)
    return { ...node, kind: node.kind.replace('Extension', 'Definition') } as DefinitionNode
  })
}

function isKeyed(node: DefinitionNode, key: string): boolean {
  const isObject = node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.OBJECT_TYPE_EXTENSION
  return isObject && (node.directives ?? []).some(directive => directive.name.value === key)
}

function serviceDefinitions(definitions: readonly DefinitionNode[], entities: readonly string[]): readonly DefinitionNode[] {
  const query = queryName(definitions)
  const isDefined = definitions.some(node => node.kind === Kind.OBJECT_TYPE_DEFINITION && node.name.value === query)
  const field = entities.length > 0 ? '_entities(representations: [_Any!]!): [_Entity]! ' : ''
  const types = entities.length > 0 ? `union _Entity = ${entities.join(' | ')}` : ''
  return parse(`${isDefined ? 'extend ' : ''}type ${query} { ${field}_service: _Service! } type _Service { sdl: String } scalar _Any ${types}`, { noLocation: true }).definitions
}

function queryName(definitions: readonly DefinitionNode[]): string {
  for (const node of definitions) {
    if (node.kind !== Kind.SCHEMA_DEFINITION && node.kind !== Kind.SCHEMA_EXTENSION) continue
    const query = node.operationTypes?.find(type => type.operation === 'query')
    if (query) return query.type.name.value
  }
  return 'Query'
}

function build(subgraph: Subgraph, document: DocumentNode): GraphQLSchema {
  try {
    const schema = buildASTSchema(document)
    const errors = validateSchema(schema)
    if (errors.length > 0) throw invalid(subgraph.name, errors)
    return schema
  } catch (error) {
    if (error instanceof HubError) throw error
    throw invalid(subgraph.name, [error])
  }
}

function invalid(subgraph: string, errors: readonly unknown[]): HubError {
  const problems = errors.flatMap(error => {
    const message = error instanceof Error ? error.message : String(error)
    const place = error instanceof GraphQLError ? error.locations?.[0] : undefined
    // buildASTSchema joins its findings with an empty line.
    return message.split('\n\n').map((part): Problem => ({ path: subgraph, message: part, ...place }))
  })
  return new HubError('CATALOG_INVALID', `The SDL of subgraph "${subgraph}" has ${problems.length} problem${problems.length === 1 ? '' : 's'}: ${problems[0]?.message}`, { problems })
}

function wireScalars(subgraph: Subgraph, schema: GraphQLSchema): void {
  for (const scalar of subgraph.scalars) {
    const type = schema.getType(scalar.name)
    if (!isScalarType(type)) continue
    type.serialize = scalar.serialize
    type.parseValue = scalar.parseValue
    type.parseLiteral = scalar.parseLiteral
  }
}

function wireFields(subgraph: Subgraph, schema: GraphQLSchema): void {
  const problems: Problem[] = []
  for (const [typeName, resolutions] of Object.entries(subgraph.fields)) {
    const type = schema.getType(typeName)
    if (!isObjectType(type)) {
      problems.push({ path: `${subgraph.name}.${typeName}`, message: `There is no object type "${typeName}" to resolve.${didYouMean(typeName, Object.keys(schema.getTypeMap()))}` })
      continue
    }
    const fields = type.getFields()
    for (const [name, resolution] of Object.entries(resolutions)) {
      const field = fields[name]
      if (field) wire(field, resolution)
      else problems.push({ path: `${subgraph.name}.${typeName}.${name}`, message: `Type "${typeName}" has no field "${name}" to resolve.${didYouMean(name, Object.keys(fields))}` })
    }
  }
  for (const name of Object.keys(subgraph.entities)) {
    if (!schema.getType(name)) problems.push({ path: `${subgraph.name}.${name}`, message: `There is no type "${name}" whose entities could be found.${didYouMean(name, Object.keys(schema.getTypeMap()))}` })
  }
  if (problems.length > 0) throw new HubError('CATALOG_INVALID', `Subgraph "${subgraph.name}" resolves what its SDL does not have: ${problems[0]?.message}`, { problems })
}

function wire(field: GraphQLField<unknown, unknown>, resolution: FieldResolution): void {
  // A resolver says what its parent is; which object it gets is decided by the resolver of the parent's field.
  const untyped = (resolver: GraphQLFieldResolver<never, Context>) => resolver as GraphQLFieldResolver<unknown, unknown>
  if (typeof resolution === 'function') {
    field.resolve = untyped(resolution)
    return
  }
  field.subscribe = untyped(resolution.subscribe)
  if (resolution.resolve) field.resolve = untyped(resolution.resolve)
}

function wireService(subgraph: Subgraph, schema: GraphQLSchema, hasEntities: boolean): void {
  const query = schema.getQueryType()?.getFields() ?? {}
  const service = query['_service']
  if (service) service.resolve = () => ({ sdl: subgraph.sdl })
  if (!hasEntities) return

  const any = schema.getType('_Any')
  if (isScalarType(any)) {
    any.parseValue = representation
    any.parseLiteral = (node, variables) => representation(valueFromASTUntyped(node, variables))
  }
  const entities = query['_entities']
  if (entities) entities.resolve = (_source, { representations }, context, info) => findEntities(subgraph, representations, context as Context, info)
  const union = schema.getType('_Entity')
  if (union && 'resolveType' in union) union.resolveType = (value, context) => typesOf(context as Context).get(value as object)
}

function representation(value: unknown): Representation {
  if (typeof value === 'object' && value !== null && '__typename' in value && typeof value.__typename === 'string') return value as Representation
  throw new GraphQLError(`A representation is an object with "__typename" and the fields of a key; found ${JSON.stringify(value)}.`, { extensions: { code: 'BAD_USER_INPUT' } })
}

/** Which entity of one fetch is of which type: an object need not carry `__typename`. */
function typesOf(context: Context): WeakMap<object, string> {
  const found = context.perFetch.get(typesOf) as WeakMap<object, string> | undefined
  if (found) return found
  const types = new WeakMap<object, string>()
  context.perFetch.set(typesOf, types)
  return types
}

/** One call per type; what it answers, or its failure, stands at the places of its representations. */
async function findEntities(subgraph: Subgraph, representations: readonly Representation[], context: Context, info: GraphQLResolveInfo): Promise<unknown[]> {
  const indices = Map.groupBy(representations.keys(), index => representations[index]!.__typename)
  const answer: unknown[] = new Array(representations.length).fill(null)
  // A batched fetch asks for entities of several places under aliases; the executor knows which place each stands for.
  const alias = String(info.path.key)
  const at = alias === '_entities' ? context.at : [context.at, alias].filter(Boolean).join('.')

  await Promise.all([...indices].map(async ([type, places]) => {
    try {
      const find = Object.hasOwn(subgraph.entities, type) ? subgraph.entities[type] : undefined
      if (!find) throw new HubError('BAD_USER_INPUT', `Subgraph "${subgraph.name}" has no entities of type "${type}".${didYouMean(type, Object.keys(subgraph.entities))}`)
      const found = await find(places.map(index => representations[index]!), { ...context, at })
      if (found.length !== places.length) throw new Error(`Entities of "${type}": ${places.length} representations, ${found.length} answers.`)
      places.forEach((index, place) => {
        answer[index] = typed(found[place], type, context, info.schema)
      })
    } catch (error) {
      const failure = error instanceof Error ? error : asHubError(error)
      for (const index of places) answer[index] = failure
    }
  }))
  return answer
}

/** The entity with its type noted. One object answered as two types is copied, so that each keeps its own. */
function typed(entity: unknown, asked: string, context: Context, schema: GraphQLSchema): unknown {
  if (typeof entity !== 'object' || entity === null || entity instanceof Error) return entity ?? null
  const type = objectType(entity, asked, schema)
  if (!type) return new Error(`An entity of interface "${asked}" does not say its type in "__typename".`)
  const types = typesOf(context)
  const before = types.get(entity)
  if (before === undefined || before === type.name) {
    types.set(entity, type.name)
    return entity
  }
  const copy: object = Object.assign(Object.create(Object.getPrototypeOf(entity)), entity)
  types.set(copy, type.name)
  return copy
}

function objectType(entity: object, asked: string, schema: GraphQLSchema): GraphQLObjectType | undefined {
  const type = schema.getType(asked)
  if (!isInterfaceType(type)) return isObjectType(type) ? type : undefined
  const name = '__typename' in entity ? String(entity.__typename) : ''
  const own = schema.getType(name)
  return isObjectType(own) && schema.isSubType(type, own) ? own : undefined
}

