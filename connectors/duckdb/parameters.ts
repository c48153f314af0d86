import { BIGINT, BOOLEAN, DOUBLE, type DuckDBType, type DuckDBValue, HUGEINT, INTEGER, VARCHAR } from '@duckdb/node-api'
import { HubError } from '../../schema/errors.ts'
import type { Value } from '../../schema/values.ts'
import type { Statement } from '../ports/sql-engine.ts'
import type { Host } from './dialect/environment.ts'

interface Binding {
  readonly name: string
  readonly sql: string
  readonly type: DuckDBType
  readonly value: DuckDBValue
}

const int32 = (value: number) => value === (value | 0)
const int64 = (value: bigint) => BigInt.asIntN(64, value) === value

/** The statement's parameters as DuckDB binds them: `$p1`, or `$p1_0`, `$p1_1`, … for a list. */
export class Parameters {
  readonly #bindings: readonly (Binding | readonly Binding[])[]
  readonly #given: readonly (Value | readonly Value[])[]

  /** A wrong count → VALIDATION_ERROR. */
  constructor(statement: Statement, expected: number) {
    this.#given = statement.params ?? []
    if (this.#given.length !== expected) {
      throw new HubError('VALIDATION_ERROR', `The statement has ${expected} parameter${expected === 1 ? '' : 's'} (?), but ${this.#given.length} ${this.#given.length === 1 ? 'value was' : 'values were'} given.`, { expected, found: this.#given.length })
    }
    this.#bindings = this.#given.map((value, index) => (Array.isArray(value) ? value.map((item, place) => bind(item, `p${index + 1}_${place}`)) : bind(value as Value, `p${index + 1}`)))
  }

  /** Equal for statements whose translation is equal, whatever the values. */
  get shape(): string {
    return this.#bindings.map(one => (Array.isArray(one) ? `[${one.map(item => item.sql).join()}]` : (one as Binding).sql)).join()
  }

  readonly print: Host['parameter'] = index => {
    const one = this.#bindings[index - 1]
    if (one === undefined) throw new RangeError(`There is no parameter ${index}.`)
    return Array.isArray(one) ? one.map(item => item.sql) : (one as Binding).sql
  }

  /** The value given for the parameter of this index, from 1. */
  given(index: number): Value | readonly Value[] {
    return this.#given[index - 1] ?? null
  }

  /** Values and types by name, those the text mentions. */
  bound(sql: string): { readonly values: Record<string, DuckDBValue>; readonly types: Record<string, DuckDBType> } {
    const used = new Set([...sql.matchAll(/\$(p\d+(?:_\d+)?)\b/g)].map(match => match[1]))
    const flat = this.#bindings.flat().filter(({ name, value }) => value !== null && used.has(name))
    return { values: Object.fromEntries(flat.map(({ name, value }) => [name, value])), types: Object.fromEntries(flat.map(({ name, type }) => [name, type])) }
  }
}

function bind(value: Value, name: string): Binding {
  const as = (type: DuckDBType, bound: DuckDBValue, cast = String(type)): Binding => ({ name, sql: `CAST($${name} AS ${cast})`, type, value: bound })
  if (value === null) return { name, sql: 'NULL', type: VARCHAR, value: null }
  switch (typeof value) {
    case 'boolean':
      return as(BOOLEAN, value)
    case 'bigint':
      return int64(value) ? as(BIGINT, value) : as(HUGEINT, value)
    case 'number':
      return int32(value) ? as(INTEGER, value) : Number.isSafeInteger(value) ? as(BIGINT, BigInt(value)) : as(DOUBLE, value)
    case 'string':
      return as(VARCHAR, value)
    default:
      return as(VARCHAR, JSON.stringify(value), 'JSON')
  }
}
