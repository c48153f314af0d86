import type { IndexWriter } from '../../../../connectors/ports/index-writer.ts'
import { HubError } from '../../../../schema/errors.ts'
import { didYouMean } from '../../../../schema/names.ts'
import { quoteIdentifier } from '../../../../schema/quote.ts'
import type { elasticsearch as shape } from '../../document/targets.ts'
import { names } from '../../plan/relation.ts'
import type { Checked } from '../../xml/check.ts'
import type { RunContext } from '../parts.ts'
import { done, refuseRepeated, selectOf, type Target } from './target.ts'

/** Documents of an index. A merge puts them when everything of the run is ready, some thousand at a time; the run again puts the same. With overwrite a new index is full before it takes over the name. */
export const elasticsearchTarget: Target<Checked<typeof shape>> = {
  async prepare({ step, checked: { values: { connection, index, mode, keys = [] } }, from, mark }, context) {
    const { scope, workspace } = context
    const missing = keys.filter(key => !names(from.columns).includes(key))
    if (missing.length > 0) throw new HubError('VALIDATION_ERROR', `Rows for index "${index}" have no column ${missing.map(key => `"${key}"`).join(', ')}, by which documents are to be known.${didYouMean(missing[0] ?? '', names(from.columns))}`)
    const dataset = `${step.id} rows`
    await workspace.define(dataset, selectOf(from), from.columns)
    const rows = await workspace.keep(dataset)
    if (keys.length > 0) await refuseRepeated(quoteIdentifier(dataset), keys, index, context)
    const all = async () => (await workspace.read(selectOf({ ...from, sql: quoteIdentifier(dataset) }))).batches
    const into = { index, columns: from.columns, keys }
    const where = `elasticsearch ${connection}/${index}`

    const writer = await writerOf(connection, context)
    if (mode === 'merge') {
      return {
        rows, into: where, isDone: false,
        async commit() {
          try {
            await writer.merge(scope, into, await all())
          } finally {
            await writer.close()
          }
        },
        rollback: () => writer.close(),
      }
    }
    try {
      const prepared = await writer.replace(scope, { ...into, mark }, await all())
      if (prepared.wasCommitted) {
        await writer.close()
        return done(where)
      }
      return {
        rows, into: where, isDone: false,
        async commit() {
          await prepared.commit()
          await writer.close()
        },
        async rollback() {
          await prepared.rollback()
          await writer.close()
        },
      }
    } catch (error) {
      await writer.close()
      throw error
    }
  },
}

async function writerOf(connection: string, { parts: { indices } }: RunContext): Promise<IndexWriter> {
  if (!indices) throw new HubError('VALIDATION_ERROR', `The connection "${connection}" is not known here: connections are sources of a hub's catalog. Put the pipeline into the hub's folder and run it there.`)
  return indices(connection)
}
