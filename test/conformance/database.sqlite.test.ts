import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqliteDatabase } from '../../connectors/sqlite/database.ts'
import { quoteIdentifier } from '../../schema/quote.ts'
import { conforms } from '../support/conformance.ts'
import { type DatabaseSubject, databaseChecks } from './database.ts'

/** How the file keeps what is not committed yet. */
const journals = ['DELETE', 'WAL'] as const

for (const journal of journals) {
  conforms(`D-45 database in SQLite, journal ${journal}`, databaseChecks, async (): Promise<DatabaseSubject> => {
    const directory = await mkdtemp(join(tmpdir(), 'database-'))
    const file = join(directory, 'data.sqlite')
    const outside = new DatabaseSync(file)
    outside.exec(`PRAGMA journal_mode = ${journal}`)
    const [database, other] = [openSqliteDatabase({ file }), openSqliteDatabase({ file })]
    return {
      database, other, schema: 'main', quoted: quoteIdentifier,
      types: {
        String: 'TEXT', Int: 'INTEGER', Long: 'BIGINT', Float: 'REAL', Decimal: 'TEXT', Boolean: 'BOOLEAN', Date: 'DATE', Time: 'TIME', DateTime: 'TIMESTAMP', LocalDateTime: 'DATETIME', UUID: 'UUID', Bytes: 'BLOB', JSON: 'JSON',
      },
      readAs: { Decimal: 'String', Time: 'String' },
      async exec(...statements) {
        for (const statement of statements) outside.exec(statement)
      },
      async close() {
        outside.close()
        await Promise.all([database.close(), other.close()])
        await rm(directory, { recursive: true })
      },
    }
  })
}
