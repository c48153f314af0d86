import { join } from 'node:path'
import { HubError } from '../../../../schema/errors.ts'
import type { csv } from '../../document/targets.ts'
import type { Checked } from '../../xml/check.ts'
import { datedPath } from '../parameters.ts'
import type { RunContext } from '../parts.ts'
import { objectPath } from '../sources.ts'
import { done, selectOf, type Target } from './target.ts'

/**
 * One file in a folder, called as its pipeline; with mode append, with the id of what the run writes behind it, so that a run which is repeated writes the same file again. It is put there whole. With overwrite, files of other names
 * are taken away after that.
 */
export const csvTarget: Target<Checked<typeof csv>> = {
  async prepare({ checked: { values }, from }, context) {
    const { scope, workspace, parts: { objects }, pipelineId, writeId, runDate } = context
    const { mode, compression, header, delimiter } = values
    if (compression !== 'none' && compression !== 'gzip') throw new HubError('VALIDATION_ERROR', `Compression "${compression}" is not what this engine writes a csv with; none and gzip are.`)
    const folder = objectPath(datedPath(values.path, runDate)).replace(/\/+$/, '')
    const name = mode === 'append' ? `${pipelineId}-${writeId}` : pipelineId
    const path = `${folder}/${name}.csv${compression === 'gzip' ? '.gz' : ''}`
    const there = await filesOf(folder, context)
    if (there.length > 0 && mode === 'ignore') return done(folder)
    if (mode === 'error') refuseOccupied(folder, there)
    const scratch = await objects.scratch(scope)
    try {
      const { rows, files: [file] } = await workspace.write(selectOf(from), { folder: scratch.folder, name, format: 'csv', header, delimiter, compression })
      if (!file) throw new RangeError('A csv without a file was written.')
      return {
        rows, bytes: file.bytes, into: path, isDone: false,
        async commit() {
          if (mode === 'error') refuseOccupied(folder, await filesOf(folder, context))
          await objects.put(scope, path, join(scratch.folder, file.path))
          if (mode === 'overwrite') for (const other of await filesOf(folder, context)) if (other !== path) await objects.remove(scope, other)
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

async function filesOf(folder: string, { scope, parts: { objects } }: RunContext): Promise<readonly string[]> {
  return (await objects.find(scope, `${folder}/*`)).map(({ path }) => path)
}

function refuseOccupied(folder: string, there: readonly string[]): void {
  if (there.length > 0) throw new HubError('CONFLICT', `"${folder}" has ${there.length === 1 ? 'a file' : `${there.length} files`} already, such as "${there[0]}", and mode="error" writes only where there is none. Choose another path, or mode "overwrite", "append" or "ignore".`)
}
