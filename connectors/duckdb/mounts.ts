import { didYouMean } from '../../schema/names.ts'
import type { MountedTable } from '../ports/sql-engine.ts'
import { type Position, sqlError } from './dialect/ast.ts'

/** The tables of one mount, found by the names statements use. Immutable. */
export class Mounts {
  readonly tables: readonly MountedTable[]
  readonly #byName = new Map<string, MountedTable>()

  constructor(tables: readonly MountedTable[]) {
    this.tables = tables
    for (const table of tables) this.#byName.set(key(table.catalog, table.name), table)
  }

  /** By `catalog.table`, `catalog.schema.table` or the name alone, which is first looked for in `hub`. Letter case does not matter. */
  resolve(parts: readonly string[], position: Position | undefined): MountedTable {
    const [first = '', ...rest] = parts
    const written = parts.join('.')
    if (rest.length > 0) {
      const found = this.#byName.get(key(first, rest.join('.')))
      if (found) return found
      throw this.#unknown(written, position)
    }
    const own = this.#byName.get(key('hub', first))
    if (own) return own
    const others = this.tables.filter(table => table.name.toLowerCase() === first.toLowerCase())
    if (others.length === 1 && others[0]) return others[0]
    if (others.length === 0) throw this.#unknown(written, position)
    throw sqlError(`Table "${written}" is ambiguous: write ${others.map(table => `${table.catalog}.${table.name}`).join(' or ')}`, position)
  }

  #unknown(written: string, position: Position | undefined) {
    const names = this.tables.flatMap(table => [`${table.catalog}.${table.name}`, ...(table.catalog === 'hub' ? [table.name] : [])])
    return sqlError(`There is no table "${written}".${didYouMean(written, names)}`, position)
  }
}

function key(catalog: string, name: string): string {
  return `${catalog}\u0000${name}`.toLowerCase()
}
