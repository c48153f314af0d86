import { HubError } from '../../schema/errors.ts'
import { openColumn, type EntityModel, type FieldModel, type Model } from '../../schema/model.ts'
import { didYouMean } from '../../schema/names.ts'
import type { ColumnType, Value } from '../../schema/values.ts'
import { keyOf, type Region, type RegionStore } from '../../connectors/ports/region-store.ts'
import type { RegionTransaction } from '../../connectors/ports/region-transaction.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { allRows, type SqlEngine, type Statement } from '../../connectors/ports/sql-engine.ts'
import type { Context } from '../../resolvers/context.ts'
import { mustHold } from '../../resolvers/guard.ts'
import { paramsWithin, type ClientParams } from '../../resolvers/statement.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { regionNamed, withinBatch, writable } from './entries.ts'
import { operationsOf, type OperationInput } from './transaction-operations.ts'
import { run } from './transactions.ts'

/** What a column is given: a parameter by its number from 0, a value as it was written, or what the engine must reckon. */
type Cell = { readonly parameter: number } | { readonly value: string | boolean | null; readonly isNumber?: boolean } | { readonly expression: Piece }

interface Piece {
  readonly text: string
  readonly parameters: readonly number[]
}

/** A statement that writes rows of one table. */
export type WriteStatement = { readonly table: { readonly catalog?: string; readonly name: string }; readonly parameters: number } & (
  | { readonly kind: 'INSERT'; readonly columns?: readonly string[]; readonly rows: readonly (readonly Cell[])[] }
  | { readonly kind: 'UPDATE'; readonly as?: string; readonly set: readonly { readonly column: string; readonly cell: Cell }[]; readonly where: Piece }
  | { readonly kind: 'DELETE'; readonly as?: string; readonly where: Piece }
)

export interface SqlWriteRoles {
  readonly model: Model
  readonly engine: SqlEngine
  readonly region: (name: string) => Region
  readonly transact: RegionStore['transact']
  readonly writeOf: (sql: string) => WriteStatement
}

const mostRows = 10_000
const timeoutMs = 30_000

/** `sqlExecute`: a statement that writes one region, as the operations of a transaction on the rows it is about. */
export function sqlWriteFields(roles: SqlWriteRoles): Subgraph['fields'] {
  return {
    Mutation: {
      sqlExecute: async (_: unknown, { statement, params }: { statement: string; params?: ClientParams }, { scope }: Context) => {
        mustHold(scope, 'cache:write')
        const write = roles.writeOf(statement)
        // Its WHERE may read whatever a query may.
        if (write.kind !== 'INSERT') mustHold(scope, 'query:run')
        const values = paramsWithin(params)
        if (values.length !== write.parameters) throw new HubError('VALIDATION_ERROR', `The statement has ${write.parameters} "?", and params has ${values.length} values. Give one each.`, { field: 'params' })
        const entity = entityOf(roles.model, write.table)
        const operations = operationsBy(roles, scope, entity, write, values)
        const affectedRows = await execute(roles, scope, entity, operations)
        if (affectedRows > 0) scope.session?.wrote(entity.name)
        return { region: entity.name, affectedRows }
      },
    },
  }
}

function entityOf(model: Model, { catalog = 'hub', name }: WriteStatement['table']): EntityModel {
  if (catalog.toLowerCase() !== 'hub') throw new HubError('FORBIDDEN', `"${catalog}.${name}" is a table of a source; sqlExecute writes regions that clients fill.`)
  const named = model.entities.find(entity => entity.name.toLowerCase() === name.toLowerCase())
  if (named?.kind === 'view') throw new HubError('FORBIDDEN', `"${named.name}" is a view; sqlExecute writes regions that clients fill.`)
  return writable(regionNamed(model, named?.name ?? name))
}

type Operations = () => Promise<readonly OperationInput[]>

/** In a TRANSACTIONAL region the rows are looked for again once the transaction has read them: what changes from then on is a conflict of the commit. */
async function execute({ model, region, transact }: SqlWriteRoles, scope: Scope, entity: EntityModel, operations: Operations): Promise<number> {
  const roles = { region }
  const stored = region(entity.name)
  if (stored.definition.atomicity === 'ATOMIC') {
    const direct: RegionTransaction = {
      id: '',
      getMany: (_, keys) => stored.getMany(scope, keys),
      putMany: async (_, rows) => { await stored.putMany(scope, rows) },
      removeMany: (_, keys) => stored.removeMany(scope, keys),
    }
    return affected(await run(roles, direct, operationsOf(model, await operations())))
  }
  const { result } = await transact(scope, { isolation: 'SERIALIZABLE', timeoutMs, label: scope.requestId }, async tx => {
    const seen = operationsOf(model, await operations())
    const keys = new Set(seen.map(operation => operation.key))
    await tx.getMany(stored.definition.name, [...keys].sort())
    const meant = operationsOf(model, await operations())
    if (meant.some(operation => !keys.has(operation.key))) throw new HubError('TX_CONFLICT', `Rows of region "${entity.name}" came to be meant by the statement while it ran. Run it again.`, { region: entity.name })
    return run(roles, tx, meant)
  })
  return affected(result)
}

function affected(results: Awaited<ReturnType<typeof run>>): number {
  return results.filter(({ op, found }) => op === 'INSERT' || found).length
}

type Params = readonly (Value | readonly Value[])[]

function operationsBy({ engine }: SqlWriteRoles, scope: Scope, entity: EntityModel, write: WriteStatement, params: Params): Operations {
  const region = entity.name
  if (write.kind === 'INSERT') {
    withinBatch('INSERT', write.rows.length)
    const members = write.columns?.map(column => memberOf(entity, column)) ?? entity.fields.map(field => ({ name: field.field, field }))
    const values = write.rows.map(row => Object.fromEntries(row.map((cell, index) => [members[index]?.name ?? `column ${index + 1}`, plain(cell, members[index]?.field, params)])))
    const keys = values.map(value => entity.fields.filter(field => entity.key.includes(field.name)).map(field => value[field.field]))
    if (new Set(keys.map(key => JSON.stringify(key))).size < keys.length) throw new HubError('CONFLICT', `The INSERT has two rows of one key of region "${region}". Give each once.`, { region })
    return async () => values.map(value => ({ region, op: 'INSERT', value }))
  }

  const set = write.kind === 'UPDATE' ? write.set.map(({ column, cell }) => ({ ...memberOf(entity, column), cell })) : []
  for (const { field } of set) {
    if (field && entity.key.includes(field.name)) throw new HubError('VALIDATION_ERROR', `Column "${field.name}" names the entry and does not change. DELETE this one and INSERT another.`, { field: 'statement' })
  }
  const twice = set.find(({ name }, index) => set.findIndex(other => other.name === name) < index)
  if (twice) throw new HubError('VALIDATION_ERROR', `Column "${twice.name}" is SET twice. Set it once.`, { field: 'statement' })
  const select = selectOf(entity, write, set, params)
  return async () => {
    const rows = await allRows(await engine.query(scope, select, { maxRows: mostRows + 1 }))
    if (rows.length > mostRows) throw new HubError('PAYLOAD_TOO_LARGE', `The ${write.kind} is of more than ${mostRows} rows of region "${region}", and takes so many at once. Narrow its WHERE.`, { region })
    return rows.map(row => {
      const key = keyOf(entity.key, row)
      if (write.kind === 'DELETE') return { region, op: 'DELETE', key }
      return { region, op: 'UPDATE', key, set: Object.fromEntries(set.map(({ name, field, cell }, index) => [name, 'expression' in cell ? row[reckoned(index)] : plain(cell, field, params)])) }
    })
  }
}

const reckoned = (index: number) => `$${index}`

/** The keys of the rows that are meant, and what SET reckons for each. */
function selectOf(entity: EntityModel, { as, where }: Exclude<WriteStatement, { kind: 'INSERT' }>, set: readonly { readonly field?: FieldModel; readonly cell: Cell }[], params: Params): Statement {
  const self = as ?? entity.name
  const keys = entity.key.map(column => `${quoted(self)}.${quoted(column)}`)
  const pieces = set.flatMap(({ field, cell }, index) => ('expression' in cell ? [{ sql: `${cast(cell.expression.text, field)} AS ${quoted(reckoned(index))}`, parameters: cell.expression.parameters }] : []))
  const marks = [...pieces.flatMap(piece => piece.parameters), ...where.parameters]
  return {
    sql: `SELECT ${[...keys, ...pieces.map(piece => piece.sql)].join(', ')} FROM hub.${quoted(entity.name)} AS ${quoted(self)} WHERE (${where.text})`,
    params: marks.map(index => params[index] ?? null),
  }
}

/** Of a decimal the engine's own digits are taken, and of the others that are not here its text. */
const sqlTypes: Readonly<Partial<Record<ColumnType, string>>> = {
  String: 'varchar', Int: 'integer', Long: 'bigint', Float: 'double', Boolean: 'boolean', Date: 'date', DateTime: 'timestamp(6) with time zone', LocalDateTime: 'timestamp(6)', UUID: 'uuid',
}

function cast(expression: string, field: FieldModel | undefined): string {
  const type = field && sqlTypes[field.type]
  return type === undefined ? `(${expression})` : `CAST((${expression}) AS ${type})`
}

/** A column by its name, in any letter case, as the graph calls it; in an open region also a member of what it holds. */
function memberOf(entity: EntityModel, column: string): { readonly name: string; readonly field?: FieldModel } {
  const field = entity.fields.find(one => one.name.toLowerCase() === column.toLowerCase())
  if (field) return { name: field.field, field }
  if (openColumn(entity)) return { name: column }
  throw new HubError('VALIDATION_ERROR', `Region "${entity.name}" has no column "${column}".${didYouMean(column, entity.fields.map(one => one.name))}`, { field: 'statement' })
}

const exact = new Set<ColumnType>(['Long', 'Decimal', 'String'])

function plain(cell: Cell, field: FieldModel | undefined, params: Params): unknown {
  if ('parameter' in cell) return params[cell.parameter] ?? null
  if ('expression' in cell) throw new RangeError('An expression is reckoned by the engine.')
  return cell.isNumber && !(field && exact.has(field.type)) ? Number(cell.value) : cell.value
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
