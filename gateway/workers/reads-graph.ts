import { entityResolution } from '../../resolvers/entity.ts'
import { entriesOf, notBefore } from '../../resolvers/consistency.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import type { EntityRows } from '../../resolvers/rows.ts'
import type { FieldResolution, Subgraph } from '../../resolvers/subgraph.ts'
import type { Member, Region } from '../../connectors/ports/region-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import type { EntityModel } from '../../schema/model.ts'
import { scalars } from '../../schema/scalars.ts'
import { localService } from '../federation/local.ts'
import { openSupergraph } from '../federation/execute.ts'
import type { SubgraphService, Supergraph } from '../federation/supergraph.ts'
import type { DescribedRegion, DescribedSubgraph, Description } from './description.ts'

/** A region of the owner, read from a worker. */
interface ReadRegion extends Pick<Region, 'getMany'> {
  /** As of a region, but a text. */
  getJson?(scope: Scope, keys: readonly string[], members: readonly Member[]): Promise<string | undefined>
}

/**
 * The owner's graph in a worker, which answers what only reads entries by key. What an operation asks beyond that it says to the scope's footprint, and fails; a key that has to be looked for elsewhere
 * fails as well.
 */
export function openReadsGraph({ sdl, model, subgraphs, regions }: Description, read: (of: DescribedRegion, entity: EntityModel) => ReadRegion): Supergraph {
  const readers = new Map(model.entities.map(entity => {
    const region = regions.find(one => one.type === entity.type)
    return [entity.type, region ? keyedRows(entity, region.isComplete, read(region, entity)) : rowsElsewhere(entity)]
  }))
  const rowsOf = (type: string): EntityRows => {
    const found = readers.get(type)
    if (!found) throw new RangeError(`${type} is not declared.`)
    return found
  }
  const services = subgraphs.map(one => (one.sdl === undefined ? serviceElsewhere(one.name) : localService(ownSubgraph(one, one.sdl))))
  return openSupergraph({ composed: sdl, services })

  function ownSubgraph({ name, resolved }: DescribedSubgraph, own: string): Subgraph {
    const { fields, entities } = entityResolution({ model, subgraph: name === 'views' ? 'views' : 'regions', rowsOf, cursors })
    const all: Record<string, Record<string, FieldResolution>> = {}
    for (const place of resolved) {
      const [type = '', field = ''] = place.split('.')
      all[type] = { ...all[type], [field]: fields[type]?.[field] ?? elsewhere }
    }
    return { name, sdl: own, fields: all, scalars, entities }
  }
}

/** Rows of a region by their keys. Where it holds only a part of them, a key it lacks has to be looked for in its source. */
function keyedRows(entity: EntityModel, isComplete: boolean, region: ReadRegion): EntityRows {
  const refuseBound = (scope: Scope) => {
    if (notBefore(scope) !== undefined) throw new HubError('UPSTREAM_UNAVAILABLE', 'How old rows may be is looked at by the owner.')
  }
  const columns = new Set(entity.fields.map(({ name }) => name))
  const { getJson } = region
  const entries: EntityRows['entries'] = async ({ scope }, _path, keys) => {
    refuseBound(scope)
    const found = await entriesOf(scope, entity.name, region, keys)
    if (!isComplete && found.includes(undefined)) throw new HubError('UPSTREAM_UNAVAILABLE', `A row of "${entity.name}" has to be looked for in its source.`)
    return found
  }
  return {
    ...rowsElsewhere(entity), entries,
    byKeys: async (context, path, keys) => (await entries(context, path, keys)).map(entry => entry?.row),
    ...(getJson && isComplete && {
      async json({ scope }: Context, keys: readonly string[], members: readonly Member[]) {
        refuseBound(scope)
        const level = scope.consistency?.level
        // What may be kept near is kept as rows.
        if (level === 'EVENTUAL' || level === 'SESSION' || !members.every(({ column }) => columns.has(column))) return undefined
        return getJson(scope, keys, members)
      },
    }),
  }
}

/** Rows only the owner can read. */
function rowsElsewhere(entity: EntityModel): EntityRows {
  const refused = async (context: Context) => refuse(context)
  return { entity, entries: refused, byKeys: refused, select: refused, count: refused, countPer: refused }
}

function serviceElsewhere(name: string): SubgraphService {
  const refused = async ({ scope }: Pick<Context, 'scope'>) => refuse({ scope })
  return { name, sdl: '', execute: refused, subscribe: refused }
}

const elsewhere = (_parent: unknown, _args: unknown, context: Context) => refuse(context)

function refuse({ scope: { footprint } }: Pick<Context, 'scope'>): never {
  const reason = 'Only the owner can answer this.'
  footprint?.unknown(reason)
  throw new HubError('UPSTREAM_UNAVAILABLE', reason)
}

/** No list is answered here, so no place in one is. */
const cursors: CursorSealer = {
  seal: () => { throw new RangeError('A worker seals no cursor.') },
  open: () => { throw new HubError('UPSTREAM_UNAVAILABLE', 'Only the owner opens cursors.') },
}
