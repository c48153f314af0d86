import fs from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import git from 'isomorphic-git'
import { HubError } from '../../schema/errors.ts'
import type { Commit, DefinitionChange, DefinitionStore } from '../ports/definition-store.ts'
import type { Scope } from '../ports/scope.ts'
import { Objects } from './objects.ts'
import { documentsOf, putText, textAt } from './place.ts'
import { inTurn } from './turn.ts'

/** Tags that are looked through for that of a commit. */
const mostTags = 10_000
/** Who commits, and who is the author of what nobody put in through the hub. */
const hub = { name: 'tributary', email: 'tributary@localhost' }

/** Definitions in a folder of a git repository; where the folder is in none, the first change makes one of it. */
export function openGitDefinitions(folder: string): DefinitionStore {
  const repository = new GitRepository(folder)
  return {
    head: () => told(repository.head()),
    commits: (scope, known) => repository.commits(scope, known),
    text: (_, content) => told(repository.text(content)),
    placed: (_, file, text) => told(repository.placed(file, text)),
    alone: (scope, work) => repository.alone(scope, () => work({ change: (own, change) => told(repository.change(own, change)) })),
  }
}

interface Place {
  readonly dir: string
  readonly objects: Objects
  /** The folder's own place in it. */
  readonly path: readonly string[]
}

class GitRepository {
  readonly #folder: string
  #place: Place | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  async head(): Promise<string | undefined> {
    const place = await this.#found()
    return place && headOf(place)
  }

  async *commits({ signal }: Scope, known?: string): AsyncGenerator<Commit> {
    const place = await told(this.#found())
    let next = place && (await told(headOf(place)))
    while (place && next !== undefined && next !== known) {
      signal.throwIfAborted()
      const commit: Commit = await told(commitOf(place, next))
      yield commit
      next = commit.parent
    }
  }

  async text(content: string): Promise<string> {
    const place = await this.#found()
    if (!place) throw new HubError('UPSTREAM_REJECTED', 'The folder of the pipelines is in no git repository any more.')
    return place.objects.text(content)
  }

  async placed(file: string, text: string): Promise<{ commit: string; tag?: string } | undefined> {
    const place = await this.#found()
    const commit = place && (await headOf(place))
    if (!place || commit === undefined) return undefined
    const { oid: tree } = await git.readTree({ ...place.objects.place, oid: commit })
    const entry = await place.objects.at(tree, [...place.path, ...file.split('/')])
    if (entry?.type !== 'blob' || (await place.objects.text(entry.oid)) !== text) return undefined
    const tag = await tagOf(place, commit)
    return { commit, ...(tag !== undefined && { tag }) }
  }

  async alone<T>(scope: Scope, work: () => Promise<T>): Promise<T> {
    await told(mkdir(this.#folder, { recursive: true }))
    const gitdir = (await told(this.#found()))?.objects.gitdir ?? join(this.#folder, '.git')
    return inTurn(scope, gitdir, work)
  }

  async change({ clock, tenant }: Scope, { files, message, author, trailers }: DefinitionChange): Promise<string> {
    const place = (await this.#found()) ?? (await this.#made())
    place.objects.refresh()
    const branch = await branchOf(place)
    const commit = async (contents: ReadonlyMap<string, string | undefined>, text: string, by: { name: string; email: string }, parent: string | undefined) => {
      const before = parent === undefined ? undefined : (await git.readTree({ ...place.objects.place, oid: parent })).oid
      const blobs = await Promise.all([...contents].map(async ([file, content]) => [[...place.path, file].join('/'), content === undefined ? undefined : await git.writeBlob({ ...place.objects.place, blob: Buffer.from(content) })] as const))
      const tree = (await place.objects.edited(before, new Map(blobs))) ?? (await git.writeTree({ ...place.objects.place, tree: [] }))
      const at = { timestamp: Math.floor(clock.now() / 1000), timezoneOffset: 0 }
      return git.commit({ ...place.objects.place, ref: branch, tree, parent: parent === undefined ? [] : [parent], message: text, author: { ...by, ...at }, committer: { ...hub, ...at } })
    }

    const parent = await headOf(place)
    const before = new Map(await Promise.all([...files.keys()].map(async file => [file, await textAt(join(this.#folder, file))] as const)))
    const found = await this.#uncommitted(place, parent, parent === undefined ? await documentsOf(this.#folder) : [...files.keys()])
    const base = found.size === 0 ? parent : await commit(found, `${found.size === 1 ? [...found.keys()].join() : `${found.size} documents`} as found in the folder\n`, hub, parent)
    const placed: string[] = []
    try {
      for (const [file, text] of files) {
        if (text === before.get(file)) continue
        await putText(this.#folder, file, text)
        placed.push(file)
      }
      const words = Object.entries(trailers).map(([name, value]) => `${name}: ${value}\n`).join('')
      return await commit(files, `${message}\n${words && `\n${words}`}`, identityOf(author, tenant), base)
    } catch (error) {
      for (const file of placed) await putText(this.#folder, file, before.get(file))
      throw error
    } finally {
      for (const file of new Set([...files.keys(), ...found.keys()])) await this.#indexed(place, file)
    }
  }

  /** What stands in files and not in the newest commit. */
  async #uncommitted(place: Place, head: string | undefined, files: readonly string[]): Promise<ReadonlyMap<string, string | undefined>> {
    const tree = head === undefined ? undefined : (await git.readTree({ ...place.objects.place, oid: head })).oid
    const found = new Map<string, string | undefined>()
    for (const file of files) {
      const text = await textAt(join(this.#folder, file))
      const entry = tree === undefined ? undefined : await place.objects.at(tree, [...place.path, ...file.split('/')])
      const committed = entry?.type === 'blob' ? await place.objects.text(entry.oid) : undefined
      if (text !== committed) found.set(file, text)
    }
    return found
  }

  /** git's list of what is to be committed next has what was. */
  async #indexed({ objects, dir, path }: Place, file: string): Promise<void> {
    const filepath = [...path, file].join('/')
    const isThere = (await textAt(join(this.#folder, file))) !== undefined
    await git.updateIndex({ ...objects.place, dir, filepath, ...(isThere ? { add: true } : { remove: true }) })
  }

  async #found(): Promise<Place | undefined> {
    if (this.#place) return this.#place
    const dir = await rootAbove(this.#folder)
    if (dir === undefined) return undefined
    const gitdir = join(dir, '.git')
    if (!(await stat(gitdir)).isDirectory()) throw new HubError('UPSTREAM_REJECTED', `The folder of the pipelines is in "${dir}", a linked worktree or a submodule of git, whose repository lies elsewhere. Name a folder of a repository of its own.`)
    // The lock of the first change is there before the repository.
    if (!fs.existsSync(join(gitdir, 'HEAD'))) return undefined
    this.#place = { dir, objects: new Objects(gitdir), path: relative(dir, this.#folder).split(sep).filter(part => part !== '') }
    return this.#place
  }

  async #made(): Promise<Place> {
    await git.init({ fs, dir: this.#folder, defaultBranch: 'main' })
    const made = await this.#found()
    if (!made) throw new HubError('UPSTREAM_REJECTED', 'A git repository could not be made in the folder of the pipelines.')
    return made
  }
}

async function rootAbove(folder: string): Promise<string | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    if (fs.existsSync(join(at, '.git'))) return at
    if (dirname(at) === at) return undefined
  }
}

async function headOf({ objects }: Place): Promise<string | undefined> {
  return git.resolveRef({ ...objects.place, ref: 'HEAD' }).catch((error: unknown) => {
    if (error instanceof git.Errors.NotFoundError) return undefined
    throw error
  })
}

async function branchOf({ objects }: Place): Promise<string> {
  const branch = await git.currentBranch({ ...objects.place, fullname: true })
  if (branch) return branch
  throw new HubError('CONFLICT', 'The repository of the pipelines is on no branch, so that a commit would be lost. Check a branch out there.')
}

async function commitOf({ objects, path }: Place, oid: string): Promise<Commit> {
  const { commit } = await git.readCommit({ ...objects.place, oid })
  const [parent] = commit.parent
  const below = [...path, 'applications']
  const before = parent === undefined ? undefined : await objects.at((await git.readCommit({ ...objects.place, oid: parent })).commit.tree, below)
  const changed = await objects.changes(before?.type === 'tree' ? before.oid : undefined, await treeAt(objects, commit.tree, below))
  return {
    commit: oid, ...(parent !== undefined && { parent }), atMs: commit.author.timestamp * 1000, author: commit.author.name, trailers: trailersIn(commit.message),
    files: new Map([...changed].map(([file, content]) => [`applications/${file}`, content])),
  }
}

async function treeAt(objects: Objects, tree: string, path: readonly string[]): Promise<string | undefined> {
  const entry = await objects.at(tree, path)
  return entry?.type === 'tree' ? entry.oid : undefined
}

/** Lines of the last paragraph, where all of them are of the form `Name: value`. */
function trailersIn(message: string): Readonly<Record<string, string>> {
  const paragraphs = message.trimEnd().split(/\n{2,}/)
  const lines = paragraphs.length < 2 ? [] : (paragraphs.at(-1) ?? '').split('\n')
  const found = lines.map(line => /^([A-Za-z][A-Za-z-]*): (.*)$/.exec(line))
  return found.every(match => match !== null) ? Object.fromEntries(found.map(([, name = '', value = '']) => [name, value])) : {}
}

/** The first of its tags by their names. */
async function tagOf({ objects }: Place, commit: string): Promise<string | undefined> {
  for (const tag of (await git.listTags(objects.place)).sort().slice(0, mostTags)) {
    const oid = await git.resolveRef({ ...objects.place, ref: `refs/tags/${tag}` })
    if (oid === commit) return tag
    const { type } = await git.readObject({ ...objects.place, oid, format: 'content' })
    if (type === 'tag' && (await git.readTag({ ...objects.place, oid })).tag.object === commit) return tag
  }
  return undefined
}

/** A subject as git takes names: without the characters that part a commit's lines. */
function identityOf(subject: string, tenant: string): { name: string; email: string } {
  const name = subject.toWellFormed().replace(/[<>\p{Cc}]+/gu, ' ').trim() || 'unknown'
  const local = name.replace(/[^A-Za-z0-9._+-]+/g, '-')
  return { name, email: `${local}@${tenant.replace(/[^A-Za-z0-9.-]+/g, '-')}` }
}

async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof HubError) throw error
    throw new HubError('UPSTREAM_REJECTED', `The git repository of the pipelines cannot be used: ${(error as Error).message}.`, {}, { cause: error })
  }
}
