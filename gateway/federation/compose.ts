import { createHash } from 'node:crypto'
import { composeServices, transformSupergraphToPublicSchema } from '@theguild/federation-composition'
import { buildASTSchema, GraphQLError, Kind, parse, type DocumentNode, type GraphQLSchema } from 'graphql'
import { HubError, type Problem } from '../../schema/errors.ts'
import { consistencySdl } from './consistency.ts'
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
      return [{ name, url, typeDefs: parse(sdl) }]
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
  const sdl = mended(result.supergraphSdl, parsed)
  return sdl === undefined ? { sdl: result.supergraphSdl, publicSchema: publicSchema(result.publicDocumentNode), version: versionOf(result.supergraphSdl) } : readSupergraph(sdl)
}

/** A supergraph composed elsewhere. Text that is no supergraph → CATALOG_INVALID. */
export function readSupergraph(sdl: string): Composed {
  try {
    return { sdl, publicSchema: publicSchema(transformSupergraphToPublicSchema(parse(sdl))), version: versionOf(sdl) }
  } catch (error) {
    throw new HubError('CATALOG_INVALID', `The supergraph is not one: ${error instanceof Error ? error.message : String(error)}`, {}, { cause: error })
  }
}

/** Names a composed SDL. */
export function versionOf(sdl: string): string {
  return createHash('sha256').update(sdl).digest('hex').slice(0, 16)
}

/** The composer validated what this document is made from. */
function publicSchema({ definitions, ...document }: DocumentNode): GraphQLSchema {
  const hasLevels = definitions.some(node => node.kind === Kind.ENUM_TYPE_DEFINITION && node.name.value === 'ConsistencyLevel')
  const own = definitions.filter(node => !(node.kind === Kind.DIRECTIVE_DEFINITION && node.name.value === 'consistency'))
  return buildASTSchema({ ...document, definitions: hasLevels ? [...own, ...consistencyDirective] : definitions }, { assumeValid: true, assumeValidSDL: true })
}

const consistencyDirective = parse(consistencySdl, { noLocation: true }).definitions

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
