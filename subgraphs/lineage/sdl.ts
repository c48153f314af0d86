/** SDL of the subgraph `lineage`. */
export const lineageSdl = `
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])

type Query {
  """
  What a field, type, view, region, table, column or source is made from, or what is made from it. \`of\` is a name as \`AirportDepartures.meanDelayMinutes\`,
  \`AirportDepartures\`, \`bts.flights.delay\` or \`hub.departures_by_airport.mean_delay_minutes\`, of a pipeline
  \`pipeline:crm/customers\`, \`lake:crm/staging.customer\` or \`file:crm/landing/*.csv\`; an unknown one is NOT_FOUND with the nearest names.
  """
  lineage(
    "The name to begin at."
    of: String!
    "Towards the origins, towards what depends on it, or both."
    direction: LineageDirection = UPSTREAM
    "How many edges away from the name, 1 to 20."
    depth: Int = 3
  ): LineageGraph!

  "Which tables and columns feed which output columns of a query, found from its text in Trino's dialect without running it."
  queryLineage(
    "One query; stars are expanded. What does not parse is SQL_ERROR with line and column."
    sql: String!
  ): QueryLineage!
}

"Which way lineage is followed."
enum LineageDirection {
  "Towards the origins."
  UPSTREAM
  "Towards what depends on it."
  DOWNSTREAM
  "Both ways."
  BOTH
}

"A part of the lineage graph around one node."
type LineageGraph {
  "The node asked for."
  root: LineageNode!
  "The root and every node reached, nearest first, each once."
  nodes: [LineageNode!]!
  "The edges followed; data goes from \`from\` to \`to\`."
  edges: [LineageEdge!]!
  "Whether more than 5,000 nodes were met and the rest left out."
  truncated: Boolean!
  "What views among the nodes read without a known origin, as \`hub.view: column\`."
  unresolved: [String!]!
}

"One thing data is in, or passes through."
type LineageNode {
  "Its full name, as \`lineage(of:)\` takes it."
  id: ID!
  "What it is."
  kind: LineageNodeKind!
  "The last part of its full name."
  name: String!
  "Id of what it belongs to: a column's table, a field's type, a table's source."
  parent: ID
  "Type in the graph: of a type, region or view its own, of a field that of its value."
  graphqlType: String
  "Type of the column, where it is known."
  columnType: String
  "As declared."
  description: String
}

"What a node of the lineage graph is."
enum LineageNodeKind {
  "A type of the graph."
  TYPE
  "A field of a type."
  FIELD
  "A region: entries held in memory."
  REGION
  "A view: a named statement."
  VIEW
  "A table of a source."
  TABLE
  "A column of a table, region or view."
  COLUMN
  "A system rows are read from."
  SOURCE
  "A foreign subgraph."
  SUBGRAPH
  "Files of one place, that a pipeline reads or writes."
  FILE
  "A topic that a pipeline writes."
  TOPIC
  "A pipeline, as its last run that succeeded did."
  PIPELINE
}

"Data goes from one node to another."
type LineageEdge {
  "Id of the node data comes from."
  from: ID!
  "Id of the node it goes to."
  to: ID!
  "By which declaration."
  kind: LineageEdgeKind!
  "How; absent between whole tables, views, regions and types."
  transformation: LineageTransformation
}

"Which declaration makes an edge."
enum LineageEdgeKind {
  "A source has a table, a table has a column."
  CONTAIN
  "A region is loaded from a table."
  LOAD
  "A view's statement reads it."
  SELECT
  "A region or view is a type, a column is a field."
  EXPOSE
  "A relation finds its rows by it."
  RELATION
  "A run of a pipeline read or wrote it."
  RUN
}

"How an input takes part in what is made from it."
enum LineageTransformation {
  "The value as it is."
  IDENTITY
  "A value computed from it."
  EXPRESSION
  "An aggregate over many rows."
  AGGREGATION
  "A value that stands for it and hides it."
  MASK
  "It decides which rows pass."
  FILTER
  "It decides which rows meet."
  JOIN
  "It decides which rows are taken together."
  GROUP_BY
  "It decides the order."
  SORT
}

"What feeds what in one query."
type QueryLineage {
  "Full names of the tables, regions and views the query reads, in the order met."
  inputs: [String!]!
  "Names of the columns it answers, in order; \`*\` for a star over an unknown table."
  outputs: [String!]!
  "The same columns with what each is made from."
  columns: [ColumnLineage!]!
  "Columns for which no origin was found."
  unresolved: [String!]!
}

"What one output column is made from."
type ColumnLineage {
  "Its name."
  output: String!
  "Empty for literals and for what was not resolved."
  inputs: [ColumnInput!]!
}

"One column an output is made from."
type ColumnInput {
  "Full name of the table, region or view."
  table: String!
  "The column's name."
  column: String!
  "IDENTITY, EXPRESSION or AGGREGATION."
  transformation: LineageTransformation!
}
`
