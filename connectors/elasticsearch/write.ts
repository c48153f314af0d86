import { createHash } from 'node:crypto'
import { Client } from '@elastic/elasticsearch'
import { HubError } from '../../schema/errors.ts'
import type { Row } from '../../schema/values.ts'
import type { IndexWrite, IndexWriter, PreparedIndex } from '../ports/index-writer.ts'
import { pause, type Scope } from '../ports/scope.ts'
import { linesOf, mappingOf } from './documents.ts'
import { asSourceError } from './errors.ts'
import { clientOptions, type ElasticsearchOptions, elasticsearchOptions, secretsOf } from './options.ts'

/** A bulk request ends with either. */
const mostOfBulk = { rows: 5_000, bytes: 5_000_000 }
const attempts = 5
const firstDelayMs = 500

/** Writes to the cluster of a source. Nothing is asked before the first write. */
export function openIndexWriter(given: ElasticsearchOptions & { readonly name: string }): IndexWriter {
  const { name: source, ...rest } = given
  const options = elasticsearchOptions.parse(rest)
  const secrets = secretsOf(options)
  const client = new Client(clientOptions(source, options))

  async function asked<T>({ signal }: Scope, work: (limits: { readonly signal: AbortSignal; readonly requestTimeout: number }) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    try {
      return await work({ signal, requestTimeout: options.requestTimeoutMs })
    } catch (error) {
      signal.throwIfAborted()
      throw asSourceError(source, error, secrets)
    }
  }

  const make = (scope: Scope, index: string, { columns }: IndexWrite) => asked(scope, limits => client.indices.create({ index, mappings: mappingOf(columns) }, limits))
  const drop = (scope: Scope, index: string) => asked(scope, limits => client.indices.delete({ index, ignore_unavailable: true }, limits))

  /** Indices behind a name: those of an alias, or the one that is called so. */
  async function behind(scope: Scope, name: string): Promise<{ readonly indices: readonly string[]; readonly isAlias: boolean }> {
    if (await asked(scope, limits => client.indices.existsAlias({ name }, limits))) return { indices: Object.keys(await asked(scope, limits => client.indices.getAlias({ name }, limits))), isAlias: true }
    return { indices: (await asked(scope, limits => client.indices.exists({ index: name }, limits))) ? [name] : [], isAlias: false }
  }

  /** Documents the cluster has no room for just now are sent again; others it does not take end it. */
  async function send(scope: Scope, index: string, lines: readonly (readonly [string, string])[]): Promise<void> {
    let left = lines
    for (let attempt = 1; left.length > 0; attempt += 1) {
      const sent = left
      const answer = await asked(scope, limits => client.bulk({ index, operations: sent.flat() }, limits))
      if (!answer.errors) return
      const results = answer.items.map(item => item.index)
      const refused = results.flatMap(result => (result?.error && result.status !== 429 ? [`${result._id ?? 'one'}: ${result.error.reason ?? result.error.type}`] : []))
      if (refused.length > 0) throw new HubError('UPSTREAM_REJECTED', `Source "${source}" did not take ${refused.length} of ${sent.length} documents for "${index}", such as ${refused.slice(0, 3).join('; ')}.`, { source })
      left = sent.filter((_, place) => results[place]?.error)
      if (attempt === attempts) throw new HubError('UPSTREAM_UNAVAILABLE', `Source "${source}" has no room for ${left.length} documents of "${index}" after ${attempts} attempts.`, { source })
      await pause(scope, firstDelayMs * 2 ** (attempt - 1))
    }
  }

  /** Answers how many. */
  async function fill(scope: Scope, index: string, into: IndexWrite, rows: AsyncIterable<readonly Row[]>): Promise<number> {
    let lines: (readonly [string, string])[] = []
    let bytes = 0
    let written = 0
    const flush = async () => {
      try {
        await send(scope, index, lines)
      } catch (error) {
        if (written === 0 || !(error instanceof HubError)) throw error
        throw new HubError(error.code, `${written} documents are in "${index}". ${error.message}`, error.details, { cause: error })
      }
      written += lines.length
      lines = []
      bytes = 0
    }
    for await (const batch of rows) {
      for (const row of batch) {
        const pair = linesOf(row, into)
        lines.push(pair)
        bytes += pair[0].length + pair[1].length
        if (lines.length >= mostOfBulk.rows || bytes >= mostOfBulk.bytes) await flush()
      }
    }
    if (lines.length > 0) await flush()
    await asked(scope, limits => client.indices.refresh({ index }, limits))
    return written
  }

  return {
    async merge(scope, into, rows) {
      const { indices } = await behind(scope, into.index)
      if (indices.length === 0) await make(scope, into.index, into)
      await fill(scope, into.index, into, rows)
    },

    async replace(scope, into, rows): Promise<PreparedIndex> {
      const { index: name, mark } = into
      const fresh = `${name}-${createHash('sha256').update(mark).digest('hex').slice(0, 16)}`
      const before = await behind(scope, name)
      if (before.isAlias && before.indices.includes(fresh)) return { rows: 0, wasCommitted: true, commit: async () => undefined, rollback: async () => undefined }
      // An attempt that was killed may have left a part of it.
      await drop(scope, fresh)
      await make(scope, fresh, into)
      let isOpen = true
      try {
        return {
          rows: await fill(scope, fresh, into, rows), wasCommitted: false,
          async commit() {
            const { indices, isAlias } = await behind(scope, name)
            const removed = indices.map(index => (isAlias ? { remove: { index, alias: name } } : { remove_index: { index } }))
            await asked(scope, limits => client.indices.updateAliases({ actions: [...removed, { add: { index: fresh, alias: name } }] }, limits))
            isOpen = false
            if (isAlias) for (const index of indices.filter(own => own.startsWith(`${name}-`))) await drop(scope, index)
          },
          async rollback() {
            if (isOpen) await drop({ ...scope, signal: new AbortController().signal }, fresh)
            isOpen = false
          },
        }
      } catch (error) {
        await drop({ ...scope, signal: new AbortController().signal }, fresh)
        throw error
      }
    },

    async close() {
      await client.close()
    },
  }
}
