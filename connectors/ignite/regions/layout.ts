import { HubError, type Problem } from '../../../schema/errors.ts'
import { type Column, toLong, type Row, type Value } from '../../../schema/values.ts'
import { keyOf, type RegionDefinition } from '../../ports/region-store.ts'
import type { Hidden, Kept } from '../../regions/kept.ts'
import { type KeyCodec, keysOf, rowsOf, valuesOf } from '../binary/codec.ts'
import { BinaryType } from '../binary/type.ts'
import { fieldOf } from '../columns.ts'
import type { CacheConfiguration, CacheField } from '../configuration.ts'

/** Where a region's entries are at this moment. */
export interface Place {
  readonly cache: string
  /** In schema PUBLIC. */
  readonly table: string
  /** Of the cache: an ATOMIC region with unique indexes is kept in a TRANSACTIONAL one. */
  readonly atomicity: RegionDefinition['atomicity']
  /** The cache with the holders of unique values; absent where none are kept. */
  readonly holders?: string
}

const hidden = [
  { name: '_VERSION', property: '_version', type: 'long' },
  { name: '_WRITTEN_AT', property: '_written_at', type: 'long' },
  { name: '_CREATED_AT', property: '_created_at', type: 'long' },
  { name: '_FILLED', property: '_filled', type: 'boolean' },
] as const satisfies readonly CacheField[]

const tenantField = { name: '_TENANT', property: '_tenant', type: 'string' } as const satisfies CacheField

const taken: ReadonlySet<string> = new Set([...hidden.map(({ name }) => name), tenantField.name, '_KEY', '_VAL', '_VER'])
/** Types whose canonical text is not the value on the wire, or whose Java values are not equal when their bytes are: they name entries inside a composite key. */
const wrapped: ReadonlySet<string> = new Set(['DateTime', 'LocalDateTime', 'Decimal', 'Bytes'])

/** Fails with VALIDATION_ERROR listing the columns that cannot be columns of a table of ours. */
export function checkColumns({ name, columns }: RegionDefinition): void {
  const problems: Problem[] = []
  const seen = new Map<string, string>()
  for (const [index, column] of columns.entries()) {
    const upper = column.name.toUpperCase()
    const other = seen.get(upper)
    if (taken.has(upper)) problems.push({ path: `columns[${index}]`, message: `"${column.name}" is a column Ignite or the region keeps for itself.` })
    else if (other !== undefined) problems.push({ path: `columns[${index}]`, message: `"${column.name}" and "${other}" are one column in Ignite, where letter case makes no difference.` })
    seen.set(upper, column.name)
  }
  if (problems.length === 0) return
  throw new HubError('VALIDATION_ERROR', `Region "${name}" cannot be defined. ${problems.map(problem => `${problem.path}: ${problem.message}`).join(' ')} Give the column another name.`, { problems })
}

/** How the entries of one definition lie in one cache. Several key columns, or a tenant in front, make a composite key. */
export class Layout {
  readonly definition: RegionDefinition
  readonly configuration: CacheConfiguration
  readonly keys: KeyCodec<Value> | KeyCodec<Row>
  readonly type: BinaryType
  readonly tenanted: boolean
  readonly #keyColumns: readonly Column[]
  readonly #only: string | undefined

  constructor(definition: RegionDefinition, { cache, table, atomicity }: Place) {
    const { columns, key, indexes, placement = { mode: 'PARTITIONED', backups: 1 } } = definition
    this.definition = definition
    this.tenanted = definition.tenancy === 'TENANT'
    this.#keyColumns = key.flatMap(name => columns.find(column => column.name === name) ?? [])
    const [first] = this.#keyColumns
    this.#only = !this.tenanted && key.length === 1 && first && !wrapped.has(first.type) ? first.name : undefined
    const keyFields = [...(this.tenanted ? [tenantField] : []), ...this.#keyColumns.map(fieldOf)]
    const fields = [...hidden, ...columns.filter(column => !key.includes(column.name)).map(fieldOf)]
    const keyType = this.#only === undefined ? `${cache}_key` : undefined
    const affinityField = keyType !== undefined && placement.affinity !== undefined && key.includes(placement.affinity) ? placement.affinity.toUpperCase() : undefined
    // The cluster finds entries by a composite key as a whole only, SQL by its columns only with an index.
    const lists = [...(keyType === undefined || isAmong(key, indexes) ? [] : [key]), ...indexes, ['_VERSION']].map(list => list.map(name => name.toUpperCase()))
    this.configuration = {
      name: cache, table, mode: placement.mode, atomicity, backups: placement.mode === 'REPLICATED' ? 0 : placement.backups,
      key: keyFields, ...(keyType !== undefined && { keyType }), ...(affinityField !== undefined && { affinityField }), valueType: `${cache}_row`, fields,
      indexes: lists.map(list => ({ name: indexName(table, list), fields: this.tenanted && list[0] !== '_VERSION' ? [tenantField.name, ...list] : list })),
    }
    this.type = new BinaryType(this.configuration.valueType, fields)
    this.keys = this.#only !== undefined ? valuesOf(keyFields[0]!.type) : keysOf(new BinaryType(keyType ?? '', keyFields, affinityField))
  }

  get values() {
    return rowsOf(this.type)
  }

  /** The cache's key for an entry's key as text; undefined where no row can have it. */
  wireKey(tenant: string, key: string): Row | Value | undefined {
    const texts = this.#texts(key)
    if (!texts) return undefined
    const row: Record<string, Value> = {}
    for (const [index, { name, type }] of this.#keyColumns.entries()) {
      const value = fromText(type, texts[index] ?? '')
      if (value === undefined) return undefined
      row[name] = value
    }
    if (keyOf(this.definition.key, row) !== key) return undefined
    return this.#only === undefined ? { ...(this.tenanted && { [tenantField.property]: tenant }), ...row } : row[this.#only]
  }

  /** The cache's key of a row. */
  keyOfRow(tenant: string, row: Row): Row | Value {
    if (this.#only !== undefined) return row[this.#only] ?? null
    const key: Record<string, Value> = this.tenanted ? { [tenantField.property]: tenant } : {}
    for (const { name } of this.#keyColumns) key[name] = row[name] ?? null
    return key
  }

  /** The cache's value of a row. */
  valueOf(row: Row, { version, writtenAtMs, createdAtMs, filled }: Hidden): Row {
    return { ...row, _version: version, _written_at: writtenAtMs, _created_at: createdAtMs, _filled: filled }
  }

  kept(wire: Row | Value, value: Row): Kept {
    const key: Row = this.#only === undefined ? (wire as Row) : { [this.#only]: wire as Value }
    const row: Record<string, Value> = {}
    for (const { name } of this.definition.columns) row[name] = frozen(key[name] ?? value[name] ?? null)
    return {
      tenant: this.tenanted ? String(key[tenantField.property]) : '', key: keyOf(this.definition.key, row), row: Object.freeze(row),
      version: Number(value['_version'] ?? 0), writtenAtMs: Number(value['_written_at'] ?? 0), createdAtMs: Number(value['_created_at'] ?? 0), filled: value['_filled'] === true,
    }
  }

  #texts(key: string): readonly string[] | undefined {
    if (this.#keyColumns.length === 1) return [key]
    try {
      const texts: unknown = JSON.parse(key)
      return Array.isArray(texts) && texts.length === this.#keyColumns.length && texts.every(text => typeof text === 'string') ? texts : undefined
    } catch {
      // Not the text of any key of these columns.
      return undefined
    }
  }
}

function isAmong(list: readonly string[], lists: readonly (readonly string[])[]): boolean {
  return lists.some(other => JSON.stringify(other) === JSON.stringify(list))
}

/** One name for one list of columns, so that a definition that comes again finds its indexes. */
export function indexName(table: string, columns: readonly string[]): string {
  return `${table}__${columns.join('__')}`
}

function fromText(type: Column['type'], text: string): Value | undefined {
  switch (type) {
    case 'Int':
    case 'Float':
      return text !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined
    case 'Long':
      return /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? toLong(BigInt(text)) : undefined
    case 'Boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined
    default:
      return text
  }
}

function frozen(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) frozen(part as Value)
  return Object.freeze(value)
}
