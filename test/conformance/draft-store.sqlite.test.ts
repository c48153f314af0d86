import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteDraftStore } from '../../connectors/draft-store/index.ts'
import { conforms } from '../support/conformance.ts'
import { testScope } from '../support/scope.ts'
import { draftStoreChecks } from './draft-store.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'draft-store-'))
})
afterEach(() => rm(folder, { recursive: true }))

conforms('draft store in SQLite', draftStoreChecks, async () => {
  const file = join(folder, 'drafts.sqlite')
  const opened = [await openSqliteDraftStore({ file }), await openSqliteDraftStore({ file })] as const
  const open = [...opened]
  return {
    store: opened[0], other: opened[1],
    scope: (tenant, subject) => testScope({ tenant, ...(subject !== undefined && { caller: { subject } }) }),
    async reopen() {
      for (const store of open.splice(0)) await store.close()
      open.push(await openSqliteDraftStore({ file }))
      return open[0] ?? opened[0]
    },
    async close() {
      for (const store of open) await store.close()
    },
  }
})
