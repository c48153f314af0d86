import { HubError } from '../../schema/errors.ts'
import type { Derivation, FindTable, Influence, StatementDialect, StatementLineage } from '../../schema/lineage.ts'
import { inputsOf, outputName } from './expressions.ts'
import { Inputs, type Output } from './inputs.ts'
import { addRelations } from './relations.ts'
import { newScope, noteInfluence, renamed, union, type Answer, type Findings, type Scope } from './scope.ts'
import { bodyOf, child, children, identifier, identifiers, isNode, kindOf, parseQuery, type Node } from './syntax.ts'

/** Most columns that all queries inside a statement may answer together: stars over stars grow by powers. */
const maxColumns = 20_000

/**
 * Column lineage of one query from its text alone: stars are expanded, columns followed through named and inner queries, joins, set
 * operations and aggregates to the tables the text names. Columns without origin are listed, not refused; errors as `parseQuery`. Costs one parse and one walk.
 */
export function analyse(sql: string, findTable: FindTable, dialect: StatementDialect = 'trino'): StatementLineage {
  let answered = 0
  const findings: Findings = {
    findTable,
    tables: new Set(),
    influences: new Map(),
    unresolved: new Set(),
    query: (node, around) => answer(node, around, findings),
    spend(columns) {
      answered += columns
      if (answered > maxColumns) throw new HubError('QUERY_TOO_COMPLEX', `The queries inside the statement answer more than ${maxColumns} columns. Name the ones needed instead of "*".`, { limit: maxColumns })
    },
  }
  const { outputs, open } = answer(parseQuery(sql, dialect), newScope(new Map()), findings)
  const columns = outputs.map(({ name, inputs }) => ({ output: name, inputs: inputs.list }))
  return {
    inputs: [...findings.tables],
    columns: open === undefined ? columns : [...columns, { output: '*', inputs: [] }],
    influences: [...findings.influences.values()],
    unresolved: [...findings.unresolved],
  }
}

function answer(node: Node, around: Scope, findings: Findings): Answer {
  const body = bodyOf(node)
  findings.spend(1)
  switch (kindOf(node)) {
    case 'subquery':
    case 'paren': {
      const inner = child(body, 'this')
      return inner ? answer(inner, withQueries(body, around, findings), findings) : { outputs: [] }
    }
    case 'select':
      return select(body, withQueries(body, around, findings), findings)
    case 'union':
    case 'intersect':
    case 'except':
      return setOperation(kindOf(node), body, withQueries(body, around, findings), findings)
    case 'values':
      return values(body, around, findings)
    default:
      throw new HubError('SQL_UNSUPPORTED', `Lineage cannot be followed through "${kindOf(node).replaceAll('_', ' ')}". Write it as a SELECT.`, { construct: kindOf(node) })
  }
}

/** The scope with the queries that WITH names; each sees those before it, a recursive one itself. */
function withQueries(body: Node, around: Scope, findings: Findings): Scope {
  const clause = child(body, 'with')
  if (!clause) return around
  let scope = around
  for (const cte of children(clause, 'ctes')) {
    const name = identifier(cte.alias)
    const query = child(cte, 'this')
    if (name === undefined || !query) continue
    const columns = identifiers(cte, 'columns')
    const found = clause.recursive === true ? recursive(name, query, columns, scope, findings) : answer(query, scope, findings)
    scope = named(scope, name, { ...found, outputs: renamed(found.outputs, columns) })
  }
  return scope
}

function named(scope: Scope, name: string, found: Answer): Scope {
  return { ...scope, ctes: new Map(scope.ctes).set(name.toLowerCase(), found) }
}

/** Begins with the left branch and goes round until no column gains an input. */
function recursive(name: string, query: Node, columns: readonly string[], scope: Scope, findings: Findings): Answer {
  const first = kindOf(query) === 'union' ? child(bodyOf(query), 'left') : undefined
  if (!first) return answer(query, scope, findings)
  let found = answer(first, scope, findings)
  for (;;) {
    const next = answer(query, named(scope, name, { ...found, outputs: renamed(found.outputs, columns) }), findings)
    if (weight(next) === weight(found)) return next
    found = next
  }
}

/** Grows whenever a column gains an input or an input moves further away. */
function weight({ outputs }: Answer): number {
  const distance: Record<Derivation, number> = { IDENTITY: 1, EXPRESSION: 2, AGGREGATION: 3, MASK: 4 }
  return outputs.reduce((sum, { inputs }) => inputs.list.reduce((part, { transformation }) => part + distance[transformation], sum), 0)
}

function select(body: Node, around: Scope, findings: Findings): Answer {
  const scope = newScope(around.ctes, around)
  addRelations(children(child(body, 'from') ?? {}, 'expressions'), children(body, 'joins'), scope, findings)
  for (const window of children(body, 'windows')) {
    const spec = child(window, 'spec')
    if (spec) scope.windows.set(identifier(window.name)?.toLowerCase() ?? '', spec)
  }

  const outputs: Output[] = []
  let open: string | undefined
  for (const expression of children(body, 'expressions')) {
    if (kindOf(expression) === 'star') {
      const expanded = star(identifier(bodyOf(expression).table), scope, findings)
      findings.spend(expanded.outputs.length)
      outputs.push(...expanded.outputs)
      open ??= expanded.open
    } else outputs.push({ name: outputName(expression, outputs.length), inputs: inputsOf(expression, scope, findings) })
  }

  for (const clause of ['where_clause', 'having', 'qualify']) influence(child(body, clause), 'FILTER', scope, findings)
  for (const term of terms(body, 'group_by', outputs)) noteInfluence(findings, term instanceof Inputs ? term : inputsOf(term, scope, findings), 'GROUP_BY')
  sort(body, outputs, scope, findings)
  return { outputs, open }
}

function star(qualifier: string | undefined, scope: Scope, findings: Findings): Answer {
  const relations = qualifier === undefined ? scope.relations : scope.relations.filter(({ name }) => name.at(-1)?.toLowerCase() === qualifier.toLowerCase())
  const open = relations.find(relation => relation.open !== undefined)?.open
  if (open !== undefined || relations.length === 0) findings.unresolved.add(`${open ?? qualifier}.*`)
  if (relations.length === 0) return { outputs: [], open: qualifier ?? '*' }

  const merged = qualifier === undefined ? scope.merged : new Map<string, Output>()
  const rest = relations.flatMap(({ outputs }) => outputs).filter(({ name }) => !merged.has(name.toLowerCase()))
  return { outputs: [...merged.values(), ...rest], open }
}

function setOperation(kind: string, body: Node, scope: Scope, findings: Findings): Answer {
  const [left, right] = (['left', 'right'] as const).map(side => {
    const branch = child(body, side)
    return branch ? answer(branch, scope, findings) : { outputs: [] }
  }) as [Answer, Answer]

  if (kind === 'except') for (const { inputs } of right.outputs) noteInfluence(findings, inputs, 'FILTER')
  const outputs = left.outputs.map(({ name, inputs }, index) => {
    const other = kind === 'except' ? undefined : right.outputs[index]
    return { name, inputs: other ? union([inputs, other.inputs]) : inputs }
  })
  sort(body, outputs, newScope(scope.ctes, scope), findings)
  return { outputs, open: left.open ?? (kind === 'except' ? undefined : right.open) }
}

function values(body: Node, scope: Scope, findings: Findings): Answer {
  const rows = children(body, 'expressions').map(row => children(row, 'expressions'))
  const outputs = (rows[0] ?? []).map((_, column) => ({
    name: `_col${column}`,
    inputs: union(rows.flatMap(row => (row[column] ? [inputsOf(row[column], scope, findings)] : []))),
  }))
  return { outputs: renamed(outputs, identifiers(body, 'column_aliases')) }
}

/** ORDER BY sees the outputs by name and position first, then the relations. */
function sort(body: Node, outputs: readonly Output[], scope: Scope, findings: Findings): void {
  const byName = [...new Map(outputs.map(output => [output.name.toLowerCase(), output])).values()]
  const inner: Scope = { ...newScope(scope.ctes, scope), relations: [{ id: '', name: [], outputs: byName }], windows: scope.windows }
  for (const term of terms(body, 'order_by', outputs)) noteInfluence(findings, term instanceof Inputs ? term : inputsOf(term, inner, findings), 'SORT')
}

/** The terms of GROUP BY or ORDER BY: a position stands for its output's inputs. */
function terms(body: Node, clause: string, outputs: readonly Output[]): readonly (Inputs | Node)[] {
  return children(child(body, clause) ?? {}, 'expressions').map(term => {
    const expression = clause === 'order_by' && isNode(term.this) ? term.this : term
    const position = kindOf(expression) === 'literal' ? Number(bodyOf(expression).value) : Number.NaN
    return outputs[position - 1]?.inputs ?? expression
  })
}

function influence(clause: Node | undefined, kind: Influence, scope: Scope, findings: Findings): void {
  const condition = clause && child(clause, 'this')
  if (condition) noteInfluence(findings, inputsOf(condition, scope, findings), kind)
}
