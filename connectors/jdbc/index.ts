import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import { openMysqlDatabase } from '../mysql/database.ts'
import { openPostgresDatabase } from '../postgres/database.ts'
import type { Database } from '../ports/database.ts'
import type { Log } from '../ports/scope.ts'
import { openSqliteDatabase } from '../sqlite/database.ts'
import { mysqlAddress } from './mysql-address.ts'
import { postgresAddress } from './postgres-address.ts'
import { sqliteFile } from './sqlite-file.ts'

export interface JdbcOptions {
  /** `jdbc:postgresql://host:port/database?…`, `jdbc:mysql://host:port/database?…`, the same behind `jdbc:mariadb:`, or `jdbc:sqlite:path`. */
  readonly jdbcUrl: string
  /** Before those of the address. */
  readonly credentials?: { readonly user: string; readonly password: string }
  /** The folder below which files of databases are. */
  readonly root: string
  readonly log: Log
}

const mysql = async (rest: string, { credentials, log }: JdbcOptions) => openMysqlDatabase({ ...mysqlAddress(rest), ...credentials, log })

const drivers: Readonly<Record<string, (rest: string, options: JdbcOptions) => Promise<Database>>> = {
  async postgresql(rest, { credentials, log }) {
    return openPostgresDatabase({ ...postgresAddress(rest), ...credentials, log })
  },
  mysql,
  mariadb: mysql,
  async sqlite(rest, { root }) {
    return openSqliteDatabase({ file: await sqliteFile(rest, root) })
  },
}

/**
 * The database at an address as JDBC writes it; nothing is connected to yet. A system there is no driver for → UPSTREAM_REJECTED; an address of another form, or a parameter that is
 * not known → VALIDATION_ERROR; a file outside of the root → FORBIDDEN. The address may hold a password: no message quotes more of it than names.
 */
export async function openDatabase(options: JdbcOptions): Promise<Database> {
  const [, driver, rest] = /^jdbc:([A-Za-z0-9]+):(.*)$/s.exec(options.jdbcUrl) ?? []
  if (driver === undefined || rest === undefined) throw new HubError('VALIDATION_ERROR', 'The address of a database begins with "jdbc:" and its system, as in "jdbc:postgresql://host/database" and "jdbc:sqlite:data/orders.sqlite".')
  const open = Object.hasOwn(drivers, driver) ? drivers[driver] : undefined
  if (!open) throw new HubError('UPSTREAM_REJECTED', `No driver for "${driver}" is part of this build. There are ${Object.keys(drivers).map(name => `"${name}"`).join(', ')}.${didYouMean(driver, Object.keys(drivers))}`, { driver })
  return open(rest, options)
}
