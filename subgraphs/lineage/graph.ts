import { HubError } from '../../schema/errors.ts'
import type { KnownTable, StatementLineage, TableName, Transformation } from '../../schema/lineage.ts'
import type { EntityModel, ForeignEntity, Link, Model } from '../../schema/model.ts'
import type { Column } from '../../schema/values.ts'
import { analyse } from './analyse.ts'
import { addRuns, type Draft, type RunLineages } from './runs.ts'
import { same } from './scope.ts'

export type NodeKind = 'TYPE' | 'FIELD' | 'REGION' | 'VIEW' | 'TABLE' | 'COLUMN' | 'SOURCE' | 'SUBGRAPH' | 'FILE' | 'TOPIC' | 'PIPELINE'
export type EdgeKind = 'CONTAIN' | 'LOAD' | 'SELECT' | 'EXPOSE' | 'RELATION' | 'RUN'

export interface LineageNode {
  /** What `of` takes: `AirportDepartures.meanDelayMinutes`, `bts.flights.delay`, `bts`, `subgraph:reviews`. */
  readonly id: string
  readonly kind: NodeKind
  /** The last part of the id. */
  readonly name: string
  /** Id of what a field, column or table belongs to. */
  readonly parent?: string
  /** Types: their own name; fields: the type of their value. */
  readonly graphqlType?: string
  /** Columns whose type is known. */
  readonly columnType?: string
  readonly description?: string
}

/** Data goes from `from` to `to`. */
export interface LineageEdge {
  readonly from: string
  readonly to: string
  readonly kind: EdgeKind
  /** How; absent between whole tables and types. */
  readonly transformation?: Transformation
}

export interface Graph {
  readonly nodes: ReadonlyMap<string, LineageNode>
  /** Edges by the node they end at. */
  readonly upstream: ReadonlyMap<string, readonly LineageEdge[]>
  /** Edges by the node they begin at. */
  readonly downstream: ReadonlyMap<string, readonly LineageEdge[]>
  /** Columns of views without an origin, or why a view's statement could not be followed, by the view's id. */
  readonly unresolved: ReadonlyMap<string, readonly string[]>
  /** Takes in a source's table that nothing reads yet, named by itself or by one of its columns, if the source has it. */
  discover(name: string): void
}

export type Tables = (catalog: string, name: string) => readonly Column[] | undefined

export const tableId = (entity: Pick<EntityModel, 'name'>): string => `hub.${entity.name}`

/** The table a statement's text names, as the hub knows it: a region or view with or without `hub.`, else a source's table; SQL does not tell letter case apart. */
export function findTable(model: Model, tables: Tables, name: TableName): KnownTable {
  const [catalog = '', ...rest] = name.length === 1 ? ['hub', ...name] : name
  const table = rest.join('.')
  if (catalog.toLowerCase() === 'hub') {
    const entity = model.entities.find(one => one.name === table) ?? model.entities.find(one => same(one.name, table))
    return { id: `hub.${entity?.name ?? table}`, columns: entity?.fields.map(column => column.name) }
  }
  const load = model.entities.find(one => one.load && same(one.load.source, catalog) && same(one.load.table, table))?.load
  if (load) return sourceTable(tables, load.source, load.table)
  const folded = sourceTable(tables, catalog.toLowerCase(), table.toLowerCase())
  return folded.columns ? folded : sourceTable(tables, catalog, table)
}

function sourceTable(tables: Tables, catalog: string, name: string): KnownTable {
  return { id: `${catalog}.${name}`, columns: tables(catalog, name)?.map(column => column.name) }
}

/** Everything the model says about what feeds what: sources → tables → columns → regions and views → types and fields, the relations between types, and what pipelines read and wrote. */
export function buildGraph(model: Model, tables: Tables, runs: RunLineages): Graph {
  const draft = new GraphDraft(tables)
  for (const entity of model.entities) addEntity(draft, entity)
  for (const foreign of model.foreign) addForeign(draft, foreign)
  for (const entity of model.entities) {
    if (entity.load) addLoad(draft, entity, entity.load)
    if (entity.sql !== undefined) addSelect(draft, entity, entity.sql, name => findTable(model, tables, name))
  }
  for (const link of model.links) addLink(draft, model, link)
  addRuns(draft, runs)
  return draft
}

class GraphDraft implements Graph, Draft {
  readonly nodes = new Map<string, LineageNode>()
  readonly upstream = new Map<string, LineageEdge[]>()
  readonly downstream = new Map<string, LineageEdge[]>()
  readonly unresolved = new Map<string, readonly string[]>()
  readonly #tables: Tables
  readonly #edges = new Set<string>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  node(node: LineageNode): void {
    if (!this.nodes.has(node.id)) this.nodes.set(node.id, node)
  }

  edge(edge: LineageEdge): void {
    const key = JSON.stringify([edge.from, edge.to, edge.kind, edge.transformation])
    if (this.#edges.has(key)) return
    this.#edges.add(key)
    listOf(this.upstream, edge.to).push(edge)
    listOf(this.downstream, edge.from).push(edge)
  }

  discover(name: string): void {
    const [catalog = '', ...rest] = name.split('.')
    for (const parts of [rest, rest.slice(0, -1)]) if (parts.length > 0 && this.#tables(catalog, parts.join('.'))) this.table(`${catalog}.${parts.join('.')}`)
  }

  /** A source's table with its columns, and the source. */
  table(id: string): void {
    if (this.nodes.has(id)) return
    const dot = id.indexOf('.')
    const catalog = id.slice(0, dot)
    const name = id.slice(dot + 1)
    const source = this.nodes.get(catalog)?.kind === 'TYPE' ? `source:${catalog}` : catalog
    this.node({ id: source, kind: 'SOURCE', name: catalog })
    this.node({ id, kind: 'TABLE', name, parent: source })
    this.edge({ from: source, to: id, kind: 'CONTAIN' })
    for (const column of this.#tables(catalog, name) ?? []) this.column(id, column.name, column)
  }

  /** A column of a source's table. */
  column(table: string, name: string, known?: Column): string {
    const id = `${table}.${name}`
    if (this.nodes.has(id)) return id
    this.node({ id, kind: 'COLUMN', name, parent: table, columnType: known?.type, description: known?.description })
    this.edge({ from: table, to: id, kind: 'CONTAIN' })
    return id
  }
}

function listOf<T>(lists: Map<string, T[]>, key: string): T[] {
  const known = lists.get(key)
  if (known) return known
  const list: T[] = []
  lists.set(key, list)
  return list
}

function addEntity(draft: GraphDraft, entity: EntityModel): void {
  const table = tableId(entity)
  const { type, description } = entity
  draft.node({ id: table, kind: entity.kind === 'region' ? 'REGION' : 'VIEW', name: entity.name, graphqlType: type, description })
  draft.node({ id: type, kind: 'TYPE', name: type, graphqlType: type, description })
  draft.edge({ from: table, to: type, kind: 'EXPOSE' })
  for (const { name, field, type: columnType, description } of entity.fields) {
    const column = `${table}.${name}`
    const graphField = `${type}.${field}`
    draft.node({ id: column, kind: 'COLUMN', name, parent: table, columnType, description })
    draft.node({ id: graphField, kind: 'FIELD', name: field, parent: type, graphqlType: columnType, columnType, description })
    draft.edge({ from: column, to: graphField, kind: 'EXPOSE', transformation: 'IDENTITY' })
  }
}

function addForeign(draft: GraphDraft, { type, subgraph: name, key, fields }: ForeignEntity): void {
  const subgraph = `subgraph:${name}`
  draft.node({ id: subgraph, kind: 'SUBGRAPH', name })
  draft.node({ id: type, kind: 'TYPE', name: type, parent: subgraph, graphqlType: type })
  draft.edge({ from: subgraph, to: type, kind: 'EXPOSE' })
  for (const { field, type: graphqlType } of [...key, ...fields]) {
    draft.node({ id: `${type}.${field}`, kind: 'FIELD', name: field, parent: type, graphqlType })
    draft.edge({ from: subgraph, to: `${type}.${field}`, kind: 'EXPOSE', transformation: 'IDENTITY' })
  }
}

function addLoad(draft: GraphDraft, region: EntityModel, { source, table }: NonNullable<EntityModel['load']>): void {
  const from = `${source}.${table}`
  draft.table(from)
  draft.edge({ from, to: tableId(region), kind: 'LOAD' })
  for (const { name } of region.fields) draft.edge({ from: draft.column(from, name), to: `${tableId(region)}.${name}`, kind: 'LOAD', transformation: 'IDENTITY' })
}

function addSelect(draft: GraphDraft, view: EntityModel, sql: string, find: (name: TableName) => KnownTable): void {
  const to = tableId(view)
  const lineage = followed(sql, find)
  if (lineage instanceof HubError) return void draft.unresolved.set(to, [lineage.message])
  const { inputs, columns, influences, unresolved } = lineage
  if (unresolved.length > 0) draft.unresolved.set(to, unresolved)

  for (const table of inputs) {
    draft.table(table)
    draft.edge({ from: table, to, kind: 'SELECT' })
  }
  for (const [index, { output, inputs: columnInputs }] of columns.entries()) {
    const column = view.fields.find(({ name }) => name.toLowerCase() === output.toLowerCase()) ?? view.fields[index]
    if (!column) continue
    for (const { table, column: from, transformation } of columnInputs) draft.edge({ from: `${table}.${from}`, to: `${to}.${column.name}`, kind: 'SELECT', transformation })
  }
  for (const { table, column, transformation } of influences) draft.edge({ from: `${table}.${column}`, to, kind: 'SELECT', transformation })
}

/** One view whose statement cannot be followed leaves the lineage of the others as it is. */
function followed(sql: string, find: (name: TableName) => KnownTable): StatementLineage | HubError {
  try {
    return analyse(sql, find)
  } catch (error) {
    if (error instanceof HubError) return error
    throw error
  }
}

/** A relation is a field of the type it is on, found by the columns that are equal; its value is of the other type. */
function addLink(draft: GraphDraft, model: Model, link: Link): void {
  const id = `${link.source}.${link.field}`
  draft.node({ id, kind: 'FIELD', name: link.field, parent: link.source, graphqlType: link.target })
  draft.edge({ from: link.target, to: id, kind: 'RELATION' })
  for (const [type, column] of [[link.source, link.sourceColumn], [link.target, link.targetColumn]] as const) {
    const entity = model.entities.find(one => one.type === type)
    const from = entity ? `${tableId(entity)}.${column}` : `${type}.${column}`
    if (draft.nodes.has(from)) draft.edge({ from, to: id, kind: 'RELATION', transformation: 'JOIN' })
  }
}
