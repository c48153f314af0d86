import type { ExecutionResult } from 'graphql'
import type { Client } from 'graphql-ws'
import { HubError } from '../../schema/errors.ts'
import { remoteError } from './errors.ts'
import type { SubgraphRequest } from './supergraph.ts'

/** Events waiting for their reader at most; a reader further behind is closed with SLOW_CONSUMER. */
const maxWaiting = 1_000

/** One subscription over the client's socket. What ends it early is thrown to the reader behind the events that came before. */
export async function subscribeRemote(service: string, client: Client, request: SubgraphRequest, redacted: (error: unknown) => unknown): Promise<AsyncIterable<ExecutionResult>> {
  const { document: query, variables, operationName, scope } = request
  const waiting: ExecutionResult[] = []
  let end: { readonly error?: unknown } | undefined
  let wake = () => {}

  const finish = (error?: unknown) => {
    end ??= error === undefined ? {} : { error }
    wake()
  }
  const stop = client.subscribe<Record<string, unknown>>({ query, variables: { ...variables }, operationName }, {
    next({ data, errors }) {
      if (end) return
      if (waiting.length >= maxWaiting) {
        finish(new HubError('SLOW_CONSUMER', `${maxWaiting} events of subgraph "${service}" wait for their reader.`, { service }))
        stop()
        return
      }
      waiting.push({ data, ...(errors && { errors: errors.map(error => remoteError(service, redacted(error))) }) })
      wake()
    },
    error: cause => finish(failureOf(service, cause, redacted)),
    complete: () => finish(),
  })
  const abort = () => {
    finish(scope.signal.reason)
    stop()
  }
  scope.signal.addEventListener('abort', abort, { once: true })

  const close = () => {
    scope.signal.removeEventListener('abort', abort)
    finish()
    stop()
  }
  const next = async (): Promise<IteratorResult<ExecutionResult, void>> => {
    for (;;) {
      const event = waiting.shift()
      if (event) return { done: false, value: event }
      if (end) {
        close()
        if (end.error !== undefined) {
          const { error } = end
          end = {}
          throw error
        }
        return { done: true, value: undefined }
      }
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  }
  return {
    [Symbol.asyncIterator]: () => ({
      next,
      async return() {
        waiting.length = 0
        close()
        return { done: true, value: undefined }
      },
    }),
  }
}

/** graphql-ws hands over a list of GraphQL errors, a close event of the socket, or an error of the connection. */
function failureOf(service: string, cause: unknown, redacted: (error: unknown) => unknown): unknown {
  if (Array.isArray(cause)) return remoteError(service, redacted(cause[0]))
  return new HubError('UPSTREAM_UNAVAILABLE', `The subscription to subgraph "${service}" broke off.`, { service }, { cause })
}
