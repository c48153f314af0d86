import pg from 'pg'
import { openPostgresAuditLog } from '../../connectors/audit-log/index.ts'
import { openPostgresDraftStore } from '../../connectors/draft-store/index.ts'
import { auditLogChecks, type AuditLogSubject } from '../conformance/audit-log.ts'
import { draftStoreChecks, type DraftStoreSubject } from '../conformance/draft-store.ts'
import { conforms } from '../support/conformance.ts'
import { type PostgresServer, postgresBin, startPostgres } from '../support/postgres.ts'
import { testScope } from '../support/scope.ts'

const suite = postgresBin ? describe : describe.skip

suite('needs PostgreSQL: server programs below /usr/lib/postgresql', () => {
  let server: PostgresServer
  let databases = 0
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  const { log } = testScope()
  const scope = (tenant?: string, subject?: string) => testScope({ tenant, ...(subject !== undefined && { caller: { subject } }) })

  /** Two handles on a database of their own, and more of them on demand; all are closed at the end. */
  async function handles<T extends { close(): Promise<void> }>(open: (url: string) => Promise<T>) {
    const name = `definitions_${++databases}`
    await server.exec(`CREATE DATABASE ${name}`)
    const url = server.url.replace(/postgres$/, name)
    const all: T[] = []
    const reopen = async () => {
      const opened = await open(url)
      all.push(opened)
      return opened
    }
    const [first, second] = [await reopen(), await reopen()]
    return { url, first, second, reopen, close: async () => void (await Promise.all(all.map(each => each.close()))) }
  }

  conforms('drafts over PostgreSQL', draftStoreChecks, async (): Promise<DraftStoreSubject> => {
    const { first, second, reopen, close } = await handles(url => openPostgresDraftStore({ url, log }))
    return { store: first, other: second, scope, reopen, close }
  })

  conforms('the audit log over PostgreSQL', auditLogChecks, async (): Promise<AuditLogSubject> => {
    const { url, first, second, reopen, close } = await handles(own => openPostgresAuditLog({ url: own, log }))
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
