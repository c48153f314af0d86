import { type database, targetTable } from '../../document/targets.ts'
import { type Checked, childrenOf } from '../../xml/check.ts'
import { credentialsOf } from '../sources.ts'
import { selectOf, type Target } from './target.ts'

/** A table of a database. Its rows go in within one transaction, which is open until everything of the run is ready. */
export const databaseTarget: Target<Checked<typeof database>> = {
  async prepare({ checked, from, schema, mark }, context) {
    const { jdbcUrl, userSecretRef, mode, writeBatchSize, isolationLevel, keys: given } = checked.values
    const [named] = childrenOf(checked, targetTable)
    const table = named?.values.name ?? ''
    const keys = given ?? schema?.keys
    let isOpen = true
    const connected = await context.parts.openDatabase(jdbcUrl, await credentialsOf(userSecretRef, context))
    try {
      const { columns, batches } = await context.workspace.read(selectOf(from))
      const write = await connected.write(context.scope, { table, columns, mode, batchSize: writeBatchSize, mark, ...(mode === 'merge' && keys && { keys }), ...(isolationLevel && { isolation: isolationLevel }) }, batches)
      return {
        rows: write.rowsWritten, into: `${connected.driver} ${table}`, isDone: write.wasWritten,
        async commit() {
          await write.commit()
          isOpen = false
          await connected.close()
        },
        async rollback() {
          if (!isOpen) return
          isOpen = false
          await write.rollback()
          await connected.close()
        },
      }
    } catch (error) {
      await connected.close()
      throw error
    }
  },
}
