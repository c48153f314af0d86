import { HubError } from '../../schema/errors.ts'

/** Below the root of a folder; nothing looks into it but whoever has made a folder there. No path leads there in any store. */
export const scratchName = '.scratch'

/** The parts of a path, each a name. Any other path → FORBIDDEN. */
export function partsOf(path: string): readonly string[] {
  const parts = path.split('/')
  if (path.includes('\0') || path.includes('\\') || parts.some(part => part === '..' || part === '.' || part === '') || parts[0] === scratchName) throw outside(path)
  return parts
}

export function outside(path: string): HubError {
  return new HubError('FORBIDDEN', `"${path}" leads out of the folder it is looked for in, or has a part that is no name.`)
}

/** Files one pattern may find, and a walk may pass. */
export const mostFiles = 1_000_000

export function tooMany(pattern: string): HubError {
  return new HubError('RESULT_TOO_LARGE', `More than ${mostFiles} files lie where "${pattern}" is looked for. Say more of their folder.`)
}

export function tooLarge(path: string, bytes: number, mostBytes: number): HubError {
  return new HubError('PAYLOAD_TOO_LARGE', `"${path}" has ${bytes} bytes; ${mostBytes} are the limit.`)
}
