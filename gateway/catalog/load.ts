import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { catalogDefaults, parseCatalog, type Catalog, type CatalogDefaults, type CatalogInput } from '../../schema/catalog.ts'
import { HubError, type Problem } from '../../schema/errors.ts'
import { pathText, type Finding } from '../../schema/findings.ts'
import { mergeFiles, type CatalogFile } from './merge.ts'
import { Places, type FilePlace } from './places.ts'
import { resolveReferences, masked, type SecretLookup } from './secrets.ts'
import { maxFileBytes, parseYaml } from './yaml.ts'

export interface LoadedCatalog {
  /** Ready to use, with secrets in place and paths absolute: not to be shown. */
  readonly catalog: Catalog
  /** As written, safe to show and to store: references in place of secrets, passwords written in clear as `***`. */
  readonly written: CatalogInput
  /** The files read, in order. */
  readonly files: readonly string[]
  /** Where a member (`views.busiest_routes.sql`), or the nearest one around it, stands. */
  place(path: string, at?: 'key' | 'value'): FilePlace | undefined
  /** Where a 1-based line and column inside of a text member, such as a view's `sql`, stands; the member's own place where that cannot be told. */
  placeInText(path: string, line: number, column: number): FilePlace | undefined
  /** A finding made later, in sources or SQL, as a problem with its place. */
  problem(finding: Finding): Problem
}

export interface LoadOptions extends SecretLookup {
  readonly defaults?: CatalogDefaults
}

/**
 * Reads one YAML or JSON file, or every such file of a folder (not of folders in it) as one catalog. Paths in it are relative to the file they stand in. Every mistake
 * found in any file → one CATALOG_INVALID with `problems`, in the order of files, lines and columns.
 */
export async function loadCatalog(path: string, options: LoadOptions): Promise<LoadedCatalog> {
  const paths = catalogFiles(path)
  const files = paths.map(readCatalogFile)
  const places = new Places(files)
  const problems: Problem[] = files.flatMap(file => file.yaml.problems.map(one => ({ path: pathText(one.path), message: one.message, file: file.path, ...file.yaml.lineColumn(one.offset) })))

  const merged = mergeFiles(files, places)
  problems.push(...merged.problems)
  const resolved = resolveCatalog(merged.input, places, options)
  const parsed = parseCatalog(resolved.input, options.defaults ?? catalogDefaults, merged.input)
  const readable = files.filter(file => file.yaml.value !== undefined)
  if (readable.length === files.length && Object.keys(merged.input).length === 0 && problems.length === 0) {
    problems.push({ path: '', message: 'The catalog is empty. Declare "sources" and "regions" or "views".', file: path, line: 1, column: 1 })
  }
  // Where a file could not be read, what others say of its entries would be called wrong without reason.
  // What has no value for a reason said already is not also said to be missing.
  const unresolved = new Set([...resolved.findings, ...files.flatMap(file => file.yaml.problems.filter(problem => problem.lost))].map(finding => pathText(finding.path)))
  const findings = readable.length === files.length ? parsed.findings.filter(finding => !unresolved.has(pathText(finding.path))) : []
  problems.push(...[...resolved.findings, ...findings].map(finding => places.problemOf(finding)))
  if (problems.length > 0 || !parsed.catalog) throw invalid(path, places.sorted(problems))

  return {
    catalog: parsed.catalog,
    written: masked(merged.input) as CatalogInput,
    files: paths,
    place: (member, at) => places.at(member, at),
    placeInText: (member, line, column) => places.inText(member, line, column),
    problem: finding => places.problemOf(finding),
  }
}

/** The error that lists the mistakes of a catalog; also for those found later, in its sources and its SQL. */
export function invalid(path: string, problems: readonly Problem[]): HubError {
  const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`
  return new HubError('CATALOG_INVALID', `The catalog ${path} has ${count}. ${problems[0]?.path ? `${problems[0].path}: ` : ''}${problems[0]?.message ?? ''}`, { problems })
}

function catalogFiles(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const names = readdirSync(path, { withFileTypes: true }).filter(entry => !entry.isDirectory() && !entry.name.startsWith('.') && /\.(ya?ml|json)$/i.test(entry.name))
    if (names.length === 0) throw invalid(path, [{ path: '', message: 'The folder holds no .yaml, .yml or .json file.', file: path }])
    return names.map(entry => join(path, entry.name)).sort()
  } catch (error) {
    if (error instanceof HubError) throw error
    throw unreadable(path, error)
  }
}

function readCatalogFile(path: string): CatalogFile {
  try {
    const found = statSync(path)
    if (!found.isFile()) throw invalid(path, [{ path: '', message: 'It is neither a file nor a folder.', file: path }])
    const { size } = found
    if (size > maxFileBytes) throw invalid(path, [{ path: '', message: `The file has ${size} bytes; at most ${maxFileBytes} are taken. Split it and give the folder.`, file: path }])
    return { path, folder: resolve(dirname(path)), yaml: parseYaml(readFileSync(path)) }
  } catch (error) {
    if (error instanceof HubError) throw error
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): HubError {
  const code = (error as NodeJS.ErrnoException).code
  const why = code === 'ENOENT' ? 'There is no such file or folder.' : `It cannot be read (${code ?? 'unknown reason'}).`
  return new HubError('CATALOG_INVALID', `The catalog ${path} cannot be loaded. ${why}`, { problems: [{ path: '', message: why, file: path }] }, { cause: error })
}

/** Secrets put in place and paths made absolute, in the sections that have any. A catalog's other texts are taken as they are. */
function resolveCatalog(input: Readonly<Record<string, unknown>>, places: Places, options: LoadOptions): { input: Record<string, unknown>; findings: Finding[] } {
  const findings: Finding[] = []
  const visit = (value: unknown, path: readonly (string | number)[]): unknown => {
    if (Array.isArray(value)) return value.map((one, index) => visit(one, [...path, index]))
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, visit(member, [...path, name])]))
    if (typeof value !== 'string') return value
    const folder = places.folderOf(path)
    const found = resolveReferences(value, folder, options)
    findings.push(...found.problems.map(message => ({ path, message })))
    const isPath = path[0] === 'sources' && path.length === 3 && (path[2] === 'root' || path[2] === 'file')
    return isPath && found.value !== '' ? resolve(folder, found.value) : found.value
  }
  return { input: Object.fromEntries(Object.entries(input).map(([section, value]) => [section, section === 'sources' || section === 'subgraphs' ? visit(value, [section]) : value])), findings }
}
