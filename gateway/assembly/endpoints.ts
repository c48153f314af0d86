import type { Catalog, EndpointEntry } from '../../schema/catalog.ts'
import { fieldOfPath, type EndpointModel, type EndpointParameter, type ParameterPlace } from '../../schema/endpoint.ts'
import { HubError } from '../../schema/errors.ts'
import type { Finding, Path } from '../../schema/findings.ts'
import type { Model } from '../../schema/model.ts'
import { markPlace, parsePattern, parseStatementTemplate, type Template } from '../../schema/template.ts'
import type { ColumnType, Value } from '../../schema/values.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { SqlEngine, Statement } from '../../connectors/ports/sql-engine.ts'
import { endpointStatement, type EndpointValues } from '../../resolvers/endpoint-statement.ts'
import type { ModelParts } from './model.ts'

export interface EndpointParts {
  /** Over the model's tables. */
  readonly engine: SqlEngine
  readonly tablesOf: ModelParts['tablesOf']
  /** Where each `?` of a statement stands; errors as of `tablesOf`. */
  readonly placesOf: (sql: string) => readonly ParameterPlace[]
}

/** The declared endpoints, each statement read, checked by the engine and its parameters typed. Every mistake found is in `findings`. */
export async function endpointsOf(scope: Scope, { endpoints }: Catalog, model: Model, parts: EndpointParts): Promise<{ endpoints: readonly EndpointModel[]; findings: readonly Finding[] }> {
  const findings: Finding[] = []
  const found = await Promise.all(endpoints.map(entry => endpointOf(scope, entry, model, parts, findings)))
  return { endpoints: found.filter(one => one !== undefined), findings }
}

async function endpointOf(scope: Scope, entry: EndpointEntry, model: Model, parts: EndpointParts, findings: Finding[]): Promise<EndpointModel | undefined> {
  const path: Path = ['endpoints', entry.name, 'query']
  const refuse = (message: string, place?: { readonly line?: unknown; readonly column?: unknown }) => {
    const { line, column } = place ?? {}
    findings.push({ path, message, ...(typeof line === 'number' && typeof column === 'number' ? { sqlLine: line, sqlColumn: column } : {}) })
  }
  const statement = parseStatementTemplate(entry.query).template
  const before = findings.length
  try {
    const plain = statement.texts.join('?')
    for (const table of tablesOutside(entry, parts.tablesOf(plain))) {
      refuse(`The query reads "${table}", which is not among the regions it may read: ${entry.cacheRegions.join(', ')}. Add it to them, if it is a region, or leave it out.`)
    }
    const places = parts.placesOf(plain)
    for (const [index, { use }] of places.entries()) {
      const place = markPlace(statement, index)
      if (use === 'name') refuse(`The placeholder {${statement.names[index]}} stands where a column is named (line ${place.line}, column ${place.column}); it is a bound value and cannot name one. Write the column itself.`, place)
    }
    if (findings.length > before) return undefined

    const parameters = parametersOf(statement, places, model)
    // Without types first: words stand where they were written, and so do mistakes.
    await parts.engine.describe(scope, untyped(plain, places))
    const columns = await parts.engine.describe(scope, endpointStatement({ statement, parameters }, samples(parameters)))
    const { name, ...declared } = entry
    return { ...declared, path: name, field: fieldOfPath(name), statement, key: parsePattern(entry.cacheKeyPattern).template, parameters, columns }
  } catch (error) {
    if (!(error instanceof HubError) || error.info.retry) throw error
    refuse(error.message, error.details)
    return undefined
  }
}

function tablesOutside({ cacheRegions }: EndpointEntry, tables: ReturnType<ModelParts['tablesOf']>): string[] {
  const allowed = new Set(cacheRegions.map(name => name.toLowerCase()))
  return tables.flatMap(({ catalog, name }) => {
    const isRegion = (catalog === undefined || catalog.toLowerCase() === 'hub') && allowed.has(name.toLowerCase())
    return isRegion ? [] : [catalog === undefined ? name : `${catalog}.${name}`]
  })
}

/** One parameter a name. Places that ask for different things of it leave it a text. */
function parametersOf({ names }: Template, places: readonly ParameterPlace[], model: Model): EndpointParameter[] {
  return [...new Set(names)].map(name => {
    const own = places.filter((_, index) => names[index] === name)
    const uses = new Set(own.map(place => place.use))
    const use = uses.size === 1 && !uses.has('name') ? ([...uses][0] as EndpointParameter['use']) : 'value'
    const types = new Set(own.flatMap(place => typesOf(place, model)))
    const [type] = types
    return { name, use, type: use === 'count' ? 'Int' : types.size === 1 && type !== undefined ? type : 'String' }
  })
}

function typesOf({ column }: ParameterPlace, model: Model): ColumnType[] {
  const types = (column?.tables ?? []).flatMap(table => {
    const entity = model.entities.find(one => one.name.toLowerCase() === table.name.toLowerCase())
    const found = entity?.fields.find(field => field.name.toLowerCase() === column?.name.toLowerCase())
    return found ? [found.type] : []
  })
  return [...new Set(types)]
}

function untyped(sql: string, places: readonly ParameterPlace[]): Statement {
  return { sql, params: places.map(place => (place.use === 'count' ? 1 : null)) }
}

/** A value of each type, for the engine to look at and never to compute with. */
const sample: Readonly<Record<ColumnType, Value>> = {
  String: 'a', Int: 1, Long: 1, Float: 0.5, Decimal: '0.5', Boolean: true, Date: '2000-01-01', Time: '00:00:00', DateTime: '2000-01-01T00:00:00Z', LocalDateTime: '2000-01-01T00:00:00',
  UUID: '00000000-0000-0000-0000-000000000000', Bytes: '', JSON: 'a',
}

function samples(parameters: readonly EndpointParameter[]): EndpointValues {
  return Object.fromEntries(parameters.map(({ name, type, use }) => [name, use === 'list' ? [sample[type]] : sample[type]]))
}
