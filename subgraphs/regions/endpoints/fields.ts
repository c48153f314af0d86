import type { EndpointModel } from '../../../schema/endpoint.ts'
import { HubError } from '../../../schema/errors.ts'
import type { EntityModel } from '../../../schema/model.ts'
import type { CatalogAdmin } from '../../../resolvers/catalog-admin.ts'
import { simplePage } from '../../../resolvers/connection.ts'
import type { Context } from '../../../resolvers/context.ts'
import type { CursorSealer } from '../../../resolvers/cursor.ts'
import { mustHold } from '../../../resolvers/guard.ts'
import type { FieldResolution, Subgraph } from '../../../resolvers/subgraph.ts'
import { describedRegion, type ServedRegions } from '../catalog.ts'
import { regionNamed } from '../entries.ts'
import { installPreset, presetFields } from './install.ts'
import type { Preset } from './presets/index.ts'
import { endpointAt, runEndpoint, type RunRoles } from './run.ts'

/** What serves now, which a change of the catalog makes another. */
export interface ServedEndpoints extends ServedRegions {
  readonly endpoints: readonly EndpointModel[]
}

export interface EndpointRoles extends Omit<RunRoles, 'generation'> {
  readonly admin: CatalogAdmin
  readonly current: () => ServedEndpoints
  readonly cursors: CursorSealer
}

interface EndpointArguments {
  readonly path: string
  readonly description?: string | null
  readonly cacheRegions: readonly string[]
  readonly query: string
  readonly cacheKeyPattern: string
  readonly ttlSeconds: number
  readonly strict?: boolean | null
}

/** Endpoints: to call by path or as a field of its own, to list, declare and drop, and the presets. */
export function endpointFields(given: EndpointRoles): Subgraph['fields'] {
  const roles = { ...given, generation: given.results.begin() }
  const describe = (path: string) => describedEndpoint(roles.current(), endpointAt(roles.current().endpoints, path))
  const typed = roles.endpoints.map((endpoint): [string, FieldResolution] => [endpoint.field, (_: unknown, args: object, context: Context) => runEndpoint(context, roles, endpoint, args)])
  return {
    Query: {
      apiQuery: (_: unknown, { path, params }: { path: string; params: unknown }, context: Context) => runEndpoint(context, roles, endpointAt(roles.endpoints, path), params),
      ...(typed.length > 0 ? { apiQueries: () => ({}) } : {}),
      apiEndpoints: (_: unknown, args: { first?: number | null; after?: string | null }, { scope }: Context) => {
        mustHold(scope, 'catalog:read')
        const served = roles.current()
        const endpoints = served.endpoints.toSorted((a, b) => (a.path < b.path ? -1 : 1))
        return simplePage(endpoints, { name: endpoint => endpoint.path, show: endpoint => describedEndpoint(served, endpoint), identity: JSON.stringify(['apiEndpoints', scope.tenant]), cursors: roles.cursors }, args)
      },
      ...presetFields(roles),
    },
    ApiQueries: Object.fromEntries(typed),
    Mutation: {
      registerApiEndpoint: async (_: unknown, { input }: { input: EndpointArguments }, { scope }: Context) => {
        mustHold(scope, 'catalog:write')
        const { path, description, strict, ...definition } = input
        const taken = () => new HubError('CONFLICT', `There is an endpoint "${path}" already. Drop it first, or choose another path.`, { path })
        if (roles.current().endpoints.some(one => one.path === path)) throw taken()
        for (const name of input.cacheRegions) regionNamed(roles.current().model, name)
        const declared = await roles.admin.declare(scope, 'endpoint', path, { ...definition, ...(description ? { description } : {}), ...(strict ? { strict } : {}) })
        if (!declared.changed) throw taken()
        return { endpoint: describe(path) }
      },
      deleteApiEndpoint: (_: unknown, { path }: { path: string }, { scope }: Context) => {
        mustHold(scope, 'catalog:write')
        return roles.admin.drop(scope, 'endpoint', path)
      },
      installPreset: async (_: unknown, { name }: { name: Preset['name'] }, { scope }: Context) => {
        const { preset, changed } = await installPreset(scope, roles, name)
        return { preset, changed, endpoint: describe(preset.path) }
      },
    },
  }
}

function describedEndpoint(served: ServedEndpoints, endpoint: EndpointModel) {
  const regionOf = (name: string): EntityModel => regionNamed(served.model, name)
  return {
    ...endpoint,
    cacheRegions: () => endpoint.cacheRegions.map(name => describedRegion(served, regionOf(name))),
    parameters: endpoint.parameters.map(({ name, type, use }) => ({ name, type, list: use === 'list', required: true })),
  }
}
