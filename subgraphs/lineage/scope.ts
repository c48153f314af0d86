import type { Derivation, FindTable, Influence, Input, TableName } from '../../schema/lineage.ts'
import { Inputs, type Output } from './inputs.ts'
import type { Node } from './syntax.ts'

/** What a query or a relation answers. `open` names it when it has columns nobody can list, as those of an unknown table. */
export interface Answer {
  readonly outputs: readonly Output[]
  readonly open?: string
}

/** One item of a FROM clause. */
export interface Relation extends Answer {
  /** For messages: the table's full name, else the alias. */
  readonly id: string
  /** What a qualifier may say: the alias, or the parts of the table's name. */
  readonly name: TableName
}

/** Where a column's name is looked up: the relations of one SELECT, then those around it. */
export interface Scope {
  readonly relations: Relation[]
  /** Columns that USING or NATURAL made one of two, by lower-case name. */
  readonly merged: Map<string, Output>
  /** Named queries in sight, by lower-case name. */
  readonly ctes: ReadonlyMap<string, Answer>
  /** Named windows, by lower-case name. */
  readonly windows: Map<string, Node>
  readonly outer?: Scope
}

/** What is found out about one statement while it is walked. */
export interface Findings {
  readonly findTable: FindTable
  /** Full names of the tables read. */
  readonly tables: Set<string>
  readonly influences: Map<string, Input<Influence>>
  /** Columns without an origin, as the text names them. */
  readonly unresolved: Set<string>
  /** Answers a query inside the statement; `around` gives its named queries and what it may refer to outside itself. */
  query(node: Node, around: Scope): Answer
  /** Counts columns answered; beyond the limit → QUERY_TOO_COMPLEX. */
  spend(columns: number): void
}

export function newScope(ctes: ReadonlyMap<string, Answer>, outer?: Scope): Scope {
  return { relations: [], merged: new Map(), ctes, windows: new Map(), outer }
}

export const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** Notes that the columns behind these values decide which rows there are. */
export function noteInfluence(findings: Findings, inputs: Inputs, transformation: Influence): void {
  for (const { table, column } of inputs.list) findings.influences.set(JSON.stringify([table, column, transformation]), { table, column, transformation })
}

/**
 * The inputs of a column written as dotted parts: `origin`, `f.origin`, `bts.flights.origin`, each perhaps followed by fields of its value.
 * `whole` is false where such fields follow. A column nobody has is noted as unresolved and has no inputs.
 */
export function resolve(parts: readonly string[], scope: Scope, findings: Findings): { inputs: Inputs; whole: boolean } {
  for (let here: Scope | undefined = scope; here; here = here.outer) {
    const found = resolveHere(parts, here, findings)
    if (found) return found
  }
  findings.unresolved.add(parts.join('.'))
  return { inputs: new Inputs(), whole: true }
}

function resolveHere(parts: readonly string[], scope: Scope, findings: Findings): { inputs: Inputs; whole: boolean } | undefined {
  for (let length = parts.length - 1; length > 0; length--) {
    const relation = scope.relations.find(({ name }) => endsWith(name, parts.slice(0, length)))
    const column = parts[length]
    if (!relation || column === undefined) continue
    const output = relation.outputs.find(({ name }) => same(name, column))
    if (output) return { inputs: output.inputs, whole: length === parts.length - 1 }
    findings.unresolved.add(`${relation.open ?? relation.id}.${column}`)
    return { inputs: new Inputs(), whole: true }
  }

  const [column = ''] = parts
  const whole = parts.length === 1
  const merged = scope.merged.get(column.toLowerCase())
  if (merged) return { inputs: merged.inputs, whole }

  const matches = scope.relations.flatMap(({ outputs }) => outputs.filter(({ name }) => same(name, column)))
  const [match] = matches
  if (match && matches.length === 1) return { inputs: match.inputs, whole }
  if (matches.length > 1) {
    findings.unresolved.add(column)
    return { inputs: new Inputs(), whole }
  }

  const open = scope.relations.filter(relation => relation.open !== undefined)
  if (open.length === 0) return undefined
  findings.unresolved.add(scope.relations.length === 1 ? `${open[0]?.open}.${column}` : column)
  return { inputs: new Inputs(), whole }
}

function endsWith(name: TableName, qualifier: readonly string[]): boolean {
  const offset = name.length - qualifier.length
  return offset >= 0 && qualifier.every((part, index) => same(part, name[offset + index] ?? ''))
}

/** The outputs under other names, position by position; those without a new name keep theirs. */
export function renamed(outputs: readonly Output[], names: readonly string[]): readonly Output[] {
  return names.length === 0 ? outputs : outputs.map((output, index) => ({ name: names[index] ?? output.name, inputs: output.inputs }))
}

/** One value made of several. */
export function union(parts: Iterable<Inputs>, atLeast: Derivation = 'IDENTITY'): Inputs {
  const all = new Inputs()
  for (const part of parts) all.add(part, atLeast)
  return all
}
