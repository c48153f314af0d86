import { isDeepStrictEqual } from 'node:util'
import { parseEntry } from '../../../schema/catalog.ts'
import type { EndpointModel } from '../../../schema/endpoint.ts'
import { HubError } from '../../../schema/errors.ts'
import type { Json } from '../../../schema/values.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import type { CatalogAdmin } from '../../../resolvers/catalog-admin.ts'
import type { Context } from '../../../resolvers/context.ts'
import { mustHold } from '../../../resolvers/guard.ts'
import type { FieldResolution } from '../../../resolvers/subgraph.ts'
import type { ServedRegions } from '../catalog.ts'
import { presets, type Preset } from './presets/index.ts'

interface InstallRoles {
  readonly admin: CatalogAdmin
  readonly current: () => ServedRegions & { readonly endpoints: readonly EndpointModel[] }
}

export function presetFields(roles: InstallRoles): Record<string, FieldResolution> {
  return {
    apiPresets: (_: unknown, _args: unknown, { scope }: Context) => {
      mustHold(scope, 'catalog:read')
      return presets.map(preset => described(preset, roles.current().endpoints))
    },
  }
}

/**
 * Declares the preset's region and endpoint where they are not there yet, and puts its rows where the caller's tenant has none in the region. Another region or endpoint of
 * the name → CONFLICT, and nothing is declared.
 */
export async function installPreset(scope: Scope, { admin, current }: InstallRoles, name: Preset['name']) {
  mustHold(scope, 'catalog:write')
  mustHold(scope, 'cache:write')
  const preset = presets.find(one => one.name === name)
  if (!preset) throw new HubError('NOT_FOUND', `There is no preset "${name}".`, { preset: name })
  const { region, endpoint, rows } = preset
  const there = current().endpoints.find(one => one.path === endpoint.path)
  if (there && !isInstalled(preset, there)) throw new HubError('CONFLICT', `The path "${endpoint.path}" is another endpoint's, so the preset ${name} cannot have it. Drop that one first.`, { path: endpoint.path })

  const madeRegion = await admin.declare(scope, 'region', region.name, region.definition as Json)
  const madeEndpoint = await admin.declare(scope, 'endpoint', endpoint.path, endpoint.definition as Json).catch(async (error: unknown) => {
    // What was just made and holds nothing goes again; entries of an earlier declaration stay.
    if (madeRegion.changed && (await current().region(region.name).stats(scope)).entries === 0) await admin.drop(scope, 'region', region.name)
    throw error
  })
  const held = current().region(region.name)
  const isEmpty = (await held.count(scope)) === 0
  if (isEmpty) await held.putMany(scope, rows)
  return { preset: described(preset, current().endpoints), changed: madeRegion.changed || madeEndpoint.changed || isEmpty }
}

function described(preset: Preset, endpoints: readonly EndpointModel[]) {
  const { name, title, description, region, endpoint, rows, example } = preset
  const there = endpoints.find(one => one.path === endpoint.path)
  return { name, title, description, region: region.name, path: endpoint.path, sampleRows: rows.length, example, installed: there !== undefined && isInstalled(preset, there) }
}

function isInstalled({ endpoint }: Preset, there: EndpointModel): boolean {
  const wanted = parseEntry('endpoint', endpoint.path, endpoint.definition)
  const { path, description, cacheRegions, query, cacheKeyPattern, ttlSeconds, strict } = there
  return isDeepStrictEqual({ name: path, description, cacheRegions, query, cacheKeyPattern, ttlSeconds, strict }, wanted)
}
