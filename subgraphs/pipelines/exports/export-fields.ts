import type { RunStore } from '../../../connectors/ports/run-store.ts'
import { simplePage } from '../../../resolvers/connection.ts'
import type { Context } from '../../../resolvers/context.ts'
import type { CursorSealer } from '../../../resolvers/cursor.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import { HubError } from '../../../schema/errors.ts'
import { instant } from '../../../schema/values.ts'
import { mustHoldIn } from '../permissions.ts'
import { applicationPipelines, type Registry } from '../registry.ts'
import { isExported } from './on-demand.ts'
import { exportFolder, exportPlaces } from './places.ts'

interface ListArguments {
  readonly app: string
  readonly first?: number | null
  readonly after?: string | null
}

interface PartArguments {
  readonly app: string
  readonly name: string
  readonly offset: number | bigint
  readonly length: number
}

const longestPart = 1024 * 1024

/** Files that pipelines put there for others: those that a target says it writes, and no other. The content of those that were asked for is had by their names, too. */
export function exportFields({ registry, cursors, store }: { readonly registry: Registry; readonly cursors: CursorSealer; readonly store: RunStore }): Subgraph['fields'] {
  const opened = async (app: string) => {
    const definitions = await applicationPipelines(registry, app)
    const places = exportPlaces(definitions)
    return { objects: (await registry.partsOf(definitions[0])).objects, placeOf: (path: string) => places.find(({ has }) => has(path)) }
  }
  return {
    Query: {
      exports: async (_: unknown, { app, ...page }: ListArguments, { scope }: Context) => {
        mustHoldIn(scope, 'export:read', app)
        const { objects, placeOf } = await opened(app)
        const files = (await objects.find(scope, `${exportFolder}/**`)).flatMap(file => {
          const place = placeOf(file.path)
          return place ? [{ ...file, ...place, name: file.path.slice(exportFolder.length + 1) }] : []
        })
        const show = ({ name, bytes, modifiedAtMs, pipelineId, dataset }: (typeof files)[number]) => ({ app, name, bytes, modifiedAt: instant(modifiedAtMs), pipelineId, dataset })
        return simplePage(files, { name: ({ name }) => name, show, identity: JSON.stringify(['exports', scope.tenant, app]), cursors }, page)
      },
      exportContent: async (_: unknown, { app, name, offset, length }: PartArguments, { scope }: Context) => {
        mustHoldIn(scope, 'export:read', app)
        if (offset < 0 || length < 1 || length > longestPart) throw new HubError('BAD_USER_INPUT', `A part begins at byte 0 or later and has 1 to ${longestPart} bytes; ${offset} and ${length} were asked for.`, { field: offset < 0 ? 'offset' : 'length' })
        const { objects, placeOf } = await opened(app)
        const path = `${exportFolder}/${name}`
        if (!placeOf(path) && !(await isExported(scope, store, app, name))) return null
        const part = await objects.slice(scope, path, Number(offset), length).catch((error: unknown) => {
          // A link that leads out of the application's data is no file of it.
          if (error instanceof HubError && error.code === 'FORBIDDEN') return undefined
          throw error
        })
        return part ? { ...part, content: part.content.toString('base64') } : null
      },
    },
  }
}
