import { GraphQLError, type ASTNode } from 'graphql'
import { asHubError, HubError } from '../../schema/errors.ts'
import { isObject } from './shape.ts'

/**
 * Any failure as clients see it: a HubError with its code, status and details; an error a subgraph answered as it wrote it, without stack traces; everything else as
 * INTERNAL with the detail hidden. The failure itself stays in `originalError`, for the log.
 */
export function graphqlError(failure: unknown, place: { readonly path?: readonly (string | number)[]; readonly nodes?: readonly ASTNode[] } = {}): GraphQLError {
  const cause = causeOf(failure)
  if (failure instanceof GraphQLError && cause instanceof GraphQLError) {
    const { stacktrace: _stacktrace, exception: _exception, ...extensions } = failure.extensions
    const own = isInput(failure) ? extensionsOf(new HubError('BAD_USER_INPUT', failure.message)) : { code: 'INTERNAL' }
    return new GraphQLError(failure.message, { ...place, originalError: cause, extensions: { ...own, ...extensions } })
  }
  const error = asHubError(cause)
  return new GraphQLError(error.message, { ...place, originalError: cause instanceof Error ? cause : error, extensions: extensionsOf(error) })
}

/** graphql-js wraps what a resolver or a scalar threw, sometimes twice. */
function causeOf(failure: unknown): unknown {
  return failure instanceof GraphQLError && failure.originalError ? causeOf(failure.originalError) : failure
}

/** graphql-js gives its refusals of arguments and variables no code. */
function isInput({ message }: GraphQLError): boolean {
  return /^(Argument|Variable) "/.test(message)
}

export function extensionsOf(error: HubError): Record<string, unknown> {
  const { http, retry } = error.info
  return { ...error.details, code: error.code, http: { status: http }, retryable: retry }
}

/** graphql-js says before it executes anything that variables are wrong: the request's fault. */
export function badInput(error: GraphQLError): GraphQLError {
  const extensions = { ...extensionsOf(new HubError('BAD_USER_INPUT', error.message)), ...error.extensions }
  return new GraphQLError(error.message, { nodes: error.nodes, originalError: error.originalError, extensions })
}

/** An error as a subgraph answered it, with the subgraph's name and, where it has none, a code. */
export function remoteError(service: string, error: unknown): GraphQLError {
  const { message, path, extensions } = isObject(error) ? error : {}
  const known = isObject(extensions) ? extensions : {}
  const isPath = Array.isArray(path) && path.every(part => typeof part === 'string' || typeof part === 'number')
  return new GraphQLError(typeof message === 'string' ? message : `Subgraph "${service}" answered an error without a message.`, {
    path: isPath ? path : undefined, extensions: { code: 'UPSTREAM_REJECTED', ...known, service },
  })
}
