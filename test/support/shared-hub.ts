import type { EventLog } from '../../connectors/ports/event-log.ts'
import type { Region, RegionDefinition, RegionStore } from '../../connectors/ports/region-store.ts'
import { sealer } from '../../resolvers/cursor.ts'
import { Dispatcher } from '../../resolvers/live/dispatcher.ts'
import { watch, type WatchEvent } from '../../resolvers/watch.ts'
import type { LogEntry } from '../../schema/change.ts'
import { openStore, realScope } from './ignite-regions.ts'

export const items: RegionDefinition = {
  name: 'items', columns: [{ name: 'id', type: 'String', nullable: false }, { name: 'n', type: 'Long', nullable: true }], key: ['id'], indexes: [], atomicity: 'TRANSACTIONAL', expiry: {},
  maxEntries: 1_000_000, durable: true, tenancy: 'SHARED',
}

const cursors = sealer([{ kid: '1', secret: 'shared by every hub of the test' }])

/** What a hub has of a region and its subscriptions, without its door. */
export interface SharedHub {
  readonly store: RegionStore
  readonly region: Region
  /** Events from the cursor on; without one, of what comes. */
  watch(after?: string): AsyncGenerator<WatchEvent, void>
  /** Every entry of the log from there on, page by page. */
  entries(from?: number): Promise<LogEntry[]>
  close(): Promise<void>
}

/** Hubs of one namespace share their regions, and the log of their changes where `events` keeps it. */
export async function openSharedHub(namespace: string, events: EventLog, definition = items): Promise<SharedHub> {
  const store = await openStore(namespace, events)
  const region = await store.define(definition)
  const dispatcher = new Dispatcher(store.changes)
  return {
    store, region,
    watch: after => watch(realScope(), { region, changes: store.changes, dispatcher, cursors, initial: false, after }),
    async entries(from = 0) {
      const found: LogEntry[] = []
      while (from + found.length < store.changes.end) found.push(...(await store.changes.read(from + found.length, 700)))
      return found
    },
    async close() {
      dispatcher.close()
      await store.close()
    },
  }
}
