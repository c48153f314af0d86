import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { columnTypes } from '../../schema/values.ts'
import type { Lake, LakeTable, NewLakeVersion } from '../ports/lake.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Scope } from '../ports/scope.ts'

/**
 * A version of a table, `LAYER/TABLE/_versions/00000012.json`, made once and never changed:
 *   columns, partitionBy   those of the table
 *   files                  path below the table's folder and bytes, of every file with rows
 *   marks                  what made this version and those before it, newest first, with its moment: all of a day, and a hundred at least
 *   about, atMs            for people
 * The version with the highest number counts. Two are kept with their files, so that who reads the last but one can end; twenty as records. Files that a commit left which was killed go after a day.
 */
const versionShape = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.enum(columnTypes), nullable: z.boolean(), description: z.string().optional() })),
  partitionBy: z.array(z.string()),
  files: z.array(z.object({ path: z.string(), bytes: z.number() })),
  marks: z.array(z.union([z.object({ mark: z.string(), atMs: z.number() }), z.string().transform(mark => ({ mark, atMs: 0 }))])),
  about: z.unknown(),
  atMs: z.number(),
})
type VersionRecord = z.infer<typeof versionShape>

const digits = 8
const leastMarks = 100
const markMs = 24 * 60 * 60 * 1000
const forgottenMs = 24 * 60 * 60 * 1000
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
    for (;;) {
      const version = (await versions(scope, name)).at(-1)
      if (version === undefined) return undefined
      const found = await record(scope, name, version)
      // Where many others were made meanwhile, it is an old one by now.
      if (found) return tableOf(name, version, found)
    }
  }

  /** Lets go of what the two newest versions do not have. What fails here is tried again behind the next commit. */
  async function clear(scope: Scope, name: string, version: number): Promise<void> {
    const [last, before, old] = await Promise.all([version, version - 1, version - 2].map(one => record(scope, name, one)))
    const needed = new Set([...(last?.files ?? []), ...(before?.files ?? [])].map(({ path }) => path))
    for (const { path } of old?.files ?? []) if (!needed.has(path)) await objects.remove(scope, `${folderOf(name)}/${path}`)
    if (version % keptRecords === 0) {
      const left = await objects.find(scope, `${folderOf(name)}/**`)
      for (const { path, modifiedAtMs } of left) if (!needed.has(path.slice(folderOf(name).length + 1)) && modifiedAtMs < scope.clock.now() - forgottenMs) await objects.remove(scope, path)
    }
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

    async commit(scope, name, base, next) {
      const { add, mark, about, over } = next
      for (const { path, from } of add) await objects.put(scope, `${folderOf(name)}/${path}`, from)
      const refused = async (error: unknown) => {
        for (const { path } of add) await objects.remove(scope, `${folderOf(name)}/${path}`)
        throw error
      }
      let stands: Pick<NewLakeVersion, 'columns' | 'keep'> = next
      for (let at = base; ;) {
        const before = at === 0 ? undefined : await record(scope, name, at)
        const atMs = scope.clock.now()
        const version: VersionRecord = {
          columns: [...stands.columns], partitionBy: [...next.partitionBy], files: [...stands.keep, ...add.map(({ path, bytes }) => ({ path, bytes }))],
          marks: [{ mark, atMs }, ...(before?.marks ?? []).filter((one, nth) => nth < leastMarks - 1 || one.atMs > atMs - markMs)], about, atMs,
        }
        const isMade = await objects.create(scope, fileOf(name, at + 1), JSON.stringify(version))
        // What was made is told, also to who has been asked to stop meanwhile.
        const other = await newest({ ...scope, signal: new AbortController().signal }, name)
        // Records of old versions are removed: where a name was free for that reason, the newest version knows nothing of this one.
        if (isMade && other?.marks.includes(mark)) {
          await clear(scope, name, at + 1).catch((error: unknown) => scope.log.warn('Files that a table of the lake no longer has could not be removed.', { table: name, reason: error instanceof Error ? error.message : String(error) }))
          return tableOf(name, at + 1, version)
        }
        if (other?.marks.includes(mark)) {
          for (const { path } of add) await objects.remove(scope, `${folderOf(name)}/${path}`)
          return other
        }
        if (!other || !over) return refused(new HubError('CONFLICT', `Table "${name}" was at version ${base} when it was read, and has been written since. Run it again over what is there now.`, { table: name, base }))
        try {
          scope.signal.throwIfAborted()
          stands = over(other)
        } catch (error) {
          return refused(error)
        }
        at = other.version
      }
    },
  }
}

function tableOf(name: string, version: number, { columns, partitionBy, files, marks }: VersionRecord): LakeTable {
  return { name, version, columns, partitionBy, files, marks: marks.map(({ mark }) => mark) }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}
