import pg from 'pg'
import { openPostgresAuditLog } from '../../connectors/audit-log/index.ts'
import { openPostgresDraftStore } from '../../connectors/draft-store/index.ts'
import { auditLogChecks, type AuditLogSubject } from '../conformance/audit-log.ts'
import { draftStoreChecks, type DraftStoreSubject } from '../conformance/draft-store.ts'
import { conforms } from '../support/conformance.ts'
import { startPostgres, withOwnPostgres } from '../support/postgres.ts'
import { testScope } from '../support/scope.ts'

withOwnPostgres(own => {
  const { log } = testScope()
  const scope = (tenant?: string, subject?: string) => testScope({ tenant, ...(subject !== undefined && { caller: { subject } }) })

  conforms('drafts over PostgreSQL', draftStoreChecks, async (): Promise<DraftStoreSubject> => {
    const { first, second, reopen, close } = await own.handles(url => openPostgresDraftStore({ url, log }))
    return { store: first, other: second, scope, reopen, close }
  })

  conforms('the audit log over PostgreSQL', auditLogChecks, async (): Promise<AuditLogSubject> => {
    const { url, first, second, reopen, close } = await own.handles(at => openPostgresAuditLog({ url: at, log }))
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query('SET search_path TO tributary')
    return {
      log: first, other: second, scope, reopen,
      tamper: async sql => void (await client.query(sql)),
      async close() {
        await client.end()
        await close()
      },
    }
  })

  test('a server that is gone is said to be, without the password', async () => {
    const own = await startPostgres()
    const [drafts, audit] = [await openPostgresDraftStore({ url: own.url, log }), await openPostgresAuditLog({ url: own.url, log })]
    await own.stop()
    const failure = { code: 'UPSTREAM_UNAVAILABLE', message: expect.not.stringContaining(own.password) }
    await expect(drafts.draft(scope(), 'a')).rejects.toMatchObject(failure)
    await expect(audit.verify(scope(), [])).rejects.toMatchObject(failure)
    await drafts.close()
    await audit.close()
  })
})
