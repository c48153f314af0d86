import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EndpointModel, EndpointParameter } from '../../../schema/endpoint.ts'

const management = readFileSync(join(import.meta.dirname, '..', '..', '..', 'schema', 'endpoints.graphql'), 'utf8')

/** What is said of endpoints in general, and each declared one as a field of `ApiQueries`. */
export function endpointSdl(endpoints: readonly EndpointModel[]): string {
  if (endpoints.length === 0) return management
  const fields = endpoints.map(endpoint => `${JSON.stringify(endpoint.description ?? `Endpoint ${endpoint.path}.`)}\n${endpoint.field}${argumentsOf(endpoint.parameters)}: ApiQueryResult!`)
  return `${management}\nextend type Query {\n"Every declared endpoint as a field."\napiQueries: ApiQueries!\n}\ntype ApiQueries {\n${fields.join('\n')}\n}\n`
}

function argumentsOf(parameters: readonly EndpointParameter[]): string {
  return parameters.length === 0 ? '' : `(${parameters.map(({ name, type, use }) => `${name}: ${use === 'list' ? `[${type}!]!` : `${type}!`}`).join(', ')})`
}
