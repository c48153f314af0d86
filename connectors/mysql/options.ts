import type { ConnectionOptions, SslOptions } from 'mysql2'
import { z } from 'zod'

/** How a database that pipelines read and write is reached. */
export const mysqlDatabaseOptions = z.strictObject({
  host: z.string().min(1),
  port: z.number().int().min(1).max(65_535).default(3306),
  /** Where tables are that are named without their schema, which is what MySQL calls a database. */
  database: z.string().min(1),
  user: z.string().optional(),
  password: z.string().optional(),
  /** `require` asks nobody who the server is, `verify-ca` wants a certificate that is trusted, `verify-full` one of this host. */
  tls: z.enum(['disable', 'require', 'verify-ca', 'verify-full']).default('disable'),
  /** How long a connection may take until it can be asked. */
  connectTimeoutMs: z.number().int().positive().default(10_000),
})
export type MysqlDatabaseOptions = z.input<typeof mysqlDatabaseOptions>

const tlsOptions: Record<z.output<typeof mysqlDatabaseOptions>['tls'], SslOptions | undefined> = {
  disable: undefined,
  require: { rejectUnauthorized: false },
  'verify-ca': { rejectUnauthorized: true, verifyIdentity: false },
  'verify-full': { rejectUnauthorized: true, verifyIdentity: true },
}

/** What mysql2 takes. Values come as the server has them, none through a double or a time zone; a statement is one statement, and a server that asks for a file of ours gets none. */
export function connectionOptions({ tls, connectTimeoutMs, host, port, database, user, password }: z.output<typeof mysqlDatabaseOptions>): ConnectionOptions {
  const ssl = tlsOptions[tls]
  return {
    host, port, database, ...(user !== undefined && { user }), ...(password !== undefined && { password }), ...(ssl && { ssl: { ...ssl } }), connectTimeout: connectTimeoutMs,
    rowsAsArray: true, supportBigNumbers: true, bigNumberStrings: true, dateStrings: true, jsonStrings: true, timezone: 'Z', multipleStatements: false, trace: false, maxPreparedStatements: 8,
    // IGNORE_SPACE would make words that are names elsewhere, such as `count`, functions in a query.
    flags: ['-LOCAL_FILES', '-IGNORE_SPACE'],
    connectAttributes: { program_name: 'tributary' },
  }
}

/** Texts that may stand in no message. */
export function secretsOf({ password }: z.output<typeof mysqlDatabaseOptions>): string[] {
  return password ? [password, encodeURIComponent(password)] : []
}
