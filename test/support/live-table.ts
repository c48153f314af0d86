import { keyOf, type Entry, type Region, type RegionDefinition, type Snapshot } from '../../connectors/ports/region-store.ts'
import { matcher, type Filter } from '../../schema/filter.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Change } from '../../schema/change.ts'
import type { Row } from '../../schema/values.ts'
import type { SimulatedLog } from './live-log.ts'

/** The part of a region subscriptions need, over a log whose moments of durability the test chooses. */
export class LiveTable implements Pick<Region, 'definition' | 'snapshot'> {
  readonly definition: RegionDefinition
  readonly #log: SimulatedLog
  readonly #rows = new Map<string, Entry & { tenant: string }>()
  #version = 0

  constructor(log: SimulatedLog, tenancy: RegionDefinition['tenancy'] = 'SHARED') {
    this.#log = log
    this.definition = {
      name: 'airports',
      columns: [{ name: 'iata', type: 'String', nullable: false }, { name: 'country', type: 'String', nullable: true }, { name: 'elevation', type: 'Decimal', nullable: true }],
      key: ['iata'], indexes: [], atomicity: 'ATOMIC', expiry: {}, maxEntries: 1_000, durable: true, tenancy,
    }
  }

  /** One transaction; a row of null removes. */
  commit(tenant: string, rows: Readonly<Record<string, Row | null>>, gone: 'REMOVED' | 'EXPIRED' = 'REMOVED'): void {
    const owner = this.definition.tenancy === 'SHARED' ? '' : tenant
    this.#log.commit(
      Object.entries(rows).map(([key, after]): Change => {
        const before = this.#rows.get(`${owner}/${key}`)?.row ?? null
        this.#version += 1
        if (after) this.#rows.set(`${owner}/${key}`, { key: keyOf(['iata'], after), row: after, version: this.#version, writtenAtMs: 500, tenant: owner })
        else this.#rows.delete(`${owner}/${key}`)
        return { region: this.definition.name, tenant: owner, key, type: after ? (before ? 'UPDATED' : 'CREATED') : gone, before, after, version: this.#version }
      }),
    )
  }

  /** One durable transaction. */
  put(tenant: string, iata: string, country: string | null): void {
    this.commit(tenant, { [iata]: { iata, country } })
    this.flush()
  }

  flush(): void {
    this.#log.sync()
    this.#log.announce()
  }

  async snapshot(scope: Scope, filter?: Filter): Promise<Snapshot> {
    const test = matcher(filter ?? { and: [] }, this.definition.columns)
    const owner = this.definition.tenancy === 'SHARED' ? '' : scope.tenant
    return { entries: [...this.#rows.values()].filter(entry => entry.tenant === owner && test(entry.row)), offset: this.#log.end }
  }
}
