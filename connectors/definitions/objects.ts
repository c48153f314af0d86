import fs from 'node:fs'
import git, { type TreeEntry } from 'isomorphic-git'

/** Folders in each other that are looked into. */
const deepest = 16
/** Trees that are kept while commits are walked: neighbours have most of them in common. */
const keptTrees = 4_096

export type Tree = readonly TreeEntry[]

/** Trees and texts of one repository, by their ids, which never mean anything else. */
export class Objects {
  readonly gitdir: string
  readonly #trees = new Map<string, Tree>()
  #packs = {}

  constructor(gitdir: string) {
    this.gitdir = gitdir
  }

  /** What was kept of packs is read anew. */
  refresh(): void {
    this.#packs = {}
  }

  get place() {
    return { fs, gitdir: this.gitdir, cache: this.#packs }
  }

  async tree(oid: string): Promise<Tree> {
    const known = this.#trees.get(oid)
    if (known) return known
    const { tree } = await git.readTree({ ...this.place, oid })
    if (this.#trees.size >= keptTrees) this.#trees.clear()
    this.#trees.set(oid, tree)
    return tree
  }

  async text(oid: string): Promise<string> {
    const { blob } = await git.readBlob({ ...this.place, oid })
    return Buffer.from(blob).toString('utf8')
  }

  /** What lies at a path below a tree. */
  async at(tree: string, path: readonly string[]): Promise<TreeEntry | undefined> {
    let entry: TreeEntry | undefined
    let oid = tree
    for (const [depth, name] of path.entries()) {
      entry = (await this.tree(oid)).find(one => one.path === name)
      if (!entry || (depth < path.length - 1 && entry.type !== 'tree')) return undefined
      oid = entry.oid
    }
    return entry
  }

  /** Documents in which two trees differ, by their paths: what the second has; undefined where it has none. */
  async changes(before: string | undefined, after: string | undefined, path: readonly string[] = [], found = new Map<string, string | undefined>()): Promise<ReadonlyMap<string, string | undefined>> {
    if (before === after || path.length > deepest) return found
    const [olds, news] = [before === undefined ? [] : await this.tree(before), after === undefined ? [] : await this.tree(after)]
    for (const name of new Set([...olds, ...news].map(one => one.path))) {
      const [old, own] = [olds.find(one => one.path === name), news.find(one => one.path === name)]
      if (old?.oid === own?.oid && old?.mode === own?.mode) continue
      await this.changes(treeOf(old), treeOf(own), [...path, name], found)
      if (name.endsWith('.xml') && (isText(old) || isText(own))) found.set([...path, name].join('/'), isText(own) ? own?.oid : undefined)
    }
    return found
  }

  /** The tree with these contents at their paths; undefined: nothing is left in it. Contents that are undefined are taken out. */
  async edited(tree: string | undefined, contents: ReadonlyMap<string, string | undefined>): Promise<string | undefined> {
    const entries = new Map((tree === undefined ? [] : await this.tree(tree)).map(one => [one.path, one]))
    const inside = new Map<string, Map<string, string | undefined>>()
    for (const [path, oid] of contents) {
      const [name = '', ...rest] = path.split('/')
      if (rest.length > 0) inside.set(name, (inside.get(name) ?? new Map<string, string | undefined>()).set(rest.join('/'), oid))
      else if (oid === undefined) entries.delete(name)
      else entries.set(name, { path: name, mode: '100644', type: 'blob', oid })
    }
    for (const [name, own] of inside) {
      const oid = await this.edited(treeOf(entries.get(name)), own)
      if (oid === undefined) entries.delete(name)
      else entries.set(name, { path: name, mode: '040000', type: 'tree', oid })
    }
    return entries.size === 0 ? undefined : git.writeTree({ ...this.place, tree: [...entries.values()] })
  }
}

function treeOf(entry: TreeEntry | undefined): string | undefined {
  return entry?.type === 'tree' ? entry.oid : undefined
}

/** Links are files whose text is a path, and none that a document would be. */
function isText(entry: TreeEntry | undefined): boolean {
  return entry?.type === 'blob' && entry.mode !== '120000'
}
