import type { Problem } from '../../schema/errors.ts'
import { pathText } from '../../schema/findings.ts'
import type { Places } from './places.ts'
import type { YamlFile } from './yaml.ts'

export interface CatalogFile {
  /** As given, for messages. */
  readonly path: string
  /** Absolute; what relative paths in the file start from. */
  readonly folder: string
  readonly yaml: YamlFile
}

/**
 * The files as one input: maps joined, lists put one behind the other, empty sections left out. Two files with one entry are a problem that names both places.
 * Tells `places` where everything of the merged input stands.
 */
export function mergeFiles(files: readonly CatalogFile[], places: Places): { input: Record<string, unknown>; problems: readonly Problem[] } {
  const merged = new Map<string, unknown>()
  const problems: Problem[] = []
  for (const file of files) {
    const { value } = file.yaml
    if (value === undefined || value === null) continue
    if (!isMap(value)) {
      problems.push({ path: '', message: `The file holds ${Array.isArray(value) ? 'a list' : 'a single value'}; expected a map with sections such as "sources" and "regions".`, ...places.inFile(file, []) })
      continue
    }
    for (const [section, content] of Object.entries(value)) {
      if (content === null) continue
      const before = merged.get(section)
      if (before === undefined) merged.set(section, isMap(content) ? new Map(Object.entries(content)) : content)
      else if (Array.isArray(before) && Array.isArray(content)) merged.set(section, [...before, ...content])
      else if (before instanceof Map && isMap(content)) problems.push(...join(before, content, section, file, places))
      else {
        problems.push({ path: section, message: `"${section}" is ${kindOf(content)} here and ${before instanceof Map ? 'a map' : kindOf(before)} in ${places.at(section)?.file}.`, ...places.inFile(file, [section]) })
        continue
      }
      places.add(file, section, Array.isArray(before) ? before.length : 0)
    }
  }
  return { input: Object.fromEntries([...merged].map(([section, content]) => [section, content instanceof Map ? Object.fromEntries(content) : content])), problems }
}

function join(into: Map<string, unknown>, content: Readonly<Record<string, unknown>>, section: string, file: CatalogFile, places: Places): Problem[] {
  const problems: Problem[] = []
  for (const [name, definition] of Object.entries(content)) {
    if (!into.has(name)) {
      into.set(name, definition)
      continue
    }
    const path = pathText([section, name])
    const first = places.at(path, 'key')
    problems.push({ path, message: `"${name}" is declared already in ${first?.file}:${first?.line}:${first?.column}. Keep one of the two.`, ...places.inFile(file, [section, name]) })
  }
  return problems
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'a list' : isMap(value) ? 'a map' : 'a single value'
}
