import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { columnTypes } from '../../schema/values.ts'
import type { Lake, LakeTable } from '../ports/lake.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Scope } from '../ports/scope.ts'

/**
 * A version of a table, `LAYER/TABLE/_versions/00000012.json`, made once and never changed:
 *   columns, partitionBy   those of the table
 *   files                  path below the table's folder and bytes, of every file with rows
 *   marks                  what made this version and the ninety-nine before, newest first
 *   about, atMs            for people
 * The version with the highest number counts. Two are kept with their files, so that who reads the last but one can end; twenty as records.
 */
const versionShape = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.enum(columnTypes), nullable: z.boolean(), description: z.string().optional() })),
  partitionBy: z.array(z.string()),
  files: z.array(z.object({ path: z.string(), bytes: z.number() })),
  marks: z.array(z.string()),
  about: z.unknown(),
  atMs: z.number(),
})
type VersionRecord = z.infer<typeof versionShape>

const digits = 8
const keptMarks = 100
const keptRecords = 20
const mostBytes = 64 * 1024 * 1024

/** Tables whose files and versions are in an object store. A look at a table costs one listing and one read. */
export function openLake(objects: ObjectStore): Lake {
  const folderOf = (name: string) => name.split('.').join('/')
  const fileOf = (name: string, version: number) => `${folderOf(name)}/_versions/${String(version).padStart(digits, '0')}.json`

  async function versions(scope: Scope, name: string): Promise<number[]> {
    const found = await objects.find(scope, `${folderOf(name)}/_versions/*.json`)
    return found.map(({ path }) => Number(/(\d+)\.json$/.exec(path)?.[1])).sort((a, b) => a - b)
  }

  async function record(scope: Scope, name: string, version: number): Promise<VersionRecord | undefined> {
    const bytes = await objects.read(scope, fileOf(name, version), mostBytes)
    if (!bytes) return undefined
    const parsed = versionShape.safeParse(jsonOf(bytes))
    if (!parsed.success) throw new HubError('UPSTREAM_REJECTED', `Version ${version} of table "${name}" is no record of a version: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}.`)
    return parsed.data
  }

  async function newest(scope: Scope, name: string): Promise<LakeTable | undefined> {
    const version = (await versions(scope, name)).at(-1)
    const found = version === undefined ? undefined : await record(scope, name, version)
    return found && version !== undefined ? tableOf(name, version, found) : undefined
  }

  /** Lets go of what the two newest versions do not have. What fails here is tried again behind the next commit. */
  async function clear(scope: Scope, name: string, version: number): Promise<void> {
    const [last, before, old] = await Promise.all([version, version - 1, version - 2].map(one => record(scope, name, one)))
    const needed = new Set([...(last?.files ?? []), ...(before?.files ?? [])].map(({ path }) => path))
    for (const { path } of old?.files ?? []) if (!needed.has(path)) await objects.remove(scope, `${folderOf(name)}/${path}`)
    for (const one of await versions(scope, name)) if (one <= version - keptRecords) await objects.remove(scope, fileOf(name, one))
  }

  return {
    table: newest,

    async names(scope) {
      const found = await objects.find(scope, '**/_versions/*.json')
      return [...new Set(found.map(({ path }) => path.split('/').slice(0, -2).join('.')))].sort()
    },

    async paths(scope, { name, files }) {
      return Promise.all(files.map(({ path }) => objects.local(scope, `${folderOf(name)}/${path}`)))
    },

    async commit(scope, name, base, { columns, partitionBy, keep, add, mark, about }) {
      const before = base === 0 ? undefined : await record(scope, name, base)
      for (const { path, from } of add) await objects.put(scope, `${folderOf(name)}/${path}`, from)
      const next: VersionRecord = {
        columns: [...columns], partitionBy: [...partitionBy], files: [...keep, ...add.map(({ path, bytes }) => ({ path, bytes }))],
        marks: [mark, ...(before?.marks ?? [])].slice(0, keptMarks), about, atMs: scope.clock.now(),
      }
      if (!(await objects.create(scope, fileOf(name, base + 1), JSON.stringify(next)))) {
        for (const { path } of add) await objects.remove(scope, `${folderOf(name)}/${path}`)
        throw new HubError('CONFLICT', `Table "${name}" was at version ${base} when it was read, and has been written since. Run it again over what is there now.`, { table: name, base })
      }
      await clear(scope, name, base + 1).catch((error: unknown) => scope.log.warn('Files that a table of the lake no longer has could not be removed.', { table: name, reason: error instanceof Error ? error.message : String(error) }))
      return tableOf(name, base + 1, next)
    },
  }
}

function tableOf(name: string, version: number, { columns, partitionBy, files, marks }: VersionRecord): LakeTable {
  return { name, version, columns, partitionBy, files, marks }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}
