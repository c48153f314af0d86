import type { Scope } from '../../connectors/ports/scope.ts'
import type { LookupRequest, ScanRequest, SourceConnector, SourceTable } from '../../connectors/ports/source-connector.ts'
import type { MountedTable } from '../../connectors/ports/sql-engine.ts'
import { matcher } from '../../schema/filter.ts'
import type { Column, ColumnType, Row } from '../../schema/values.ts'


export const column = (name: string, type: ColumnType): Column => ({ name, type, nullable: true })

/** A source whose rows are given; it keeps what it was asked for. */
export class GivenSource implements SourceConnector {
  readonly name: string
  readonly type = 'given'
  readonly asked: ScanRequest[] = []
  /** Scans that ended or were ended. */
  ended = 0
  readonly #tables: Readonly<Record<string, { readonly columns: readonly Column[]; readonly rows: readonly Row[] }>>
  readonly #batch: number

  constructor(name: string, tables: Readonly<Record<string, { readonly columns: readonly Column[]; readonly rows: readonly Row[] }>>, batch = 2) {
    this.name = name
    this.#tables = tables
    this.#batch = batch
  }

  async tables(): Promise<readonly SourceTable[]> {
    return Object.entries(this.#tables).map(([name, { columns }]) => ({ name, columns, key: [], foreignKeys: [], quarantine: { count: 0, samples: [] } }))
  }

  async *scan(_scope: Scope, request: ScanRequest): AsyncIterable<readonly Row[]> {
    this.asked.push(request)
    try {
      const { columns = [], rows = [] } = this.#tables[request.table] ?? {}
      const passes = request.filter ? matcher(request.filter, columns) : () => true
      const wanted = request.columns ?? columns.map(({ name }) => name)
      const found = rows.filter(passes).slice(0, request.limit).map(row => Object.fromEntries(wanted.map(name => [name, row[name] ?? null])))
      for (let start = 0; start < found.length; start += this.#batch) yield found.slice(start, start + this.#batch)
    } finally {
      this.ended += 1
    }
  }

  async lookup(_scope: Scope, _request: LookupRequest): Promise<readonly Row[]> {
    throw new Error('The SQL engine reads by scan.')
  }

  async close(): Promise<void> {}

  /** The tables as an engine mounts them. */
  mounted(): MountedTable[] {
    return Object.entries(this.#tables).map(([name, { columns }]) => ({ catalog: this.name, name, columns, from: { kind: 'source', source: this, table: name } }))
  }
}

/** A table of the hub whose rows the process holds, for each tenant its own. */
export function liveTable(name: string, columns: readonly Column[], rows: (tenant: string) => Iterable<Row>): MountedTable {
  return { catalog: 'hub', name, columns, from: { kind: 'live', rows } }
}

export function viewTable(name: string, columns: readonly Column[], sql: string): MountedTable {
  return { catalog: 'hub', name, columns, from: { kind: 'view', sql } }
}

export const airportColumns = [column('iata', 'String'), column('name', 'String'), column('country', 'String'), column('altitude_ft', 'Int')]
export const airportRows: readonly Row[] = [
  { iata: 'CDG', name: 'Charles de Gaulle', country: 'France', altitude_ft: 392 },
  { iata: 'DEN', name: 'Denver', country: 'United States', altitude_ft: 5431 },
  { iata: 'JFK', name: 'John F. Kennedy', country: 'United States', altitude_ft: 13 },
  { iata: 'NCE', name: "Nice Côte d'Azur", country: 'France', altitude_ft: 12 },
  { iata: 'XXX', name: 'Unknown field', country: null, altitude_ft: null },
]
export const flightColumns = [
  column('id', 'Long'), column('origin', 'String'), column('destination', 'String'), column('day', 'Date'), column('fare', 'Decimal'), column('delay', 'Float'),
]
export const flightRows: readonly Row[] = [
  { id: 1, origin: 'CDG', destination: 'JFK', day: '2024-01-01', fare: '120.50', delay: 5.5 },
  { id: 2, origin: 'CDG', destination: 'NCE', day: '2024-01-01', fare: '60', delay: null },
  { id: 3, origin: 'JFK', destination: 'CDG', day: '2024-02-10', fare: '99.999', delay: -3 },
  { id: 9007199254740993n, origin: 'DEN', destination: 'JFK', day: '2024-03-05', fare: null, delay: 0 },
]

/** One row with a value of every type, in canonical form. */
export const everyType: { readonly columns: readonly Column[]; readonly row: Row } = {
  columns: [
    column('s', 'String'), column('i', 'Int'), column('l', 'Long'), column('f', 'Float'), column('n', 'Decimal'), column('b', 'Boolean'), column('d', 'Date'), column('t', 'Time'),
    column('at', 'DateTime'), column('local', 'LocalDateTime'), column('u', 'UUID'), column('x', 'Bytes'), column('j', 'JSON'),
  ],
  row: {
    s: 'ünï "☃" \'q\'', i: -2147483648, l: -9223372036854775808n, f: 0.1, n: '-12345678901234567890.125', b: true, d: '1969-12-31', t: '23:59:59.123456', at: '1969-12-31T23:59:59.5Z',
    local: '2024-02-29T12:00:00', u: '0f8fad5b-d9cb-469f-a165-70867728950e', x: 'AP9h', j: { a: [1, null, 'x'], b: { c: true } },
  },
}
