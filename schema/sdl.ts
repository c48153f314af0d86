import { Kind, parse, print } from 'graphql'
import type { ArgumentOperator } from './filter.ts'
import { camelCase } from './names.ts'
import { entityOfType, fieldOfColumn, isKept, keysOf, linksFrom, plural, subgraphOf, type EntityModel, type FieldModel, type ForeignKey, type Link, type Model } from './model.ts'
import { columnTypes, type ColumnType } from './values.ts'

const federation = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable", "@external", "@requires"])`

/** Definitions every subgraph that serves lists shares, equal in each. */
const shared = `
"Where a page of a list lies."
type PageInfo @shareable {
  "Whether rows stand behind the last one of this page."
  hasNextPage: Boolean!
  "Whether rows stand before the first one of this page, as far as the arguments tell."
  hasPreviousPage: Boolean!
  "Cursor of the first row; null on an empty page."
  startCursor: String
  "Cursor of the last row; null on an empty page."
  endCursor: String
}

"A direction of an order. Nulls stand last in ASC and first in DESC, unless the name says otherwise."
enum Direction { ASC DESC ASC_NULLS_FIRST DESC_NULLS_LAST }
`

const page = 'first: Int, after: String, last: Int, before: String'

/** The SDL of one subgraph's part of the model: its entities with lists, look-ups, writes and changes, and the links whose target it owns. */
export function entitySdl(model: Model, subgraph: 'regions' | 'views'): string {
  const own = model.entities.filter(entity => subgraphOf(entity) === subgraph)
  const blocks = [federation, shared, scalarSdl(), ...model.entities.flatMap(entity => [filterSdl(model, entity), orderSdl(model, entity)])]
  for (const entity of own) blocks.push(typeSdl(model, entity), connectionSdl(entity))
  blocks.push(...stubs(model, subgraph))
  blocks.push(block('type Query', own.flatMap(queryFields)))
  blocks.push(block('type Mutation', own.filter(entity => entity.writable).flatMap(mutationFields)))
  blocks.push(block('type Subscription', own.filter(isKept).flatMap(subscriptionFields)))
  for (const entity of own) {
    if (entity.key.length > 1) blocks.push(keyInputSdl(entity))
    if (entity.writable) blocks.push(inputSdl(entity))
    if (isKept(entity)) blocks.push(changeSdl(entity))
  }
  if (subgraph === 'regions' || own.some(isKept)) blocks.push(changeTypeSdl)
  return blocks.filter(Boolean).join('\n')
}

const changeTypeSdl = `
"What happened to an entry. SNAPSHOT: it was there when the subscription began."
enum ChangeType { SNAPSHOT CREATED UPDATED REMOVED EXPIRED }
`

/** Fields a link adds to the type it stands on, for the subgraph that owns its target. */
export function linkField(model: Model, link: Link): string {
  const target = entityOfType(model, link.target)
  const type = link.many ? `${link.target}Connection!` : link.target
  const many = link.many && target ? `(where: ${link.target}Filter, orderBy: [${link.target}Order!], ${page})` : ''
  const what = link.many ? `${plural(words(link.target))} whose ${link.targetColumn} is this ${link.sourceColumn}.` : `The ${words(link.target)} whose ${link.targetColumn} is this ${link.sourceColumn}; null where there is none.`
  return `${describe(what)}${link.field}${many}: ${type}`
}

/** The GraphQL type of a field, with its `!`. */
export function typeOf(field: FieldModel, always?: 'nullable'): string {
  const name = field.id ? 'ID' : field.type
  return field.nullable || always ? name : `${name}!`
}

function typeSdl(model: Model, entity: EntityModel): string {
  const links = model.links.filter(link => link.source === entity.type && ownsLink(model, link, subgraphOf(entity)))
  return block(
    `${describe(entity.description ?? `${entity.kind === 'region' ? 'An entry of the region' : 'A row of the view'} ${entity.name}.`)}type ${[entity.type, `@key(fields: "${keyFields(entity)}")`, ...entryKeys(model, entity)].join(' ')}`,
    [...entity.fields.map(field => `${describe(field.description ?? `Column ${field.name}.`)}${field.field}: ${typeOf(field)}`), ...links.map(link => linkField(model, link))],
  )
}

/** Whether the subgraph resolves the link: the owner of the target does, and for a foreign target the owner of the source. */
export function ownsLink(model: Model, link: Link, subgraph: 'regions' | 'views'): boolean {
  const target = entityOfType(model, link.target)
  if (target) return subgraphOf(target) === subgraph
  const source = entityOfType(model, link.source)
  return source !== undefined && subgraphOf(source) === subgraph
}

/** Types owned elsewhere that this subgraph adds links to, or answers references of. */
function stubs(model: Model, subgraph: 'regions' | 'views'): string[] {
  const types = new Set<string>()
  for (const link of model.links) {
    if (!ownsLink(model, link, subgraph)) continue
    for (const type of [link.source, link.target]) {
      const entity = entityOfType(model, type)
      if (!entity || subgraphOf(entity) !== subgraph) types.add(type)
    }
  }
  return [...types].map(type => {
    const links = model.links.filter(link => link.source === type && ownsLink(model, link, subgraph))
    return entityOfType(model, type) && links.length > 0 ? ownStub(model, type, links) : foreignStub(model, type, links, subgraph)
  })
}

/** An entity of the sister subgraph, entered by the columns its links here start from. */
function ownStub(model: Model, type: string, links: readonly Link[]): string {
  const fields = linkKey(model, links)
  return block(`type ${type} @key(fields: "${fields.join(' ')}")`, [...fields.map(field => `${field}: ${fieldType(model, type, field)}`), ...links.map(link => linkField(model, link))])
}

/** A type of somebody else's subgraph: entered by the first of its own keys, where what a link needs beside it is asked for; referred to by the keys that links lead to. */
function foreignStub(model: Model, type: string, links: readonly Link[], subgraph: 'regions' | 'views'): string {
  const foreign = model.foreign.find(one => one.type === type)
  const keys = foreign ? keysOf(foreign) : []
  const entered = links.length > 0 ? keys.slice(0, 1) : []
  const targets = new Set(model.links.filter(link => link.target === type && ownsLink(model, link, subgraph)).map(link => link.targetColumn))
  const named = keys.filter(key => !entered.includes(key) && key.length === 1 && targets.has(key[0]?.field ?? ''))
  const directives = [...entered.map(key => `@key(fields: "${fieldsOf(key)}")`), ...named.map(key => `@key(fields: "${fieldsOf(key)}", resolvable: false)`)]
  const fields = new Map([...entered, ...named].flat().map(one => [one.field, one.type]))
  const outside = new Set(links.map(link => sourceField(model, link)).filter(field => !fields.has(field)))
  return block(`type ${[type, ...directives].join(' ')}`, [
    ...[...fields].map(([field, keyType]) => `${field}: ${keyType}`),
    ...[...outside].map(field => `${field}: ${fieldType(model, type, field)} @external`),
    ...links.map(link => `${linkField(model, link)}${outside.has(sourceField(model, link)) ? ` @requires(fields: "${sourceField(model, link)}")` : ''}`),
  ])
}

/**
 * The fields some links of one type start from: what another subgraph must be told of a row to follow them. A reference of nulls alone is sent nowhere; so where a list
 * starts from what may be null, which has to be answered as empty, the row's own key goes with it.
 */
function linkKey(model: Model, links: readonly Link[]): string[] {
  const fields = links.map(link => sourceField(model, link))
  const entity = entityOfType(model, links[0]?.source ?? '')
  const mayBeNull = (field: string) => entity?.fields.find(one => one.field === field)?.nullable
  const own = entity && links.some(link => link.many) && fields.every(mayBeNull) ? entity.key.map(column => fieldOfColumn(entity, column).field) : []
  return [...new Set([...fields, ...own])].sort()
}

/** Keys by which the other subgraph is entered for its links; this one cannot find a row by them, since they need not be unique. */
function entryKeys(model: Model, entity: EntityModel): string[] {
  const other = subgraphOf(entity) === 'regions' ? 'views' : 'regions'
  const links = model.links.filter(link => link.source === entity.type && ownsLink(model, link, other))
  const fields = linkKey(model, links)
  const isOwn = fields.join(' ') === entity.key.map(column => fieldOfColumn(entity, column).field).toSorted().join(' ')
  return links.length === 0 || isOwn ? [] : [`@key(fields: "${fields.join(' ')}", resolvable: false)`]
}

function fieldsOf(key: ForeignKey): string {
  return key.map(({ field }) => field).join(' ')
}

/** The field on the link's source that holds what is looked up. */
export function sourceField(model: Model, link: Link): string {
  const source = entityOfType(model, link.source)
  return source ? fieldOfColumn(source, link.sourceColumn).field : link.sourceColumn
}

function fieldType(model: Model, type: string, field: string): string {
  const own = entityOfType(model, type)?.fields.find(one => one.field === field)
  if (own) return typeOf(own)
  const foreign = model.foreign.find(one => one.type === type)
  return (foreign ? [...keysOf(foreign).flat(), ...foreign.fields] : []).find(one => one.field === field)?.type ?? 'String'
}

function connectionSdl({ type }: EntityModel): string {
  return `
"A page of ${plural(words(type))}."
type ${type}Connection {
  edges: [${type}Edge!]!
  "The rows themselves, without their cursors."
  nodes: [${type}!]!
  pageInfo: PageInfo!
  "How many rows pass the filter in all. Counted only when asked for."
  totalCount: Long!
}

type ${type}Edge {
  "Names this row's place in the list's order, for \`after\` and \`before\`."
  cursor: String!
  node: ${type}!
}
`
}

function queryFields(entity: EntityModel): string[] {
  const { type } = entity
  const keyArguments = entity.key.map(column => `${fieldOfColumn(entity, column).field}: ID!`).join(', ')
  const keyList = entity.key.length > 1 ? `[${type}Key!]!` : '[ID!]!'
  return [
    `${describe(`The ${words(type)} with this key; null where there is none.`)}${entity.lookupField}(${keyArguments}): ${type}`,
    `${describe(`A page of ${plural(words(type))}, 50 unless \`first\` or \`last\` says otherwise, at most 1000. Ties of the order end with the key.`)}${entity.listField}(${listArguments(entity)}where: ${type}Filter, orderBy: [${type}Order!], ${page}): ${type}Connection!`,
    `${describe(`The ${plural(words(type))} with these keys, in their order, null where there is none; up to 10,000 keys.`)}${entity.listField}ByKey(keys: ${keyList}): [${type}]!`,
  ]
}

/** What is declared beside the arguments of every list, each of its column's scalar. */
function listArguments(entity: EntityModel): string {
  const declared = (entity.arguments ?? []).map(({ name, column, op, description }) =>
    `${describe(description ?? `Only rows whose ${column} ${comparedSo[op]} this.`)}${name}: ${typeOf(fieldOfColumn(entity, column), 'nullable')}, `)
  return declared.join('')
}

const comparedSo: Readonly<Record<ArgumentOperator, string>> = { eq: 'is', ne: 'is not', lt: 'is below', lte: 'is at most', gt: 'is above', gte: 'is at least' }

function mutationFields(entity: EntityModel): string[] {
  const { type } = entity
  const keyArguments = entity.key.map(column => `${fieldOfColumn(entity, column).field}: ID!`).join(', ')
  return [
    `${describe('Creates the entry or replaces it whole. Durable when answered.')}put${type}(input: ${type}Input!): ${type}!`,
    `${describe('Creates or replaces up to 10,000 entries, all or none, in one commit.')}put${plural(type)}(input: [${type}Input!]!): [${type}!]!`,
    `${describe('Removes the entry. False: there was none.')}remove${type}(${keyArguments}): Boolean!`,
  ]
}

function subscriptionFields({ type, lookupField }: EntityModel): string[] {
  return [
    `${describe(
      'The entries that pass the filter as they are now, then every change of them, without gap or double. `initial: false` leaves the first part out; `after` goes on behind an event seen before, by its cursor.',
    )}${lookupField}Changed(where: ${type}Filter, initial: Boolean = true, after: String): ${type}Change!`,
  ]
}

function changeSdl({ type }: EntityModel): string {
  return `
"One event of a subscription to ${plural(words(type))}. An entry that begins to pass the filter is CREATED for the subscriber, one that ceases to is REMOVED."
type ${type}Change {
  type: ChangeType!
  key: ID!
  "The entry before; null for SNAPSHOT and CREATED."
  before: ${type}
  "The entry after; null for REMOVED and EXPIRED."
  after: ${type}
  "Grows with every change of the entry."
  version: Long!
  "Where to go on from: give it as \`after\`."
  cursor: String!
  committedAt: DateTime!
}
`
}

function keyInputSdl(entity: EntityModel): string {
  return block(`input ${entity.type}Key`, entity.key.map(column => `${fieldOfColumn(entity, column).field}: ID!`))
}

function inputSdl(entity: EntityModel): string {
  return block(
    `${describe(`What to store as ${words(entity.type)}. Fields left out are null.`)}input ${entity.type}Input`,
    entity.fields.map(field => `${describe(field.description ?? `Column ${field.name}.`)}${field.field}: ${typeOf(field)}`),
  )
}

function filterSdl(model: Model, entity: EntityModel): string {
  return block(`${describe(`Conditions on ${plural(words(entity.type))}; those of one object must all hold. Comparisons with null hold never; \`isNull\` asks for absence.`)}input ${entity.type}Filter`, [
    ...entity.fields.map(field => `${field.field}: ${field.id ? 'ID' : field.type}Filter`),
    ...linksFrom(model, entity.type).map(link => `${describe(link.many ? 'At least one of these passes.' : 'There is one, and it passes.')}${link.field}: ${link.target}Filter`),
    `and: [${entity.type}Filter!]`,
    `or: [${entity.type}Filter!]`,
    `not: ${entity.type}Filter`,
  ])
}

function orderSdl(model: Model, entity: EntityModel): string {
  return block(`${describe('One term of an order: exactly one member.')}input ${entity.type}Order`, [
    ...entity.fields.filter(field => field.type !== 'JSON').map(field => `${field.field}: Direction`),
    ...linksFrom(model, entity.type).filter(link => !link.many).map(link => `${link.field}: ${link.target}Order`),
  ])
}

/** Scalars of our own and one filter input per scalar. */
function scalarSdl(): string {
  const own = columnTypes.filter(type => !['String', 'Int', 'Float', 'Boolean'].includes(type)).map(type => `scalar ${type}`)
  const filters = [...columnTypes, 'ID' as const].map(type => block(`input ${type}Filter`, comparisons(type)))
  return [...own, ...filters].join('\n')
}

function comparisons(type: ColumnType | 'ID'): string[] {
  if (type === 'JSON') return ['isNull: Boolean']
  const equality = [`eq: ${type}`, `ne: ${type}`, `in: [${type}!]`]
  if (type === 'Boolean') return [`eq: Boolean`, `ne: Boolean`, 'isNull: Boolean']
  const text = type === 'String' || type === 'ID' ? [`${describe('`%` stands for any run of characters, `_` for one.')}like: String`, 'startsWith: String'] : []
  return [...equality, `lt: ${type}`, `lte: ${type}`, `gt: ${type}`, `gte: ${type}`, ...text, 'isNull: Boolean']
}

function keyFields(entity: EntityModel): string {
  return entity.key.map(column => fieldOfColumn(entity, column).field).join(' ')
}

function block(head: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `\n${head} {\n${lines.map(line => `  ${line}`).join('\n')}\n}\n`
}

function describe(text: string): string {
  return `${JSON.stringify(text)} `
}

/** `AirportDepartures` → `airport departures`. */
function words(type: string): string {
  return camelCase(type).replace(/([A-Z])/g, letter => ` ${letter.toLowerCase()}`)
}

/** The SDL with an `idempotencyKey` on every mutation, but those whose answers nobody may keep. */
export function withIdempotencyKeys(sdl: string, unkept: readonly string[] = []): string {
  const argument = {
    kind: Kind.INPUT_VALUE_DEFINITION,
    name: { kind: Kind.NAME, value: 'idempotencyKey' },
    description: { kind: Kind.STRING, value: 'A name of your own for this request, 1 to 255 characters: asking again under it within a day answers the same and does nothing. Another request under it → CONFLICT.' },
    type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: 'String' } },
  } as const
  const document = parse(sdl, { noLocation: true })
  const definitions = document.definitions.map(node => {
    const isMutation = (node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.OBJECT_TYPE_EXTENSION) && node.name.value === 'Mutation'
    return isMutation ? { ...node, fields: node.fields?.map(field => (unkept.includes(field.name.value) ? field : { ...field, arguments: [...(field.arguments ?? []), argument] })) } : node
  })
  return print({ ...document, definitions })
}
