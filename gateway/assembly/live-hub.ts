import { isDeepStrictEqual } from 'node:util'
import type { CatalogDefaults } from '../../schema/catalog.ts'
import { asHubError, HubError, type Problem } from '../../schema/errors.ts'
import { pathText } from '../../schema/findings.ts'
import type { Json } from '../../schema/values.ts'
import type { EntryKind, MetadataStore } from '../../connectors/ports/metadata-store.ts'
import type { Log, Scope } from '../../connectors/ports/scope.ts'
import type { CatalogAdmin } from '../../resolvers/catalog-admin.ts'
import type { ComponentHealth, Hub } from '../hub.ts'
import type { Supergraph } from '../federation/supergraph.ts'
import { assemble, letGo, nothing, type Assembled, type Assembly, type AssemblyParts } from './assemble.ts'
import { declaredCatalog, isFromFiles, sectionOf, type ApiEntry, type FileCatalog } from './declared.ts'
import { refuse } from './mistakes.ts'
import { Refresher } from './refresher.ts'
import { hubScope } from './scope.ts'

export interface LiveHubParts extends Omit<AssemblyParts, 'subgraphs'> {
  readonly subgraphs: (assembled: Assembled, hub: LiveHub) => ReturnType<AssemblyParts['subgraphs']>
  readonly metadata: MetadataStore
  readonly log: Log
  readonly defaults: CatalogDefaults
  /** Work that outlives a request; a drain waits for it. */
  readonly later: (work: () => Promise<void>) => void
  /** What files declare, read anew. */
  readonly files: () => Promise<FileCatalog>
}

/** How long one composition with its loads may take. */
const composeLimitMs = 15 * 60_000
/** How long what an old graph used is kept for the operations that still run on it. */
const graceMs = 60_000

/** The graph that serves, and its way from one catalog to the next: one change at a time, each wholly or not at all. */
export class LiveHub implements Hub, CatalogAdmin {
  readonly #parts: LiveHubParts
  readonly #listeners = new Set<(next: Supergraph) => void>()
  readonly #closing = new AbortController()
  readonly #refresher: Refresher
  #assembly: Assembly | undefined
  #files: FileCatalog = { catalog: nothing.catalog, written: {} }
  #entries: readonly ApiEntry[] = []
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(parts: LiveHubParts) {
    this.#parts = parts
    this.#refresher = new Refresher({ ...parts, scope: what => this.#scope(what) })
  }

  /** The hub serving what files and the API declare. CATALOG_INVALID with every mistake. */
  static async open(parts: LiveHubParts): Promise<LiveHub> {
    const hub = new LiveHub(parts)
    try {
      const scope = hub.#scope('start')
      hub.#files = await parts.files()
      hub.#entries = await parts.metadata.entries(scope)
      await hub.#serve(scope, hub.#files, hub.#entries)
      return hub
    } catch (error) {
      await hub.close()
      throw error
    }
  }

  get assembly(): Assembly {
    if (!this.#assembly) throw new HubError('SHUTTING_DOWN', 'The hub serves no graph yet.')
    return this.#assembly
  }

  get supergraph(): Supergraph {
    return this.assembly.supergraph
  }

  onSupergraph(listener: (next: Supergraph) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Reads the files again and serves what they say now. A broken edit → CATALOG_INVALID, and the graph stays as it is. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      const files = await this.#parts.files()
      await this.#serve(this.#scope('reload'), files, this.#entries)
      this.#files = files
    })
  }

  /** Computes the rows of a kept view anew, now. */
  refresh(scope: Scope, view: string): Promise<void> {
    return this.#refresher.refresh(scope, this.assembly, view)
  }

  declare(scope: Scope, kind: EntryKind, name: string, definition: Json, options: { replace?: boolean } = {}): Promise<{ changed: boolean; version: number }> {
    return this.#inTurn(async () => {
      if (isFromFiles(this.#files, kind, name)) throw new HubError('CONFLICT', `The ${kind} "${name}" is declared in a file, which only an edit of that file changes.`, { kind, name })
      const before = this.#entries.find(entry => entry.kind === kind && entry.name === name)
      if (before && !isDeepStrictEqual(before.definition, definition) && !options.replace) {
        throw new HubError('CONFLICT', `The ${kind} "${name}" exists with another definition. Drop it first, or update it.`, { kind, name })
      }
      const changed = !before || !isDeepStrictEqual(before.definition, definition)
      if (changed) {
        const entries = [...this.#entries.filter(entry => entry !== before), { kind, name, definition }]
        await this.#serve(scope, this.#files, entries)
        this.#entries = entries
      }
      const stored = await this.#parts.metadata.putEntry(scope, { kind, name, definition })
      return { changed, version: stored.version }
    })
  }

  drop(scope: Scope, kind: EntryKind, name: string, options: { force?: boolean } = {}): Promise<boolean> {
    return this.#inTurn(async () => {
      if (isFromFiles(this.#files, kind, name)) throw new HubError('CONFLICT', `The ${kind} "${name}" is declared in a file, which only an edit of that file changes.`, { kind, name })
      const gone = this.#entries.filter(entry => entry.kind === kind && entry.name === name)
      if (gone.length === 0) return false
      for (;;) {
        const entries = this.#entries.filter(entry => !gone.includes(entry))
        const users = await this.#serveOrUsers(scope, entries)
        if (users.length === 0) {
          for (const entry of gone) await this.#parts.metadata.dropEntry(scope, entry.kind, entry.name)
          this.#entries = entries
          return true
        }
        const dependents = entries.filter(entry => users.some(path => path === pathText([sectionOf(entry.kind), entry.name]) || path.startsWith(`${pathText([sectionOf(entry.kind), entry.name])}.`)))
        if (!options.force || dependents.length === 0) throw new HubError('IN_USE', `The ${kind} "${name}" is used by ${users.join(', ')}. Drop those first.`, { users })
        gone.push(...dependents)
      }
    })
  }

  async health(): Promise<readonly ComponentHealth[]> {
    const up = (name: string): ComponentHealth => ({ name, state: 'up', required: true })
    const serving: ComponentHealth = this.#assembly ? up('graph') : { name: 'graph', state: 'down', required: true, message: 'No graph is composed yet.' }
    const sources = await Promise.all((this.#assembly?.sources ?? []).map(({ source, connector }) => this.#sourceHealth(source.name, connector)))
    return [serving, up('region-store'), up('sql-engine'), up('metadata-store'), ...sources]
  }

  async close(): Promise<void> {
    this.#closing.abort(new HubError('SHUTTING_DOWN', 'The hub is stopping.'))
    this.#refresher.stop()
    await this.#turn.catch(() => undefined)
    if (this.#assembly) await letGo(this.#assembly, nothing, this.#parts.store)
  }

  async #sourceHealth(name: string, connector: Assembled['sources'][number]['connector']): Promise<ComponentHealth> {
    try {
      await connector.tables(hubScope({ ...this.#parts, signal: this.#closing.signal }, 'health', 1_000))
      return { name: `source:${name}`, state: 'up', required: false }
    } catch (error) {
      return { name: `source:${name}`, state: 'down', required: false, message: asHubError(error).message }
    }
  }

  #scope(what: string): Scope {
    return hubScope({ ...this.#parts, signal: this.#closing.signal }, what, composeLimitMs)
  }

  /** Runs after the changes asked for before. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(change, change)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** Who would be left without what is missing, as paths; none when the catalog without it serves now. */
  async #serveOrUsers(scope: Scope, entries: readonly ApiEntry[]): Promise<readonly string[]> {
    try {
      await this.#serve(scope, this.#files, entries)
      return []
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'CATALOG_INVALID') throw error
      return (error.details['problems'] as readonly Problem[]).map(problem => problem.path)
    }
  }

  /** Composes and swaps in one step; everything is as before when it throws. */
  async #serve(scope: Scope, files: FileCatalog, entries: readonly ApiEntry[]): Promise<void> {
    const { catalog, findings } = declaredCatalog(files, entries, this.#parts.defaults)
    refuse(findings)
    const previous = this.#assembly
    // A composition asked for by a client goes on when that client leaves: half of one helps nobody.
    const { signal, deadlineMs } = this.#scope('compose')
    const next = await assemble({ ...scope, signal, deadlineMs }, catalog, { ...this.#parts, subgraphs: assembled => this.#parts.subgraphs(assembled, this) }, previous ?? nothing)
    this.#assembly = next
    this.#refresher.follow(next)
    for (const listener of this.#listeners) listener(next.supergraph)
    if (previous) this.#parts.clock.after(graceMs, () => this.#parts.later(() => letGo(previous, this.assembly, this.#parts.store)))
  }
}
