import { createHash } from 'node:crypto'
import { composeServices, transformSupergraphToPublicSchema } from '@theguild/federation-composition'
import { buildASTSchema, GraphQLError, GraphQLSchema, Kind, parse, printSchema, type ConstDirectiveNode, type DirectiveDefinitionNode, type DocumentNode } from 'graphql'
import { HubError, type Problem } from '../../schema/errors.ts'
import { cachedSdl } from './cached.ts'
import { consistencySdl } from './consistency.ts'
import { deferDirective } from './deferred/directive.ts'
import { inFederationNames } from './federation-names.ts'
import { mended } from './mend.ts'

export interface SubgraphSdl {
  readonly name: string
  readonly url?: string
  readonly sdl: string
}

export interface Composed {
  /** With `@join__…`: who answers what. */
  readonly sdl: string
  /** What clients see. */
  readonly publicSchema: GraphQLSchema
  /** Hash of the SDL. */
  readonly version: string
}

/** One supergraph of all subgraphs. What does not fit together → CATALOG_INVALID with one problem per finding. Takes from 50 ms to seconds, with the size of the SDL. */
export function composeSupergraph(services: readonly SubgraphSdl[]): Composed {
  const problems: Problem[] = []
  const parsed = services.flatMap(({ name, url, sdl }) => {
    try {
      return [{ name, url, typeDefs: inFederationNames(parse(sdl)) }]
    } catch (error) {
      problems.push(problemOf(error, name))
      return []
    }
  })
  refuse(problems)
  const result = composeServices(parsed)
  if (result.errors) {
    refuse(result.errors.map(error => problemOf(error)))
    throw new HubError('INTERNAL', 'The composition failed without saying why.')
  }
  refuse(unsupported(parse(result.supergraphSdl, { noLocation: true })))
  const sdl = mended(result.supergraphSdl, parsed)
  return sdl === undefined ? { sdl: result.supergraphSdl, publicSchema: publicSchema(result.publicDocumentNode), version: versionOf(result.supergraphSdl) } : readSupergraph(sdl)
}

/** A supergraph composed elsewhere. Text that is no supergraph → CATALOG_INVALID. */
export function readSupergraph(sdl: string): Composed {
  let problems: readonly Problem[]
  let composed: Composed
  try {
    const document = parse(sdl)
    problems = unsupported(document)
    composed = { sdl, publicSchema: publicSchema(transformSupergraphToPublicSchema(document)), version: versionOf(sdl) }
  } catch (error) {
    throw new HubError('CATALOG_INVALID', `The supergraph is not one: ${error instanceof Error ? error.message : String(error)}`, {}, { cause: error })
  }
  refuse(problems)
  return composed
}

/**
 * What of a supergraph is not done here, and must not be passed over: arguments taken from a context, without which a subgraph would be asked, and guards, without which fields
 * would be open (link specification, purpose SECURITY: who does not know such a feature must not serve the graph).
 */
function unsupported({ definitions }: DocumentNode): Problem[] {
  return definitions.flatMap((node): Problem[] => {
    if (node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION) return (node.directives ?? []).flatMap(guard)
    if (!('fields' in node)) return []
    return (node.fields ?? []).flatMap(field => {
      const isAsked = field.directives?.some(one => one.name.value === 'join__field' && one.arguments?.some(({ name }) => name.value === 'contextArguments'))
      const path = `${node.name.value}.${field.name.value}`
      return isAsked ? [{ path, message: `Field "${path}" takes an argument @fromContext, which is not supported. Give the field a key or @requires instead.` }] : []
    })
  })
}

/** What is kept, and what says nothing by itself. */
const notGuards = new Set(['inaccessible', 'context'])

function guard({ name, arguments: given = [] }: ConstDirectiveNode): Problem[] {
  const value = (argument: string) => {
    const found = given.find(one => one.name.value === argument)?.value
    return found && 'value' in found ? String(found.value) : ''
  }
  const feature = /\/([\w-]+)(?:\/v[\d.]+)?\/?$/.exec(value('url'))?.[1] ?? value('url')
  if (name.value !== 'link' || value('for') !== 'SECURITY' || notGuards.has(feature)) return []
  return [{ path: `@${feature}`, message: `The graph is guarded by @${feature} (${value('url')}), which is not enforced here. Let the subgraphs refuse what callers may not have, and leave the directive out.` }]
}

/** Names a composed SDL. */
export function versionOf(sdl: string): string {
  return createHash('sha256').update(sdl).digest('hex').slice(0, 16)
}

/** The composer validated what this document is made from. */
function publicSchema({ definitions, ...document }: DocumentNode): GraphQLSchema {
  const hasLevels = definitions.some(node => node.kind === Kind.ENUM_TYPE_DEFINITION && node.name.value === 'ConsistencyLevel')
  // What is hidden from clients is left out of the document, and still named as a member of its unions.
  const objects = new Set(definitions.flatMap(node => (node.kind === Kind.OBJECT_TYPE_DEFINITION ? [node.name.value] : [])))
  const shown = definitions.map(node => (node.kind === Kind.UNION_TYPE_DEFINITION ? { ...node, types: node.types?.filter(type => objects.has(type.name.value)) } : node))
  const ofHub = [...deferDefinition, ...(hasLevels ? regionDirectives : [])]
  const names = new Set(ofHub.map(({ name }) => name.value))
  const own = shown.filter(node => !(node.kind === Kind.DIRECTIVE_DEFINITION && names.has(node.name.value)))
  return buildASTSchema({ ...document, definitions: [...own, ...ofHub] }, { assumeValid: true, assumeValidSDL: true })
}

const deferDefinition = directivesOf(printSchema(new GraphQLSchema({ directives: [deferDirective] })))
const regionDirectives = directivesOf(consistencySdl + cachedSdl)

function directivesOf(sdl: string): DirectiveDefinitionNode[] {
  return parse(sdl, { noLocation: true }).definitions.filter(node => node.kind === Kind.DIRECTIVE_DEFINITION)
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length === 0) return
  const list = problems.map(({ message }) => `- ${message}`).join('\n')
  throw new HubError('CATALOG_INVALID', `The subgraphs do not compose; ${problems.length} problem${problems.length === 1 ? '' : 's'} found:\n${list}`, { problems })
}

/** The composer names the subgraph in brackets before its sentence: `[airports] Cannot …`. */
function problemOf(error: unknown, subgraph?: string): Problem {
  const message = error instanceof Error ? error.message : String(error)
  const place = error instanceof GraphQLError ? error.locations?.[0] : undefined
  const path = subgraph ?? /^\[([^\]]+)\]/.exec(message)?.[1] ?? 'subgraphs'
  const code = error instanceof GraphQLError && typeof error.extensions['code'] === 'string' ? ` (${error.extensions['code']})` : ''
  return { path, message: `${message}${code}`, ...place }
}
