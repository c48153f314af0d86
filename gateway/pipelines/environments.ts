import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { pathText } from '../../schema/findings.ts'
import { parseYaml } from '../catalog/yaml.ts'
import { largest, statOf } from './files.ts'
import { type Environment, type EnvironmentFiles, type Overlay, type OverlayEntry, overlayFile, type OverlayProblem, type Promoted, promotedFile } from './wiring/index.ts'

/** What a folder of pipelines says of environments, nothing without one. Files are looked at each time, and read where they are others than before. */
export function environmentFiles(folder: string | undefined): EnvironmentFiles {
  const overlays = new Map<Environment, { readonly as: string; readonly overlay: Overlay }>()
  return {
    async overlay(environment) {
      const file = overlayFile(environment)
      const path = folder === undefined ? undefined : join(folder, file)
      const found = path === undefined ? undefined : await statOf(path)
      if (path === undefined || !found) return none
      const as = `${found.ino} ${found.size} ${found.mtimeMs}`
      const known = overlays.get(environment)
      if (known?.as === as) return known.overlay
      const overlay = found.size > largest ? { entries: [], problems: [{ file, line: 1, column: 1, message: `The file has more than ${largest} bytes, which no overlay has.` }] } : overlayOf(file, await readFile(path))
      overlays.set(environment, { as, overlay })
      return overlay
    },
    async promoted(environment) {
      const path = folder === undefined ? undefined : join(folder, promotedFile(environment))
      return path !== undefined && (await statOf(path)) ? promotedIn(promotedFile(environment), await readFile(path, 'utf8')) : undefined
    },
  }
}

const none: Overlay = { entries: [], problems: [] }

/** `APP: { PIPELINE: { KEY: VALUE } }`, in YAML or JSON. */
function overlayOf(file: string, bytes: Buffer): Overlay {
  const { value, places, problems, lineColumn } = parseYaml(bytes)
  const wrong: OverlayProblem[] = problems.map(({ offset, message }) => ({ file, ...lineColumn(offset), message }))
  const entries: OverlayEntry[] = []
  const at = (path: readonly string[]) => lineColumn(places.get(pathText([...path]))?.key ?? 0)
  const members = (within: unknown, path: readonly string[], what: string): readonly (readonly [string, unknown])[] => {
    if (within === null || within === undefined) return []
    if (typeof within === 'object' && !Array.isArray(within)) return Object.entries(within)
    wrong.push({ file, ...at(path), message: `${path.length === 0 ? 'The file' : `"${path.join('.')}"`} is to be a map of ${what}.` })
    return []
  }
  for (const [app, pipelines] of members(value, [], 'applications')) {
    for (const [pipelineId, keys] of members(pipelines, [app], 'pipelines')) {
      for (const [key, given] of members(keys, [app, pipelineId], 'keys, such as orders.jdbcUrl')) {
        const place = at([app, pipelineId, key])
        if (given !== null && !['string', 'number', 'boolean'].includes(typeof given)) wrong.push({ file, ...place, message: `"${key}" is ${Array.isArray(given) ? 'a list' : 'a map'}; a text, a number or a truth is expected.` })
        else entries.push({ file, ...place, app, pipelineId, key, value: given === null ? null : String(given) })
      }
    }
  }
  return { entries, problems: wrong }
}

const promotedShape = z.record(z.string().regex(/^[^/]+\/[^/]+$/), z.strictObject({ version: z.string(), content: z.string().regex(/^[0-9a-f]{64}$/) }))

function promotedIn(file: string, text: string): Promoted {
  const read = promotedShape.safeParse(jsonOf(text))
  if (read.success) return new Map(Object.entries(read.data))
  throw new HubError('UPSTREAM_REJECTED', `"${file}" does not say which versions are promoted: ${read.error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`).join('; ')}. Take it from the last commit that had it.`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
