import { createClient } from 'graphql-sse'
import { getOperationAST, parse } from 'graphql'

const url = '/graphql'

/**
 * Queries and mutations as one POST; subscriptions as an event stream, which carries the headers of the editor where a WebSocket cannot.
 * @type {import('@graphiql/toolkit').Fetcher}
 */
export function fetcher({ query, variables, operationName }, { headers } = {}) {
  if (operationOf(query, operationName) === 'subscription') {
    return createClient({ url, headers: headers ?? {}, retryAttempts: 0 }).iterate({ query, variables, operationName })
  }
  return ask({ query, variables, operationName }, headers)
}

async function ask(body, headers) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { accept: 'application/graphql-response+json, application/json', 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return response.json()
}

/** Undefined while the text does not parse: the hub then says what is wrong with it. */
function operationOf(query, operationName) {
  try {
    return getOperationAST(parse(query), operationName)?.operation
  } catch {
    return undefined
  }
}
