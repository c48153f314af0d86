import type { Commit, DefinitionStore } from '../../../connectors/ports/definition-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { readDocument } from '../document/read.ts'
import { textOfVersion } from '../registry.ts'
import { applicationIn } from './application.ts'

/** A pipeline as a commit had it. */
export interface StoredVersion {
  readonly commit: string
  readonly atMs: number
  readonly author: string
  readonly file: string
  /** Absent: the document says none that is one. */
  readonly version?: string
  /** What its text is found by; absent: the commit took it away. */
  readonly content?: string
}

/** Every version of every pipeline that was committed. What was read is kept, so that only new commits are read again; a branch that was rewritten is read from its beginning. */
export class DefinitionHistory {
  readonly #store: DefinitionStore
  #versions = new Map<string, StoredVersion[]>()
  /** Whose pipeline a file has. */
  #owners = new Map<string, string>()
  #head: string | undefined
  #reading: Promise<void> = Promise.resolve()

  constructor(store: DefinitionStore) {
    this.#store = store
  }

  /** Of one pipeline, the newest first. */
  async of(scope: Scope, app: string, id: string): Promise<readonly StoredVersion[]> {
    const reading = this.#reading.then(() => this.#read(scope))
    this.#reading = reading.catch(() => {})
    await reading
    return (this.#versions.get(keyOf(app, id)) ?? []).toReversed()
  }

  async #read(scope: Scope): Promise<void> {
    const head = await this.#store.head(scope)
    if (head === this.#head) return
    const commits: Commit[] = []
    for await (const commit of this.#store.commits(scope, this.#head)) commits.push(commit)
    const isRewritten = commits.length === 0 || commits.at(-1)?.parent !== this.#head
    const [versions, owners] = isRewritten ? [new Map<string, StoredVersion[]>(), new Map<string, string>()] : [structuredClone(this.#versions), new Map(this.#owners)]
    for (const commit of commits.reverse()) await this.#add(scope, commit, versions, owners)
    this.#versions = versions
    this.#owners = owners
    this.#head = head
  }

  async #add(scope: Scope, { commit, atMs, author, files }: Commit, versions: Map<string, StoredVersion[]>, owners: Map<string, string>): Promise<void> {
    const gone = new Map<string, string>()
    const there = new Set<string>()
    const add = (key: string, version: Omit<StoredVersion, 'commit' | 'atMs' | 'author'>) => versions.set(key, [...(versions.get(key) ?? []), { commit, atMs, author, ...version }])
    for (const [file, content] of files) {
      const before = owners.get(file)
      if (before !== undefined) gone.set(before, file)
      owners.delete(file)
      const app = applicationIn(file)
      if (content === undefined || app === undefined) continue
      const read = readDocument(await this.#store.text(scope, content))
      if (read.kind !== 'pipeline' || read.root.values.id === undefined) continue
      const key = keyOf(app, read.root.values.id)
      const { version } = read.root.values
      owners.set(file, key)
      there.add(key)
      add(key, { file, content, ...(version && { version: textOfVersion(version) }) })
    }
    for (const [key, file] of gone) if (!there.has(key)) add(key, { file })
  }
}

function keyOf(app: string, id: string): string {
  return `${app}/${id}`
}
