import { join } from 'node:path'
import type { Scope } from '../../../../connectors/ports/scope.ts'
import { HubError } from '../../../../schema/errors.ts'
import type { csv } from '../../document/targets.ts'
import type { Checked } from '../../xml/check.ts'
import { datedPath } from '../parameters.ts'
import type { Place } from '../places.ts'
import { done, selectOf, type Target } from './target.ts'

/**
 * One file in a folder, called as its pipeline; with mode append, with the id of what the run writes behind it, so that a run which is repeated writes the same file again. It is put there whole. With overwrite, files of other names
 * are taken away after that.
 */
export const csvTarget: Target<Checked<typeof csv>> = {
  async prepare({ checked: { values }, from }, context) {
    const { scope, workspace, places, pipelineId, writeId, runDate } = context
    const { mode, compression, header, delimiter } = values
    if (compression !== 'none' && compression !== 'gzip') throw new HubError('VALIDATION_ERROR', `Compression "${compression}" is not what this engine writes a csv with; none and gzip are.`)
    const place = await places.at(datedPath(values.path, runDate).replace(/\/+$/, ''), 'write')
    const { objects, shown } = place
    const name = mode === 'append' ? `${pipelineId}-${writeId}` : pipelineId
    const path = below(place, `${name}.csv${compression === 'gzip' ? '.gz' : ''}`)
    const there = await filesOf(place, scope)
    if (there.length > 0 && mode === 'ignore') return done(shown(place.path))
    if (mode === 'error') refuseOccupied(place, there)
    const scratch = await objects.scratch(scope)
    try {
      const { rows, files: [file] } = await workspace.write(selectOf(from), { folder: scratch.folder, name, format: 'csv', header, delimiter, compression })
      if (!file) throw new RangeError('A csv without a file was written.')
      return {
        rows, bytes: file.bytes, into: shown(path), isDone: false,
        async commit() {
          if (mode === 'error') refuseOccupied(place, await filesOf(place, scope))
          await objects.put(scope, path, join(scratch.folder, file.path))
          if (mode === 'overwrite') for (const other of await filesOf(place, scope)) if (other !== path) await objects.remove(scope, other)
          await scratch.close()
        },
        rollback: () => scratch.close(),
      }
    } catch (error) {
      await scratch.close()
      throw error
    }
  },
}

/** The whole of a bucket is a folder, too. */
function below({ path }: Place, name: string): string {
  return path === '' ? name : `${path}/${name}`
}

async function filesOf(place: Place, scope: Scope): Promise<readonly string[]> {
  return (await place.objects.find(scope, below(place, '*'))).map(({ path }) => path)
}

function refuseOccupied({ path, shown }: Place, there: readonly string[]): void {
  if (there.length > 0) throw new HubError('CONFLICT', `"${shown(path)}" has ${there.length === 1 ? 'a file' : `${there.length} files`} already, such as "${shown(there[0] ?? '')}", and mode="error" writes only where there is none. Choose another path, or mode "overwrite", "append" or "ignore".`)
}
