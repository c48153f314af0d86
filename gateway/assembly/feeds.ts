import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Catalog, RegionEntry } from '../../schema/catalog.ts'
import { asHubError, HubError } from '../../schema/errors.ts'
import type { Finding } from '../../schema/findings.ts'
import type { Model } from '../../schema/model.ts'
import type { Region } from '../../connectors/ports/region-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { FollowedTable } from '../../connectors/ports/source-feed.ts'
import type { Assembled } from './assemble.ts'
import { Feed, type FeedParts, type FollowedSource } from './feed.ts'
import type { OpenSource } from './sources.ts'

/** How long a source may take to let go of what it kept. */
const forgetLimitMs = 5_000

/** Keeps the regions declared with `follow` in step with their tables: one feed a source, for all of its regions together. */
export class Feeds {
  readonly #parts: FeedParts
  readonly #feeds = new Map<string, Feed>()
  /** Per source what has to end before it is followed again. */
  readonly #ending = new Map<string, Promise<void>>()
  readonly #seen = new Set<string>()

  constructor(parts: FeedParts) {
    this.#parts = parts
  }

  /** Follows what this assembly wants followed from now on, and nothing else. Feeds of the same tables into the same regions go on. */
  follow(assembled: Assembled): void {
    const wanted = followedSources(assembled)
    for (const [name, feed] of this.#feeds) {
      const next = wanted.get(name)
      if (next && isSame(feed.followed, next)) {
        feed.adopt(next)
        continue
      }
      this.#feeds.delete(name)
      const isKept = next?.open.connector === feed.followed.open.connector
      this.#ending.set(name, feed.stop().then(() => (isKept ? undefined : this.#forget(feed.followed.open))))
    }
    for (const [name, next] of wanted) if (!this.#feeds.has(name)) this.#feeds.set(name, new Feed(this.#parts, this.#consumer(name), next, this.#ending.get(name) ?? Promise.resolve()))
    // What a hub that died followed, and this one does not.
    for (const open of assembled.sources) {
      const { name } = open.source
      if (open.connector.feed && !this.#seen.has(name) && !wanted.has(name)) this.#ending.set(name, (this.#ending.get(name) ?? Promise.resolve()).then(() => this.#forget(open)))
      this.#seen.add(name)
    }
  }

  /** Reads the rows of the region anew, with those of every region that follows the same source; undefined where it follows none. */
  renew(scope: Scope, region: string): Promise<void> | undefined {
    const feed = [...this.#feeds.values()].find(({ followed }) => followed.regions.some(({ entity }) => entity.name === region))
    return feed?.renew(scope)
  }

  /** Why regions of this source are not in step with it; undefined while they are. */
  trouble(source: string): string | undefined {
    return this.#feeds.get(source)?.trouble
  }

  /** Ends all feeds. What is kept for them in the sources goes, too: rows that follow a source are loaded anew by the next start. */
  async close(): Promise<void> {
    const feeds = [...this.#feeds.values()]
    this.#feeds.clear()
    await Promise.all(feeds.map(async feed => {
      await feed.stop()
      await this.#forget(feed.followed.open)
    }))
    await Promise.all(this.#ending.values())
  }

  #consumer(source: string): string {
    return consumerOf(this.#parts.consumer.name, source)
  }

  async #forget({ source, connector }: OpenSource): Promise<void> {
    const consumer = this.#consumer(source.name)
    try {
      await connector.feed?.forget(this.#parts.scope(`end of feed of ${source.name}`, AbortSignal.timeout(forgetLimitMs)), consumer)
    } catch (error) {
      const { code, message: reason } = asHubError(error)
      this.#parts.log[code === 'IN_USE' ? 'info' : 'warn'](`Source "${source.name}" keeps what "${consumer}" has not read yet, and nobody will read it from here.`, { source: source.name, consumer, code, reason })
    }
  }
}

/** What stands in the way of following what the catalog wants followed, at the members that want it. A source that does not answer now is no finding: it is followed once it does. */
export async function followFindings(scope: Scope, catalog: Catalog, model: Model, sources: readonly OpenSource[], consumer: string): Promise<Finding[]> {
  const found = [...wantedTables(catalog, model)].map(async ([name, wanted]): Promise<Finding[]> => {
    const open = sources.find(one => one.source.name === name)
    if (!open) return []
    const at = (region: string): Finding['path'] => ['regions', region, 'load', 'follow']
    const { feed, type } = open.connector
    if (!feed) return wanted.map(({ region }) => ({ path: at(region), message: `Source "${name}" is of type ${type}, which does not tell of its commits. Leave "follow" out.` }))
    try {
      // One look for all regions; what it finds of a table is said at each region that follows it.
      const troubles = await feed.check(scope, { consumer: consumerOf(consumer, name), tables: wanted })
      return wanted.flatMap(({ region, table }, index) => troubles
        .filter(trouble => (trouble.table === undefined ? index === 0 : trouble.table === table))
        .map(({ message }) => ({ path: at(region), message })))
    } catch (error) {
      if (!(error instanceof HubError) || !error.info.retry || scope.signal.aborted) throw error
      scope.log.warn(`Source "${name}" does not answer, so whether it can be followed is seen later.`, { source: name, code: error.code, reason: error.message })
      return []
    }
  })
  return (await Promise.all(found)).flat()
}

/** Whether another hub keeps the region in step, and has loaded it: what this one would load is older than what that one does meanwhile. */
export async function isKeptElsewhere(scope: Scope, { load, tenancy }: RegionEntry, region: Region, sources: readonly OpenSource[], consumer: string): Promise<boolean> {
  if (!load || 'view' in load || !load.follow || tenancy === 'TENANT' || (await region.count(scope)) === 0) return false
  const feed = sources.find(one => one.source.name === load.source)?.connector.feed
  return (await feed?.isFollowed(scope, consumerOf(consumer, load.source))) ?? false
}

/** Per source the tables regions follow, with the columns they take. */
function wantedTables(catalog: Catalog, model: Model): ReadonlyMap<string, readonly (FollowedTable & { readonly region: string })[]> {
  const wanted = new Map<string, (FollowedTable & { readonly region: string })[]>()
  for (const { name, load } of catalog.regions) {
    const entity = model.entities.find(one => one.name === name)
    if (!entity || !load || 'view' in load || !load.follow) continue
    const { source, table } = load
    wanted.set(source, [...(wanted.get(source) ?? []), { region: name, table, columns: entity.fields.map(field => field.name), key: entity.key }])
  }
  return wanted
}

function followedSources(assembled: Assembled): ReadonlyMap<string, FollowedSource> {
  const { catalog, model, sources, held } = assembled
  return new Map([...wantedTables(catalog, model)].flatMap(([name, wanted]): [string, FollowedSource][] => {
    const open = sources.find(one => one.source.name === name)
    const feed = open?.connector.feed
    if (!open || !feed) return []
    const regions = wanted.flatMap(({ region, table }) => {
      const entity = model.entities.find(one => one.name === region)
      const entry = catalog.regions.find(one => one.name === region)
      const own = held.get(region)
      return entity && entry && own ? [{ entity, entry, held: own, table }] : []
    })
    return [[name, { open, feed, tables: wanted.map(({ table, columns, key }) => ({ table, columns, key })), regions, assembled }]]
  }))
}

function isSame(a: FollowedSource, b: FollowedSource): boolean {
  const stored = ({ regions }: FollowedSource) => regions.map(({ held }) => held.region)
  return a.open.connector === b.open.connector && isDeepStrictEqual(a.tables, b.tables) && stored(a).every((region, index) => region === stored(b)[index])
}

/** A source's name for this hub: readable, and no other hub's. */
function consumerOf(hub: string, source: string): string {
  return `tributary_${source.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_').slice(0, 30)}_${createHash('sha256').update(`${hub}\u0000${source}`).digest('hex').slice(0, 12)}`
}
