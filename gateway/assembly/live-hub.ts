import { isDeepStrictEqual } from 'node:util'
import { parseEntry, type CatalogDefaults } from '../../schema/catalog.ts'
import { asHubError, HubError, type Problem } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { Json } from '../../schema/values.ts'
import type { EventLog } from '../../connectors/ports/event-log.ts'
import type { EntryKind, MetadataStore } from '../../connectors/ports/metadata-store.ts'
import type { Log, Scope } from '../../connectors/ports/scope.ts'
import type { SourceTable } from '../../connectors/ports/source-connector.ts'
import type { CatalogAdmin, Declared } from '../../resolvers/catalog-admin.ts'
import type { ComponentHealth, Hub } from '../hub.ts'
import type { Supergraph } from '../federation/supergraph.ts'
import { assemble, letGo, together, noCatalog, nothing, superseded, type Assembled, type Assembly, type AssemblyParts } from './assemble.ts'
import { declaredCatalog, isFromFiles, placeOf, plain, refuseTaken, type ApiEntry, type FileCatalog } from './declared.ts'
import { Feeds } from './feeds.ts'
import { serviceHealth } from './foreign.ts'
import { LostRows } from './lost-rows.ts'
import { ownMistakes, refuse } from './mistakes.ts'
import type { Reach } from './reach.ts'
import { Refresher } from './refresher.ts'
import { hubScope, lastingScope } from './scope.ts'
import { SourceWatch } from './source-watch.ts'

export interface LiveHubParts extends Omit<AssemblyParts, 'subgraphs'> {
  readonly subgraphs: (assembled: Assembled, hub: LiveHub) => ReturnType<AssemblyParts['subgraphs']>
  readonly metadata: MetadataStore
  readonly events: Pick<EventLog, 'check'>
  readonly log: Log
  readonly defaults: CatalogDefaults
  /** What entries given through the API may reach. */
  readonly reach: Reach
  /** Whether regions are kept in step with the tables they follow. */
  readonly follow: boolean
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
  readonly #listeners = new Set<(next: Supergraph) => void | Promise<void>>()
  readonly #closing = new AbortController()
  readonly #refresher: Refresher
  readonly #sourceWatch: SourceWatch
  readonly #feeds: Feeds
  readonly #lostRows: LostRows
  /** Assemblies that served before, with what stops the wait for their operations. */
  readonly #retired = new Map<Assembly, () => void>()
  #assembly: Assembly | undefined
  #files: FileCatalog = { catalog: noCatalog, written: {} }
  #entries: readonly ApiEntry[] = []
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(parts: LiveHubParts) {
    this.#parts = parts
    this.#refresher = new Refresher({ ...parts, scope: what => this.#scope(what) })
    this.#feeds = new Feeds({ ...parts, scope: (what, signal) => lastingScope({ ...parts, signal }, what) })
    this.#lostRows = new LostRows({ ...parts, scope: what => this.#scope(what), serving: () => this.#assembly, load: (scope, assembled, name) => this.#refresher.load(scope, assembled, name) })
    this.#sourceWatch = new SourceWatch({
      ...parts,
      scope: (what, limitMs) => hubScope({ ...parts, signal: this.#closing.signal }, what, limitMs),
      serving: () => this.assembly,
      load: (scope, assembled, name) => this.#refresher.load(scope, assembled, name),
      recompose: () => this.#inTurn(() => this.#serve(this.#scope('change of tables'), this.#files, this.#entries)),
    })
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

  onSupergraph(listener: (next: Supergraph) => void | Promise<void>): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Reads the files again and serves what they say now. A broken edit → CATALOG_INVALID, and the graph stays as it is. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      const files = await this.#parts.files()
      await this.#serve(this.#scope('reload'), files, this.#entries, true)
      this.#files = files
    })
  }

  /** Reads the rows of a kept view, or of a region that holds all of its source's, anew, now. */
  refresh(scope: Scope, view: string): Promise<void> {
    return this.#feeds.renew(scope, view) ?? this.#refresher.refresh(scope, this.assembly, view)
  }

  declare(scope: Scope, kind: EntryKind, name: string, definition: Json): Promise<Declared> {
    return this.#change(scope, kind, name, (own, before) => {
      if (before && !isDeepStrictEqual(this.#parsed(before), this.#parsed({ kind, name, definition: plain(definition) }))) {
        throw new HubError('CONFLICT', `The ${kind} "${name}" exists with another definition. Drop it first, or update it.`, { kind, name })
      }
      return this.#put(own, { kind, name, definition: before?.definition ?? plain(definition) }, before)
    })
  }

  redeclare(scope: Scope, kind: EntryKind, name: string, change: (before: Json) => Json): Promise<Declared> {
    return this.#change(scope, kind, name, (own, before) => {
      if (!before) throw new HubError('NOT_FOUND', `There is no ${kind} "${name}".${didYouMean(name, this.#entries.flatMap(entry => (entry.kind === kind ? [entry.name] : [])))}`, { kind, name })
      return this.#put(own, { kind, name, definition: plain(change(before.definition)) }, before)
    })
  }

  drop(scope: Scope, kind: EntryKind, name: string, options: { force?: boolean } = {}): Promise<boolean> {
    return this.#change(scope, kind, name, async (own, before) => {
      if (!before) return kind === 'region' && this.#dropLeftOver(own, name)
      const gone = [before]
      for (;;) {
        const entries = this.#entries.filter(entry => !gone.includes(entry))
        const users = await this.#serveOrUsers(own, entries)
        if (users.length === 0) break
        const dependents = entries.filter(entry => users.some(path => path === placeOf(entry) || path.startsWith(`${placeOf(entry)}.`)))
        if (!options.force || dependents.length === 0) throw new HubError('IN_USE', `The ${kind} "${name}" is used by ${users.join(', ')}. Drop those first.`, { users })
        gone.push(...dependents)
      }
      for (const entry of gone) {
        await this.#parts.metadata.dropEntry(own, entry.kind, entry.name)
        if (entry.kind === 'region') await this.#parts.store.drop(entry.name)
      }
      this.#entries = this.#entries.filter(entry => !gone.includes(entry))
      return true
    })
  }

  async health(): Promise<readonly ComponentHealth[]> {
    const { store, metadata, events } = this.#parts
    const scope = hubScope({ ...this.#parts, signal: this.#closing.signal }, 'health', 1_000)
    const own = await Promise.all([
      asked('graph', async () => this.assembly.supergraph.version),
      asked('region-store', async () => {
        const { nodes } = await store.cluster(scope)
        if (nodes.every(({ state }) => state === 'DOWN')) throw new HubError('UPSTREAM_UNAVAILABLE', `No node of the region store answers: ${nodes.map(({ id, address }) => address ?? id).join(', ')}.`)
      }),
      asked('sql-engine', () => this.assembly.engine.check(scope)),
      asked('metadata-store', () => metadata.auditTrail(scope, 1)),
      asked('event-log', () => events.check(scope)),
    ])
    const sources = await Promise.all((this.#assembly?.sources ?? []).map(({ source }) => this.sourceHealth(source.name)))
    const subgraphs = await Promise.all((this.#assembly?.foreign ?? []).map(one => serviceHealth(hubScope({ ...this.#parts, signal: this.#closing.signal }, 'health', 1_000), one.service)))
    return [...own, ...sources.filter(one => one !== undefined), ...subgraphs]
  }

  async close(): Promise<void> {
    this.#closing.abort(new HubError('SHUTTING_DOWN', 'The hub is stopping.'))
    this.#refresher.stop()
    this.#sourceWatch.stop()
    this.#lostRows.stop()
    await this.#turn.catch(() => undefined)
    await this.#feeds.close()
    for (const old of [...this.#retired.keys()]) await this.#letGo(old)
    if (this.#assembly) await letGo(this.#assembly, nothing, this.#parts.store)
  }

  /** A source's table as it was last looked at or read; undefined where there is none. */
  sourceTable(source: string, table: string): SourceTable | undefined {
    const found = this.assembly.sources.find(one => one.source.name === source)
    return found && (this.#sourceWatch.table(found.connector, table) ?? found.tables.find(one => one.name === table))
  }

  /** How one source is, asked now; undefined where there is none of this name. */
  async sourceHealth(name: string): Promise<ComponentHealth | undefined> {
    const found = this.assembly.sources.find(one => one.source.name === name)
    if (!found) return undefined
    try {
      // One row of its first table: what it costs to know that it answers.
      const [table] = found.tables
      const scope = hubScope({ ...this.#parts, signal: this.#closing.signal }, 'health', 1_000)
      if (table) for await (const _ of found.connector.scan(scope, { table: table.name, limit: 1 })) break
      const trouble = this.#sourceWatch.trouble(found.connector) ?? this.#feeds.trouble(name)
      if (trouble !== undefined) return { name: `source:${name}`, state: 'degraded', required: false, message: trouble }
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

  /** One change asked for through the API, in its turn. It goes on when its client leaves: half of a change helps nobody. */
  #change<T>(scope: Scope, kind: EntryKind, name: string, work: (own: Scope, before: ApiEntry | undefined) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      scope.signal.throwIfAborted()
      if (isFromFiles(this.#files, kind, name)) throw new HubError('CONFLICT', `The ${kind} "${name}" is declared in a file, which only an edit of that file changes.`, { kind, name })
      const { signal, deadlineMs } = this.#scope('change')
      return work({ ...scope, signal, deadlineMs }, this.#entries.find(entry => entry.kind === kind && entry.name === name))
    })
  }

  /** Checks, serves and keeps the entry; the one before it serves again when it cannot be kept. */
  async #put(scope: Scope, entry: ApiEntry, before: ApiEntry | undefined): Promise<Declared> {
    const { metadata } = this.#parts
    this.#parsed(entry)
    const changed = !before || !isDeepStrictEqual(before.definition, entry.definition)
    if (!changed) return { changed, version: (await metadata.putEntry(scope, entry)).version, definition: entry.definition }

    const known = this.#entries
    const entries = [...known.filter(one => one !== before), entry]
    if (!before) refuseTaken(this.assembly.catalog, entry)
    await this.#serve(scope, this.#files, entries).catch((error: unknown) => Promise.reject(ownMistakes(entry, error)))
    this.#entries = entries
    try {
      const { version } = await metadata.putEntry(scope, entry)
      return { changed, version, definition: entry.definition }
    } catch (error) {
      this.#entries = known
      await this.#serve(scope, this.#files, known)
      throw error
    }
  }

  #parsed({ kind, name, definition }: ApiEntry): unknown {
    return parseEntry(kind, name, definition, this.#parts.defaults)
  }

  /** The entries a region left behind when it was taken out of the files. */
  async #dropLeftOver(scope: Scope, name: string): Promise<boolean> {
    const { store, metadata } = this.#parts
    const isLeftOver = store.names.includes(name) && store.region(name).definition.durable && !this.assembly.held.has(name)
    if (isLeftOver) await metadata.audit(scope, { action: 'region.drop', subject: name, detail: { leftOver: true } })
    return isLeftOver && store.drop(name)
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
  async #serve(scope: Scope, files: FileCatalog, entries: readonly ApiEntry[], again = false): Promise<void> {
    const { catalog, findings } = await declaredCatalog(files, entries, this.#parts.defaults, this.#parts.reach)
    refuse(findings)
    const previous = this.#assembly
    const next = await assemble(scope, catalog, { ...this.#parts, subgraphs: assembled => this.#parts.subgraphs(assembled, this) }, previous ?? nothing, again)
    this.#assembly = next
    this.#refresher.follow(next)
    this.#sourceWatch.follow(next)
    if (this.#parts.follow) this.#feeds.follow(next)
    const taken = [...this.#listeners].map(listener => listener(next.supergraph))
    for (const name of superseded(previous ?? nothing, next)) await this.#parts.store.retire(name)
    await Promise.all(taken)
    if (previous) this.#retired.set(previous, this.#parts.clock.after(graceMs, () => this.#parts.later(() => this.#letGo(previous))))
  }

  /** Closes what only this old assembly has: not the one that serves, and not another whose operations may still run. */
  async #letGo(old: Assembly): Promise<void> {
    this.#retired.get(old)?.()
    this.#retired.delete(old)
    await letGo(old, together([...this.#retired.keys(), this.assembly]), this.#parts.store)
  }
}

/** How a part of the hub itself is: asked something small, now. */
async function asked(name: string, question: () => Promise<unknown>): Promise<ComponentHealth> {
  try {
    await question()
    return { name, state: 'up', required: true }
  } catch (error) {
    return { name, state: 'down', required: true, message: asHubError(error).message }
  }
}
