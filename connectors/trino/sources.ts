import type { Source } from '../../schema/catalog.ts'
import { HubError } from '../../schema/errors.ts'
import type { Scope } from '../ports/scope.ts'
import type { SourceConnector, SourceTable } from '../ports/source-connector.ts'
import type { MountedTable } from '../ports/sql-engine.ts'
import type { TrinoCatalogs } from './catalogs.ts'
import { TrinoFailure } from './client.ts'
import { readings, type TrinoColumns } from './readings.ts'
import type { TrinoName } from './rewrite.ts'
import { type CatalogDefinition, type Habits, habitsOf, wayTo } from './ways.ts'

/** Where Trino has a source. */
interface Place {
  readonly source: string
  readonly catalog: string
  readonly schema: string
  /** Absent: somebody made the catalog. */
  readonly definition?: CatalogDefinition
  readonly habits: Habits
  /** By table, in lower case, as Trino told when it was last asked; undefined: it has not told yet. */
  tables: ReadonlyMap<string, TrinoColumns> | undefined
  askedAtMs: number
}

/** How long a Trino that did not answer is left alone. */
export const pauseMs = 5_000
/** How long it may take over a source; nobody waits for it longer. */
const askMs = 20_000

/** The declared sources as Trino has them: by a catalog that is made for each, or by the one it names. */
export class TrinoSources {
  readonly #catalogs: TrinoCatalogs
  readonly #places = new Map<SourceConnector, Place>()
  /** Tables the embedded engine holds itself, by the name they have there. */
  readonly #held = new Map<string, { readonly place: Place; readonly table: string }>()

  constructor(catalogs: TrinoCatalogs) {
    this.#catalogs = catalogs
  }

  /** The connector, made to tell Trino of its tables whenever it is asked for them. A Trino that does not answer fails nothing: it is asked again when a statement wants the tables. */
  adopt(source: Source, connector: SourceConnector): SourceConnector {
    const way = wayTo(source)
    const tables = connector.tables.bind(connector)
    if (way.kind === 'none') {
      const { reason } = way
      if (reason === undefined) return connector
      let isTold = false
      return Object.assign(connector, {
        tables: (scope: Scope): Promise<readonly SourceTable[]> => {
          if (!isTold) scope.log.info(`Statements over source "${source.name}" run embedded: ${reason}. To read it through Trino make a catalog there and name it: trino: { catalog, schema }.`, { source: source.name })
          isTold = true
          return tables(scope)
        },
      })
    }
    const at = way.kind === 'named' ? way : { catalog: this.#catalogs.name(source.name, way.definition), schema: way.definition.schema, definition: way.definition }
    const place: Place = { ...at, source: source.name, habits: habitsOf(source), tables: undefined, askedAtMs: 0 }
    const close = connector.close.bind(connector)
    const look = connector.look?.bind(connector)
    const adopted: SourceConnector = Object.assign(connector, {
      tables: async (scope: Scope) => {
        const [found] = await Promise.all([tables(scope), this.#learn(scope, place)])
        this.#hold(place, found)
        return found
      },
      ...(look && {
        look: async (scope: Scope) => {
          const looked = await look(scope)
          this.#hold(place, looked.tables)
          return looked
        },
      }),
      close: async () => {
        this.#hold(place, [])
        this.#places.delete(connector)
        await close()
      },
    })
    this.#places.set(adopted, place)
    return adopted
  }

  /** Where Trino has the table, with every column of it and of the same type; undefined where it has not. */
  locate(mounted: MountedTable): TrinoName | undefined {
    const { place, table } = this.#at(mounted) ?? {}
    const found = place?.tables?.get(table?.toLowerCase() ?? '')
    if (!place || table === undefined || !found || (place.habits.isLowerCase && table !== table.toLowerCase())) return undefined
    const columns = readings(mounted.columns, new Map([...found, ...Object.entries(place.habits.hidden)]), place.habits.conversions)
    return columns && { catalog: place.catalog, schema: place.schema, table, columns }
  }

  /** Whether Trino has the table. Where Trino has not told of the source yet, it is asked behind the answer. */
  reads(scope: Scope, table: MountedTable): boolean {
    const place = this.#at(table)?.place
    if (place && !place.tables && scope.clock.now() - place.askedAtMs >= pauseMs) scope.later(() => this.#learn({ ...scope, signal: new AbortController().signal }, place))
    return this.locate(table) !== undefined
  }

  /** Trino has lost the catalog: what stood in it runs embedded until it is there again. */
  forget(catalog: string): void {
    for (const place of this.#places.values()) if (place.catalog === catalog) place.tables = undefined
  }

  #at({ from }: MountedTable): { readonly place: Place; readonly table: string } | undefined {
    if (from.kind === 'relation') return this.#held.get(from.relation)
    const place = from.kind === 'source' ? this.#places.get(from.source) : undefined
    return from.kind === 'source' && place ? { place, table: from.table } : undefined
  }

  #hold(place: Place, tables: readonly SourceTable[]): void {
    for (const [relation, held] of this.#held) if (held.place === place) this.#held.delete(relation)
    for (const { name, relation } of tables) if (relation !== undefined) this.#held.set(relation, { place, table: name })
  }

  async #learn(scope: Scope, place: Place): Promise<void> {
    const { source, definition, catalog, schema, habits } = place
    place.askedAtMs = scope.clock.now()
    const reason = await hindered(scope, async limited => {
      if (definition) await this.#catalogs.make(limited, catalog, definition)
      const [tables, otherwise = new Set<string>()] = await Promise.all([this.#catalogs.tables(limited, catalog, schema), habits.otherwise?.(limited)])
      for (const table of otherwise) tables.delete(table)
      place.tables = tables
    })
    if (reason !== undefined) scope.log.warn(`Trino does not know the tables of source "${source}"; statements over them run embedded.`, { source, reason })
  }
}

/** Does what Trino is asked beside statements; answers why it was not done, undefined where it was. Never with Trino's own text, which may hold what a system is opened with. */
export async function hindered(scope: Scope, work: (scope: Scope) => Promise<void>): Promise<string | undefined> {
  const signal = AbortSignal.any([scope.signal, AbortSignal.timeout(askMs)])
  try {
    await work({ ...scope, signal })
    return undefined
  } catch (error) {
    scope.signal.throwIfAborted()
    if (signal.aborted) return `It took longer than ${askMs} ms.`
    if (error instanceof TrinoFailure) return error.error.errorName
    if (error instanceof HubError) return error.message
    throw error
  }
}
