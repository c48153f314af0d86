import type { RelationInput } from './catalog-input.ts'
import { camelCase, lowerFirst, upperFirst } from './names.ts'
import type { ProposedRegion } from './propose.ts'
import type { ColumnType } from './values.ts'

export interface ProposedRelations {
  readonly relations: RelationInput[]
  /** By region: columns others are found by. */
  readonly indexes: ReadonlyMap<string, readonly string[]>
  readonly leftOut: readonly { readonly table: string; readonly reason: string }[]
}

/** Foreign keys of one column between the regions, each with a field in either direction whose name is free on its type. */
export function proposeRelations(regions: readonly ProposedRegion[]): ProposedRelations {
  const byTable = new Map(regions.map(region => [region.table.name, region]))
  const used = new Map(regions.map(region => [region.type, new Set(['and', 'or', 'not', ...region.fields.values()])]))
  const indexes = new Map<string, string[]>()
  const leftOut: { table: string; reason: string }[] = []
  const relations: RelationInput[] = []
  const free = (type: string, ...wanted: readonly string[]): string => {
    const names = used.get(type) ?? new Set()
    const base = wanted.at(-1) ?? 'related'
    let name = wanted.find(one => !names.has(one)) ?? base
    for (let count = 2; names.has(name); count++) name = `${base}${count}`
    names.add(name)
    return name
  }

  for (const from of regions) {
    for (const { columns, table, references } of from.table.foreignKeys) {
      const to = byTable.get(table)
      const [column, reference] = [columns[0], references[0]]
      const reason = !to ? `table "${table}" is not in the graph` : columns.length > 1 ? 'it has several columns' : undefined
      if (reason !== undefined || !to || column === undefined || reference === undefined) {
        leftOut.push({ table: from.table.name, reason: `Its foreign key (${columns.join(', ')}) to "${table}" is no relation: ${reason ?? 'its columns are not known'}.` })
        continue
      }
      if (!comparable(typeOf(from, column), typeOf(to, reference))) {
        leftOut.push({ table: from.table.name, reason: `Its foreign key (${column}) to "${table}" is no relation: the columns have different types.` })
        continue
      }
      const as = free(from.type, ...forwardNames(column, to.type))
      const sole = from.key.length === 1 && from.key[0] === column
      const back = sole ? lowerFirst(from.type) : fieldName(camelCase(from.name), from.type)
      const inverse = free(to.type, back, `${back}As${upperFirst(as)}`)
      relations.push({ from: end(from, column), to: end(to, reference), as, inverse })
      index(from, column)
      index(to, reference)
    }
  }
  return { relations, indexes, leftOut }

  function index({ name, key }: ProposedRegion, column: string): void {
    const columns = indexes.get(name) ?? []
    if (!(key.length === 1 && key[0] === column) && !columns.includes(column)) indexes.set(name, [...columns, column])
  }
}

/** `customer_id` → `customer`; a column without such an ending is called after the type it leads to. */
function forwardNames(column: string, type: string): string[] {
  const stem = camelCase(column.replace(/[_-]?(id|code|key|no|fk|ref)$/i, ''))
  const target = lowerFirst(type)
  return [...(/^[a-z]\w*$/.test(stem) ? [stem] : []), target, ...(/^[a-z]\w*$/.test(stem) ? [`${stem}${type}`] : []), `${target}Ref`]
}

function fieldName(wanted: string, type: string): string {
  return /^[a-z]\w*$/.test(wanted) ? wanted : lowerFirst(type)
}

/** By the column, or where its name holds a blank or a dot by its field. */
function end({ type, fields }: ProposedRegion, column: string): string {
  return `${type}.${/^[^.\s]+$/.test(column) ? column : fields.get(column) ?? column}`
}

function typeOf({ table }: ProposedRegion, column: string): ColumnType | undefined {
  return table.columns.find(({ name }) => name === column)?.type
}

const numbers: readonly (ColumnType | undefined)[] = ['Int', 'Long', 'Float', 'Decimal']

function comparable(a: ColumnType | undefined, b: ColumnType | undefined): boolean {
  return a !== undefined && a !== 'JSON' && (a === b || (numbers.includes(a) && numbers.includes(b)))
}
