import { openMysqlDatabase } from '../../connectors/mysql/database.ts'
import { conforms } from '../support/conformance.ts'
import { withEngine } from '../support/engines.ts'
import { keptLog } from '../support/kept-log.ts'
import { openMysqlSchema } from '../support/mysql.ts'
import { type DatabaseSubject, databaseChecks } from './database.ts'

let count = 0

withEngine('MYSQL_URL', 'on MySQL', url => {
  conforms('D-45 database in MySQL', databaseChecks, async (): Promise<DatabaseSubject> => {
    const schema = await openMysqlSchema(url, `Conf "${process.pid} ${count++}"`)
    const [database, other] = [openMysqlDatabase({ ...schema.reach, log: keptLog() }), openMysqlDatabase({ ...schema.reach, log: keptLog() })]
    return {
      database, other, schema: schema.name, exec: schema.exec,
      quoted: name => `\`${name.replaceAll('`', '``')}\``,
      types: {
        String: 'TEXT', Int: 'INT', Long: 'BIGINT', Float: 'DOUBLE', Decimal: 'TEXT', Boolean: 'BOOLEAN', Date: 'DATE', Time: 'TIME(6)', DateTime: 'TIMESTAMP(6) NULL', LocalDateTime: 'DATETIME(6)', UUID: 'UUID', Bytes: 'BLOB', JSON: 'JSON',
      },
      // A DECIMAL has one scale for all of its values.
      readAs: { Decimal: 'String' },
      async close() {
        await Promise.all([database.close(), other.close()])
        await schema.close()
      },
    }
  })
})
