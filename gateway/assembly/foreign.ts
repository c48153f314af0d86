import { isDeepStrictEqual } from 'node:util'
import { isEnumType, isInputObjectType, Kind, parse, print, type FieldDefinitionNode, type GraphQLSchema, type ObjectTypeDefinitionNode, type ObjectTypeExtensionNode, type TypeNode } from 'graphql'
import type { ForeignSubgraph } from '../../schema/catalog.ts'
import { asHubError, HubError, type Problem } from '../../schema/errors.ts'
import type { Finding } from '../../schema/findings.ts'
import type { ForeignEntity } from '../../schema/model.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { composeSupergraph, type Composed, type SubgraphSdl } from '../federation/compose.ts'
import type { ComponentHealth } from '../hub.ts'
import type { SubgraphService } from '../federation/supergraph.ts'
import { CatalogMistakes } from './mistakes.ts'

/** A subgraph somewhere else, reached. */
export interface OpenForeign {
  readonly declared: ForeignSubgraph
  readonly service: SubgraphService
}

/** How long a subgraph may take to say its SDL. */
const askLimitMs = 10_000

/**
 * The declared subgraphs, asked for their SDL. Those declared as before are kept: unasked, or with `again` where their SDL is the same or they do not answer now. A new
 * one that does not answer is a finding.
 */
export async function openForeign(
  scope: Scope, declared: readonly ForeignSubgraph[], previous: readonly OpenForeign[], again: boolean, open: (one: ForeignSubgraph, scope: Scope) => Promise<SubgraphService>,
): Promise<{ foreign: readonly OpenForeign[]; findings: readonly Finding[] }> {
  const findings: Finding[] = []
  const foreign = await Promise.all(
    declared.map(async (one): Promise<OpenForeign[]> => {
      const known = previous.find(other => isDeepStrictEqual(other.declared, one))
      if (known && !again) return [known]
      const late = new AbortController()
      const cancel = scope.clock.after(askLimitMs, () => late.abort(new HubError('TIMEOUT', `Subgraph "${one.name}" gave no answer in time.`, { service: one.name })))
      try {
        const service = await open(one, { ...scope, signal: AbortSignal.any([scope.signal, late.signal]), deadlineMs: Math.min(scope.deadlineMs, scope.clock.now() + askLimitMs) })
        if (!known) return [{ declared: one, service }]
        // Its connections stay: subscriptions over them outlive the change.
        await service.close?.()
        return [service.sdl === known.service.sdl ? known : { declared: one, service: { ...known.service, sdl: service.sdl } }]
      } catch (error) {
        if (!(error instanceof HubError)) throw error
        if (known) {
          scope.log.warn(`Subgraph "${one.name}" does not say its types; those known stay.`, { subgraph: one.name, code: error.code, reason: error.message })
          return [known]
        }
        findings.push({ path: ['subgraphs', one.name], message: error.message })
        return []
      } finally {
        cancel()
      }
    }),
  )
  return { foreign: foreign.flat(), findings }
}

/** Whether a subgraph answers now, at the cost of its smallest query. */
export async function serviceHealth(scope: Scope, service: SubgraphService): Promise<ComponentHealth> {
  const name = `subgraph:${service.name}`
  try {
    await service.execute({ document: smallest, parsed: parse(smallest), variables: {}, scope, at: '' })
    return { name, state: 'up', required: false }
  } catch (error) {
    return { name, state: 'down', required: false, message: asHubError(error).message }
  }
}

const smallest = '{ __typename }'

/**
 * One graph of the product's own subgraphs and the foreign ones. What does not fit together → CATALOG_INVALID, each finding at the first foreign subgraph it names; so is
 * what composition would silently take away: inputs of one name keep only the fields all subgraphs give them.
 */
export function composeAll(own: readonly SubgraphSdl[], foreign: readonly OpenForeign[]): Composed {
  try {
    const composed = composeSupergraph([...own, ...foreign.map(one => one.service)])
    const narrowed = foreign.length > 0 ? narrowedInputs(composed.publicSchema, own, foreign) : []
    if (narrowed.length > 0) throw new CatalogMistakes(narrowed)
    return composed
  } catch (error) {
    if (error instanceof CatalogMistakes) throw error
    if (!(error instanceof HubError) || error.code !== 'CATALOG_INVALID' || foreign.length === 0) throw error
    throw new CatalogMistakes((error.details['problems'] as readonly Problem[]).map(({ path, message }) => {
      const names = foreign.map(one => one.declared.name)
      const named = names.find(name => name === path) ?? names.find(name => message.includes(`"${name}"`))
      return { path: named === undefined ? ['subgraphs'] : ['subgraphs', named], message }
    }))
  }
}

function narrowedInputs(graph: GraphQLSchema, own: readonly SubgraphSdl[], foreign: readonly OpenForeign[]): Finding[] {
  const findings = new Map<string, Finding>()
  for (const { sdl } of own) {
    for (const node of parse(sdl, { noLocation: true }).definitions) {
      if (node.kind !== Kind.INPUT_OBJECT_TYPE_DEFINITION && node.kind !== Kind.ENUM_TYPE_DEFINITION) continue
      const members = (node.kind === Kind.ENUM_TYPE_DEFINITION ? node.values : node.fields) ?? []
      const type = graph.getType(node.name.value)
      const kept = new Set(isInputObjectType(type) ? Object.keys(type.getFields()) : isEnumType(type) ? type.getValues().map(value => value.name) : [])
      const lost = members.map(member => member.name.value).filter(name => !kept.has(name))
      const by = foreign.find(({ service }) => new RegExp(`\\b(input|enum)\\s+${node.name.value}\\b`).test(service.sdl))
      if (lost.length === 0 || !by) continue
      findings.set(node.name.value, {
        path: ['subgraphs', by.declared.name],
        message: `The subgraph "${by.declared.name}" has a type ${node.name.value} of its own, without ${lost.join(', ')}: the hub's ${node.name.value} would lose them. Let that subgraph call its type otherwise.`,
      })
    }
  }
  return [...findings.values()]
}

/** The entities a subgraph owns: types with a key of plain fields that it can resolve. */
export function foreignEntities({ declared, service }: OpenForeign): ForeignEntity[] {
  const types = parse(service.sdl, { noLocation: true }).definitions.filter(node => node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.OBJECT_TYPE_EXTENSION)
  return types.flatMap(type => {
    const fields = (type.fields ?? []).filter(field => isPlain(field.type) && (field.arguments ?? []).length === 0 && !marked(field, 'external'))
    const typed = (field: FieldDefinitionNode) => ({ field: field.name.value, type: print(field.type) })
    const keys = keysOf(type).flatMap(key => {
      const found = key.map(name => type.fields?.find(field => field.name.value === name))
      return found.every(field => field !== undefined) ? [found.map(typed)] : []
    })
    const [key, ...otherKeys] = keys
    return key ? [{ type: type.name.value, subgraph: declared.name, key, ...(otherKeys.length > 0 && { otherKeys }), fields: fields.map(typed) }] : []
  })
}

function keysOf(type: ObjectTypeDefinitionNode | ObjectTypeExtensionNode): string[][] {
  return (type.directives ?? []).flatMap(directive => {
    if (directive.name.value !== 'key' && directive.name.value !== 'federation__key') return []
    const argument = (name: string) => directive.arguments?.find(one => one.name.value === name)?.value
    const resolvable = argument('resolvable')
    const fields = argument('fields')
    if (resolvable?.kind === Kind.BOOLEAN && !resolvable.value) return []
    return fields?.kind === Kind.STRING && !fields.value.includes('{') ? [fields.value.trim().split(/[\s,]+/)] : []
  })
}

const plain = new Set(['ID', 'String', 'Int', 'Float', 'Boolean'])

function isPlain(type: TypeNode): boolean {
  if (type.kind === Kind.NON_NULL_TYPE) return isPlain(type.type)
  return type.kind === Kind.NAMED_TYPE && plain.has(type.name.value)
}

function marked(field: FieldDefinitionNode, name: string): boolean {
  return (field.directives ?? []).some(directive => directive.name.value === name || directive.name.value === `federation__${name}`)
}
