import { stat } from 'node:fs/promises'
import { basename, relative, sep } from 'node:path'
import { HubError } from '../../schema/errors.ts'
import { locate, walk } from './paths.ts'

/** Where a source's files are. */
export interface FilePlace {
  /** As messages begin with it: `The root "data"`. */
  readonly name: string
  /** The file of a table as it is now. Reads nothing of it. Missing → NOT_FOUND with the nearest names. */
  find(table: string, file: string): Promise<FoundFile>
  /** Paths of all files, `/` between their parts. */
  list(): Promise<readonly string[]>
}

export interface FoundFile {
  /** Another for every other content. */
  readonly as: string
  /** Where on disk it can be read, with the ending of its name, until `done`. */
  open(): Promise<{ readonly path: string; done(): Promise<void> }>
}

/** Files below a folder, whose path has no link in it any more. */
export function folder(source: string, root: string): FilePlace {
  return {
    name: `The root "${basename(root)}"`,
    async find(table, file) {
      const path = await locate(root, table, file)
      const seen = await stat(path, { bigint: true })
      if (!seen.isFile()) throw new HubError('UPSTREAM_REJECTED', `Table "${table}": "${file}" is not a regular file.`, { source, table })
      return { as: `${path} ${seen.dev} ${seen.ino} ${seen.size} ${seen.mtimeNs}`, open: async () => ({ path, done: async () => undefined }) }
    },
    async list() {
      return (await walk(root)).map(path => relative(root, path).split(sep).join('/'))
    },
  }
}
