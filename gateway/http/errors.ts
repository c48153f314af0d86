import { GraphQLError, type GraphQLFormattedError, Kind } from 'graphql'
import type { Log } from '../../connectors/ports/scope.ts'
import { asHubError, type Code, codes, HubError } from '../../schema/errors.ts'

/** Codes of other GraphQL servers and libraries, in ours. */
const synonyms: Readonly<Record<string, Code>> = {
  BAD_REQUEST: 'BAD_USER_INPUT',
  OPERATION_RESOLUTION_FAILURE: 'BAD_USER_INPUT',
  PERSISTED_QUERY_NOT_SUPPORTED: 'PERSISTED_QUERY_NOT_FOUND',
  INTERNAL_SERVER_ERROR: 'INTERNAL',
}

export interface Extensions {
  readonly code: string
  readonly http: { readonly status: number }
  readonly requestId: string
  readonly retryable?: true
  readonly [detail: string]: unknown
}

export type AnsweredError = GraphQLFormattedError & { readonly extensions: Extensions }

/**
 * The error as clients see it: message, locations, path, and `extensions { code, http: { status }, requestId, retryable?, …details }`.
 * What nobody expected becomes INTERNAL: the detail goes to the log, under the same request id.
 */
export function answeredError(error: unknown, context: { readonly requestId: string; readonly log: Log }): AnsweredError {
  const place = isGraphQLError(error) ? { locations: error.locations, path: error.path } : undefined
  const { message, code, status, retry, details } = known(error) ?? internal(error, place?.path, context)
  return {
    message,
    ...(place?.locations ? { locations: place.locations } : {}),
    ...(place?.path ? { path: place.path } : {}),
    extensions: { ...details, code, http: { status }, requestId: context.requestId, ...(retry ? { retryable: true as const } : {}) },
  }
}

/** The HubError at the bottom of an error, whoever wrapped it. */
export function hubErrorIn(error: unknown): HubError | undefined {
  for (let at = error; at !== undefined && at !== null; at = (at as { originalError?: unknown }).originalError) {
    if (at instanceof HubError) return at
    if (!(at instanceof GraphQLError)) return undefined
  }
  return undefined
}

interface Known {
  readonly message: string
  readonly code: string
  readonly status: number
  readonly retry: boolean
  readonly details: Readonly<Record<string, unknown>>
}

/** Undefined for what nobody expected, and for what is our fault. */
function known(error: unknown): Known | undefined {
  const hubError = hubErrorIn(error)
  if (hubError) return hubError.code === 'INTERNAL' ? undefined : coded(hubError.message, hubError.code, hubError.details)
  if (!isGraphQLError(error)) return undefined
  const { code: found, http: _http, stacktrace: _stacktrace, exception: _exception, requestId: _requestId, ...details } = error.extensions ?? {}
  if (typeof found === 'string') {
    const code = synonyms[found] ?? found
    if (code === 'INTERNAL') return undefined
    if (isCode(code)) return coded(error.message, code, details)
    // A code of a foreign subgraph: its clients know what it means.
    return { message: error.message, code, status: codes.UPSTREAM_REJECTED.http, retry: false, details }
  }
  // What graphql-js finds in a request before it runs has no path and no cause; of what it finds later, only arguments are the client's.
  const ofRequest = (error.path === undefined && !wrapsForeign(error)) || error.message.startsWith('Argument "') || isVariable(error)
  return ofRequest ? coded(error.message, 'BAD_USER_INPUT', details) : undefined
}

function coded(message: string, code: Code, details: Readonly<Record<string, unknown>>): Known {
  return { message, code, status: codes[code].http, retry: codes[code].retry, details }
}

function internal(error: unknown, path: readonly (string | number)[] | undefined, { requestId, log }: { requestId: string; log: Log }): Known {
  const hubError = asHubError(hubErrorIn(error) ?? error)
  log.error('An answer failed for a reason nobody expected.', { requestId, path: path?.join('.'), error: hubError.cause ?? hubError })
  return coded(asHubError(undefined).message, 'INTERNAL', {})
}

/** Results of in-process execution hold GraphQLErrors, those of remote subgraphs the same as plain objects. */
function isGraphQLError(error: unknown): error is GraphQLError | (GraphQLFormattedError & { nodes?: undefined; originalError?: undefined }) {
  return error instanceof GraphQLError || (typeof error === 'object' && error !== null && !(error instanceof Error) && typeof (error as { message?: unknown }).message === 'string')
}

/** Whether something that knows nothing of GraphQL was thrown and wrapped on its way. */
function wrapsForeign(error: { readonly originalError?: GraphQLError['originalError'] }): boolean {
  const { originalError } = error
  return originalError instanceof GraphQLError ? wrapsForeign(originalError) : originalError !== undefined && originalError !== null
}

function isVariable(error: { readonly nodes?: GraphQLError['nodes'] }): boolean {
  return error.nodes?.length === 1 && error.nodes[0]?.kind === Kind.VARIABLE_DEFINITION
}

function isCode(code: string): code is Code {
  return Object.hasOwn(codes, code)
}

/** RFC 9457, for what is not GraphQL. */
export function problemOf(error: AnsweredError): { type: string; title: string; status: number; detail: string; code: string; request_id: string } & Record<string, unknown> {
  const { code, http, requestId, retryable: _retryable, ...details } = error.extensions
  return { type: 'about:blank', title: titles[http.status] ?? 'Error', status: http.status, detail: error.message, code, request_id: requestId, ...details }
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 406: 'Not Acceptable', 409: 'Conflict', 410: 'Gone', 413: 'Content Too Large',
  415: 'Unsupported Media Type', 422: 'Unprocessable Content', 429: 'Too Many Requests', 499: 'Client Closed Request', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout',
}
