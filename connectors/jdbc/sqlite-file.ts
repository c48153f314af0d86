import { realpath, stat } from 'node:fs/promises'
import { dirname, resolve, sep } from 'node:path'
import { HubError } from '../../schema/errors.ts'
import { parametersOf } from './parameters.ts'

/** Where the file behind `jdbc:sqlite:` really is, every link followed. One that leads out of the root, as written or through a link → FORBIDDEN, whether it exists or not; none → NOT_FOUND. */
export async function sqliteFile(rest: string, root: string): Promise<string> {
  const [path = '', ...query] = rest.split('?')
  if (path === '' || path.startsWith(':') || path.includes('\0')) throw new HubError('VALIDATION_ERROR', 'The address of a SQLite database names its file, as in "jdbc:sqlite:data/orders.sqlite".')
  parametersOf('sqlite', query.join('?'), [])
  const home = await realpath(resolve(root))
  const written = resolve(root, path)
  const { real, isWhole } = await nearestReal(written)
  const isInside = (isBelow(home, written) || isBelow(resolve(root), written)) && (real === home || isBelow(home, real))
  if (!isInside) throw new HubError('FORBIDDEN', `The file "${path}" leads out of the folder that databases are in. Name one below it.`, { file: path })
  if (!isWhole) throw new HubError('NOT_FOUND', `There is no file "${path}" below the folder that databases are in. Databases are not made by reading or writing them.`, { file: path })
  if (!(await stat(real)).isFile()) throw new HubError('UPSTREAM_REJECTED', `"${path}" is not a regular file.`, { file: path })
  return real
}

/** The path with its links followed, as far as it exists. */
async function nearestReal(path: string): Promise<{ readonly real: string; readonly isWhole: boolean }> {
  try {
    return { real: await realpath(path), isWhole: true }
  } catch {
    return { real: (await nearestReal(dirname(path))).real, isWhole: false }
  }
}

function isBelow(root: string, path: string): boolean {
  return path.startsWith(root.endsWith(sep) ? root : root + sep)
}
