import { appendFile } from 'node:fs/promises'
import { HubError } from '../../schema/errors.ts'
import type { LineageSink } from '../ports/lineage-sink.ts'

/** A file with one event a line, made where it is not there. Several processes may write it: each line is one write. */
export function fileLineage(file: string): LineageSink {
  return {
    async emit({ signal }, event) {
      signal.throwIfAborted()
      try {
        await appendFile(file, `${JSON.stringify(event)}\n`)
      } catch (cause) {
        throw new HubError('UPSTREAM_REJECTED', `An event of lineage cannot be written: ${cause instanceof Error ? cause.message : String(cause)}.`, {}, { cause })
      }
    },
  }
}

/** How long an answer is waited for. */
const answerMs = 10_000

/** A server that takes events by POST, as `/api/v1/lineage` of Marquez. The key, if there is one, goes with each as a bearer's. It is not followed to other places. */
export function httpLineage({ url, apiKey }: { readonly url: string; readonly apiKey?: string }): LineageSink {
  const { host } = new URL(url)
  return {
    async emit({ signal }, event) {
      signal.throwIfAborted()
      const headers = { 'content-type': 'application/json', ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) }
      let answer: Response
      try {
        answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(event), redirect: 'manual', signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]) })
        await answer.arrayBuffer()
      } catch (cause) {
        signal.throwIfAborted()
        throw new HubError('UPSTREAM_UNAVAILABLE', `${host}, which takes events of lineage, does not answer: ${reasonOf(cause)}.`, {}, { cause })
      }
      if (answer.ok) return
      const mayLater = answer.status >= 500 || answer.status === 408 || answer.status === 429
      throw new HubError(mayLater ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_REJECTED', `${host} answered an event of lineage with status ${answer.status}; 2xx is expected.`)
    },
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
