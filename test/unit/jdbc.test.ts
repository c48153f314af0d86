import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openDatabase } from '../../connectors/jdbc/index.ts'
import { mysqlAddress } from '../../connectors/jdbc/mysql-address.ts'
import { postgresAddress } from '../../connectors/jdbc/postgres-address.ts'
import type { Row } from '../../schema/values.ts'
import { keptLog } from '../support/kept-log.ts'
import { testScope } from '../support/scope.ts'

const secret = 'hunter2&x/y%z'
let outside: string
let root: string

beforeAll(async () => {
  outside = await realpath(await mkdtemp(join(tmpdir(), 'jdbc-')))
  root = join(outside, 'root')
  await mkdir(join(root, 'data'), { recursive: true })
  await mkdir(join(outside, 'root-beside'))
  for (const file of ['outside.sqlite', 'root-beside/x.sqlite', 'root/data/in side.sqlite', 'root/file:uri.sqlite']) {
    const made = new DatabaseSync(join(outside, file))
    made.exec('CREATE TABLE t AS SELECT 1 AS n')
    made.close()
  }
  await writeFile(join(root, 'text.sqlite'), 'this is no database, whatever it is called, and it is long enough to be looked at as one; '.repeat(20))
  await symlink(join(root, 'data', 'in side.sqlite'), join(root, 'link.sqlite'))
  await symlink(join(outside, 'outside.sqlite'), join(root, 'out.sqlite'))
  await symlink(outside, join(root, 'up'))
  await symlink(root, join(outside, 'linked-root'))
})

afterAll(() => rm(outside, { recursive: true }))

const open = (jdbcUrl: string, from = root) => openDatabase({ jdbcUrl, root: from, log: keptLog() })

async function read(jdbcUrl: string, from = root): Promise<Row[]> {
  const database = await open(jdbcUrl, from)
  const rows: Row[] = []
  try {
    for await (const batch of (await database.read(testScope(), { texts: ['SELECT n FROM t'], values: [], fetchSize: 10 })).batches) rows.push(...batch)
  } finally {
    await database.close()
  }
  return rows
}

test.each(['data/in side.sqlite', './data/../data/in side.sqlite', 'link.sqlite', 'file:uri.sqlite', 'up/root/link.sqlite'])('D-45 a SQLite file is found below the root: %s', async path => {
  expect(await read(`jdbc:sqlite:${path}`)).toEqual([{ n: 1 }])
  expect(await read(`jdbc:sqlite:${path}`, join(outside, 'linked-root'))).toEqual([{ n: 1 }])
})

test('D-45 an absolute path is taken where it is below the root', async () => {
  expect(await read(`jdbc:sqlite:${join(root, 'link.sqlite')}`)).toEqual([{ n: 1 }])
})

test.each(['../outside.sqlite', 'data/../../outside.sqlite', 'out.sqlite', 'up/outside.sqlite', 'up/missing.sqlite', '../root-beside/x.sqlite', '../missing.sqlite', '/etc/passwd', '/etc/missing', '..', '/'])(
  'D-45 a path that leads out of the root is forbidden, whether there is a file or not: %s', async path => {
    await expect(open(`jdbc:sqlite:${path}`)).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining(`"${path}"`) })
  })

test('D-45 a file that is missing is not found, and none is made', async () => {
  for (const path of ['missing.sqlite', 'data/missing/x.sqlite', 'text.sqlite/x']) await expect(open(`jdbc:sqlite:${path}`)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(open('jdbc:sqlite:missing.sqlite')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('D-45 what is no database, or no file, is refused', async () => {
  await expect(open('jdbc:sqlite:data')).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
  await expect(read('jdbc:sqlite:text.sqlite')).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('not a database') })
})

test.each(['', ':memory:', 'a\0b', 'link.sqlite?mode=rwc', 'link.sqlite?journal_mode=WAL'])('D-45 an address of SQLite is a path and nothing else: %j', async rest => {
  await expect(open(`jdbc:sqlite:${rest}`)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
})

test.each([
  ['//db.example/crm', { host: 'db.example', port: 5432, database: 'crm', ssl: 'disable' }],
  ['//db.example:6543/crm?user=hub&password=s3cret', { port: 6543, user: 'hub', password: 's3cret' }],
  ['//[::1]:6543/crm', { host: '::1', port: 6543 }],
  ['//db/my%20crm?password=a%26b%2Fc%25', { database: 'my crm', password: 'a&b/c%' }],
  ['//hub:a%40b%3A@db/crm', { host: 'db', user: 'hub', password: 'a@b:' }],
  ['//hub:one@db/crm?user=other&password=two', { user: 'other', password: 'two' }],
  ['//db/crm?ssl=true', { ssl: 'verify-full' }], ['//db/crm?ssl=false', { ssl: 'disable' }],
  ['//db/crm?ssl=true&sslmode=require', { ssl: 'require' }], ['//db/crm?sslmode=verify-ca', { ssl: 'verify-ca' }],
  ['//db/crm?currentSchema=dbo', { schemas: ['dbo'] }], ['//db/crm?currentSchema=dbo,%20Other', { schemas: ['dbo', 'Other'] }],
  ['//db/crm?connectTimeout=3', { connectTimeoutMs: 3000 }],
])('D-45 an address of PostgreSQL has its parts: %s', (rest, parts) => {
  expect(postgresAddress(rest)).toMatchObject(parts)
})

test.each(['', 'crm', '//', '//db', '//db/', '///crm', '//db:0/crm', '//db:65536/crm', '//db:x/crm', '//one,two/crm', '//db/crm#x', '//db/%zz', '//d b/crm', '/db/crm', '//db/crm@x'])(
  'D-45 an address of PostgreSQL of another form is refused: %j', async rest => {
    await expect(open(`jdbc:postgresql:${rest}`)).rejects.toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('jdbc:postgresql://host:port/database') })
  })

test.each([
  ['usr=hub', 'Did you mean "user"?'], ['sslMode=require', 'Did you mean "sslmode"?'], ['currentschema=x', 'Did you mean "currentSchema"?'], ['options=-c%20x', '"currentSchema"'], ['__proto__=x', 'There are'],
  ['sslmode=prefer', 'verify-full'], ['sslmode=constructor', 'sslmode'], ['ssl=maybe', '"ssl"'], ['ssl=toString', '"ssl"'], ['connectTimeout=0', 'seconds'], ['user=a&user=b', 'twice'],
])('D-45 a parameter that is not known, or whose value is not, is refused with the way out: %s', async (query, said) => {
  await expect(open(`jdbc:postgresql://db/crm?${query}`)).rejects.toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining(said) })
})

test.each([
  ['//db.example/crm', { host: 'db.example', port: 3306, database: 'crm', tls: 'disable' }],
  ['//db.example:3307/crm?user=hub&password=s3cret', { port: 3307, user: 'hub', password: 's3cret' }],
  ['//[::1]:3307/my%20crm', { host: '::1', port: 3307, database: 'my crm' }],
  ['//hub:a%40b%3A@db/crm', { host: 'db', user: 'hub', password: 'a@b:' }], ['//hub:one@db/crm?user=other&password=two', { user: 'other', password: 'two' }],
  ['//db/crm?useSSL=true', { tls: 'require' }], ['//db/crm?useSSL=false', { tls: 'disable' }], ['//db/crm?useSSL=false&sslMode=VERIFY_CA', { tls: 'verify-ca' }],
  ['//db/crm?sslMode=REQUIRED', { tls: 'require' }], ['//db/crm?sslMode=VERIFY_IDENTITY', { tls: 'verify-full' }], ['//db/crm?sslMode=DISABLED', { tls: 'disable' }],
  ['//db/crm?sslMode=verify-full', { tls: 'verify-full' }], ['//db/crm?sslMode=trust', { tls: 'require' }],
  ['//db/crm?connectTimeout=3000', { connectTimeoutMs: 3000 }],
])('D-45 an address of MySQL has its parts: %s', (rest, parts) => {
  expect(mysqlAddress(rest)).toMatchObject(parts)
})

test.each(['mysql:', 'mysql:crm', 'mysql://db', 'mysql://db/', 'mariadb:///crm', 'mysql://db:0/crm', 'mysql://one,two/crm', 'mysql:replication://one/crm', 'mysql://address=(host=db)/crm', 'mysql://db/%zz'])(
  'D-45 an address of MySQL of another form is refused: %j', async rest => {
    await expect(open(`jdbc:${rest}`)).rejects.toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('jdbc:mysql://host:port/database') })
  })

test.each([
  ['usr=hub', 'Did you mean "user"?'], ['usessl=true', 'Did you mean "useSSL"?'], ['allowLoadLocalInfile=true', '"sslMode"'], ['allowMultiQueries=true', '"sslMode"'], ['autoDeserialize=true', '"sslMode"'],
  ['sslMode=PREFERRED', 'not left to the server'], ['sslMode=constructor', 'VERIFY_IDENTITY'], ['useSSL=maybe', '"useSSL"'], ['connectTimeout=0', 'milliseconds'], ['user=a&user=b', 'twice'],
])('D-45 a parameter of MySQL that is not known, or whose value is not, is refused with the way out: %s', async (query, said) => {
  for (const driver of ['mysql', 'mariadb']) await expect(open(`jdbc:${driver}://db/crm?${query}`)).rejects.toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining(said) })
})

test.each(['sqlserver://crm-host/db', 'oracle:thin:hub/pw@host', 'constructor:x', 'POSTGRESQL://host/db'])('D-45 a system without a driver is refused with those there are: jdbc:%s', async rest => {
  const driver = rest.slice(0, rest.indexOf(':'))
  await expect(open(`jdbc:${rest}`)).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringMatching(`^No driver for "${driver}" is part of this build. There are "postgresql", "mysql", "mariadb", "sqlite".`) })
})

test.each(['', 'jdbc:', 'postgresql://host/db', 'jdbc:://x', 'jdbc: sqlite:x', ' jdbc:sqlite:x'])('D-45 what is no JDBC address is refused: %j', async jdbcUrl => {
  await expect(open(jdbcUrl)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
})

test('D-45 a password is in no message and in no log, however the address is wrong', async () => {
  const raw = `hunter2&pw/y%z`
  const forms = [secret, encodeURIComponent(secret), raw]
  const urls = forms.flatMap(password => [
    `jdbc:mysql://hub:${password}@127.0.0.1:1/db`, `jdbc:mysql://hub:${password}@127.0.0.1:x/db`, `jdbc:mariadb://127.0.0.1:1/db?user=hub&password=${password}`, `jdbc:mysql://127.0.0.1:1/db?password=${password}&sslMode=${password}`, `jdbc:mysql://127.0.0.1:1/db?password=${password}&useSSL=${password}&connectTimeout=${password}`, `jdbc:sqlserver://host/db;user=hub;password=${password}`, `jdbc:oracle:thin:hub/${password}@host`, `postgresql://hub:${password}@host/db`, `${password}`,
    `jdbc:postgresql://hub:${password}@127.0.0.1:1/db`, `jdbc:postgresql://hub:${password}@127.0.0.1:x/db`, `jdbc:postgresql://127.0.0.1:1/db?user=hub&password=${password}`, `jdbc:postgresql://127.0.0.1:1/db?password=${password}&sslmode=${password}`,
    `jdbc:postgresql://127.0.0.1:1/db?password=${password}&ssl=${password}`, `jdbc:postgresql://127.0.0.1:1/db?password=${password}&password=${password}`, `jdbc:postgresql://127.0.0.1:1/db?password=${password}&connectTimeout=${password}`,
    `jdbc:sqlite:link.sqlite?password=${password}`, `jdbc:sqlite:link.sqlite?key=${password}&cipher=x`,
  ])
  for (const jdbcUrl of urls) {
    for (const credentials of [undefined, { user: 'hub', password: secret }]) {
      const log = keptLog()
      const error: unknown = await (async () => {
        const database = await openDatabase({ jdbcUrl, ...(credentials && { credentials }), root, log })
        try {
          await database.read(testScope(), { texts: ['SELECT 1 AS one'], values: [], fetchSize: 1 })
        } finally {
          await database.close()
        }
      })().catch((reason: unknown) => reason)
      expect(error).toMatchObject({ name: 'HubError' })
      expect([jdbcUrl, JSON.stringify([String(error), (error as { details: unknown }).details, log.lines])]).toEqual([jdbcUrl, expect.not.stringMatching(/hunter2|x\/y|pw\/y|x%2Fy/)])
    }
  }
})
