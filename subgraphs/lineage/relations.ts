import type { TableName } from '../../schema/lineage.ts'
import { inputsOf } from './expressions.ts'
import { Inputs, type Output } from './inputs.ts'
import { newScope, noteInfluence, renamed, same, union, type Answer, type Findings, type Relation, type Scope } from './scope.ts'
import { bodyOf, child, children, identifier, identifiers, isNode, kindOf, type Node } from './syntax.ts'

/** Puts the relations of a FROM clause and its joins into the scope, in the order written, and notes what they are joined by. */
export function addRelations(from: readonly Node[], joins: readonly Node[], scope: Scope, findings: Findings): void {
  for (const item of from) addRelation(item, scope, findings)
  for (const join of joins) addJoin(join, scope, findings)
}

function addJoin(join: Node, scope: Scope, findings: Findings): void {
  const item = child(join, 'this')
  if (!item) return
  const before = scope.relations.length
  addRelation(item, scope, findings)

  const left = scope.relations.slice(0, before)
  const right = scope.relations.slice(before)
  const shared = String(join.kind).startsWith('Natural') ? commonNames(scope, left, right) : identifiers(join, 'using')
  for (const name of shared) merge(name, left, right, scope, findings)

  const condition = child(join, 'on')
  if (condition) noteInfluence(findings, inputsOf(condition, scope, findings), 'JOIN')
}

function commonNames(scope: Scope, left: readonly Relation[], right: readonly Relation[]): readonly string[] {
  const rightNames = right.flatMap(({ outputs }) => outputs.map(({ name }) => name))
  const leftNames = [...scope.merged.values(), ...left.flatMap(({ outputs }) => outputs)].map(({ name }) => name)
  return [...new Set(leftNames)].filter(name => rightNames.some(other => same(name, other)))
}

/** Makes the column both sides have one, as `coalesce` of them. */
function merge(name: string, left: readonly Relation[], right: readonly Relation[], scope: Scope, findings: Findings): void {
  const key = name.toLowerCase()
  const sides = [scope.merged.get(key) ?? columnOf(left, name), columnOf(right, name)]
  if (sides.includes(undefined)) findings.unresolved.add(name)

  const known = sides.filter(side => side !== undefined)
  noteInfluence(findings, union(known.map(({ inputs }) => inputs)), 'JOIN')
  scope.merged.set(key, { name: known[0]?.name ?? name, inputs: union(known.map(({ inputs }) => inputs), 'EXPRESSION') })
}

function columnOf(relations: readonly Relation[], name: string): Output | undefined {
  return relations.flatMap(({ outputs }) => outputs).find(output => same(output.name, name))
}

const queryKinds = new Set(['subquery', 'select', 'union', 'intersect', 'except', 'values'])
const wrapperKinds = new Set(['alias', 'paren', 'lateral'])

interface Alias {
  readonly name?: string
  readonly columns: readonly string[]
}

function addRelation(item: Node, scope: Scope, findings: Findings, given: Alias = { columns: [] }): void {
  const body = bodyOf(item)
  const own: Alias = { name: identifier(body.alias) ?? given.name, columns: identifiers(body, 'column_aliases') }
  const alias: Alias = { name: own.name, columns: own.columns.length > 0 ? own.columns : given.columns }
  const add = ({ outputs, open }: Answer, id = alias.name ?? '', name: TableName = alias.name === undefined ? [] : [alias.name]) =>
    scope.relations.push({ id, name, outputs: renamed(outputs, alias.columns), open })

  const inner = child(body, 'this')
  const kind = kindOf(item)
  if (kind === 'table' && children(body, 'pivots').length === 0) {
    const name = tableName(body)
    const qualifier = alias.name === undefined ? name : [alias.name]
    const cte = name.length === 1 ? scope.ctes.get(name[0]?.toLowerCase() ?? '') : undefined
    if (cte) add(cte, name[0], qualifier)
    else {
      const { id, answer } = readTable(name, findings)
      add(answer, id, qualifier)
    }
  } else if (queryKinds.has(kind)) add(findings.query(item, body.lateral === true ? scope : newScope(scope.ctes, scope.outer)))
  else if (kind === 'unnest') add({ outputs: unnested(body, alias, scope, findings) })
  else if (wrapperKinds.has(kind) && inner) addRelation(inner, scope, findings, alias)
  else if (kind === 'joined_table') addRelations([child(body, 'left')].filter(isNode), children(body, 'joins'), scope, findings)
  else addUnknown(item, scope, findings, alias)
}

/** The parts of a table's name as written; empty where the node names none. */
function tableName(table: Node): readonly string[] {
  return [table.catalog, table.schema, table.name].map(identifier).filter(part => part !== undefined)
}

function readTable(name: readonly string[], findings: Findings): { id: string; answer: Answer } {
  const { id, columns } = findings.findTable(name)
  findings.tables.add(id)
  const outputs = (columns ?? []).map(column => ({ name: column, inputs: Inputs.of(id, column) }))
  return { id, answer: columns ? { outputs } : { outputs, open: id } }
}

/** One column per array, and one for the ordinality; a lone array may spread over several, as a map over two. */
function unnested(body: Node, alias: Alias, scope: Scope, findings: Findings): readonly Output[] {
  const arrays = [child(body, 'this'), ...children(body, 'expressions')].filter(array => array !== undefined)
  const inputs = arrays.map(array => union([inputsOf(array, scope, findings)], 'EXPRESSION'))
  const names = body.with_ordinality === true ? alias.columns.slice(0, -1) : alias.columns
  const columns = names.map((name, index) => ({ name, inputs: names.length === inputs.length ? (inputs[index] ?? new Inputs()) : union(inputs) }))
  const ordinality = body.with_ordinality === true ? alias.columns.at(-1) : undefined
  return ordinality === undefined ? columns : [...columns, { name: ordinality, inputs: new Inputs() }]
}

/** A construct whose columns are not followed, as MATCH_RECOGNIZE or PIVOT: the tables in it are read, what it answers is unknown. */
function addUnknown(item: Node, scope: Scope, findings: Findings, alias: Alias): void {
  const left: unknown[] = [item]
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (Array.isArray(value)) left.push(...value)
    if (!isNode(value)) continue
    const table = Object.keys(value).length === 1 ? child(value, 'table') : undefined
    const name = table ? tableName(table) : []
    if (name.length > 0) readTable(name, findings)
    left.push(...Object.values(value))
  }
  const id = alias.name ?? kindOf(item)
  scope.relations.push({ id, name: [id], outputs: [], open: id })
}
