import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqliteAuditLog } from '../../connectors/audit-log/index.ts'
import { conforms } from '../support/conformance.ts'
import { testScope } from '../support/scope.ts'
import { auditLogChecks } from './audit-log.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-log-'))
})
afterEach(() => rm(folder, { recursive: true }))

conforms('audit log in SQLite', auditLogChecks, async () => {
  const file = join(folder, 'audit.sqlite')
  const opened = [await openSqliteAuditLog({ file }), await openSqliteAuditLog({ file })] as const
  const open = [...opened]
  return {
    log: opened[0], other: opened[1],
    scope: (tenant, subject) => testScope({ tenant, ...(subject !== undefined && { caller: { subject } }) }),
    async tamper(sql) {
      const database = new DatabaseSync(file)
      try {
        database.exec(sql)
      } finally {
        database.close()
      }
    },
    async reopen() {
      for (const log of open.splice(0)) await log.close()
      open.push(await openSqliteAuditLog({ file }))
      return open[0] ?? opened[0]
    },
    async close() {
      for (const log of open) await log.close()
    },
  }
})
