import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { MountedTable } from '../ports/sql-engine.ts'
import { type Position, sqlError } from './ast.ts'
import { baseTableNames, candidates, type SessionNames } from './tables.ts'

/** The tables of one mount, found by the names statements use. Immutable. */
export class Mounts {
  readonly tables: readonly MountedTable[]
  readonly #byName = new Map<string, MountedTable>()

  constructor(tables: readonly MountedTable[]) {
    this.tables = tables
    for (const table of tables) this.#byName.set(key(table.catalog, table.name), table)
  }

  /**
   * By `catalog.table`, `catalog.schema.table` or less, where the session says the rest. A name alone that the session does not complete is looked for in `hub`, then everywhere.
   * Letter case does not matter.
   */
  resolve(parts: readonly string[], session: SessionNames, position: Position | undefined): MountedTable {
    const found = this.#found(parts, session)
    const [only] = found
    if (found.length === 1 && only) return only
    const written = parts.join('.')
    if (found.length === 0) throw this.#unknown(written, session, position)
    throw sqlError(`Table "${written}" is ambiguous: write ${found.map(table => `${table.catalog}.${table.name}`).join(' or ')}`, position)
  }

  /** The tables a statement names, as `catalog.name`, each once; one that is not here as it is written. Errors are those of `parseTrino`. */
  named(sql: string, session: SessionNames = {}): readonly string[] {
    const names = baseTableNames(sql).map(parts => {
      const [only, ...others] = this.#found(parts, session)
      return only && others.length === 0 ? `${only.catalog}.${only.name}` : parts.join('.')
    })
    return [...new Set(names)]
  }

  /** The one table of the name, several where it is ambiguous, or none. */
  #found(parts: readonly string[], session: SessionNames): readonly MountedTable[] {
    for (const { catalog, name } of candidates(parts, session)) {
      const found = this.#byName.get(key(catalog, name))
      if (found) return [found]
    }
    const [first = '', ...rest] = parts
    return rest.length > 0 ? [] : this.tables.filter(table => table.name.toLowerCase() === first.toLowerCase())
  }

  #unknown(written: string, { catalog, schema }: SessionNames, position: Position | undefined) {
    const short = [...(catalog === undefined ? [] : schema === undefined ? [`${catalog}.`] : [`${catalog}.${schema}.`, `${catalog}.`]), 'hub.'].map(prefix => prefix.toLowerCase())
    const names = this.tables.flatMap(table => {
      const full = `${table.catalog}.${table.name}`
      return [full, ...short.filter(prefix => full.toLowerCase().startsWith(prefix)).map(prefix => full.slice(prefix.length))]
    })
    const error = sqlError(`There is no table "${written}".${didYouMean(written, new Set(names))}`, position)
    return new HubError(error.code, error.message, { ...error.details, table: written })
  }
}

function key(catalog: string, name: string): string {
  return `${catalog}\u0000${name}`.toLowerCase()
}
