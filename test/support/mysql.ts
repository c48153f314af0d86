import { createConnection } from 'mysql2/promise'
import type { MysqlDatabaseOptions } from '../../connectors/mysql/options.ts'

/** A database of a test's own, gone when it is closed. */
export interface MysqlSchema {
  readonly name: string
  /** How it is reached, as the server's owner. */
  readonly reach: MysqlDatabaseOptions & { readonly port: number; readonly user: string; readonly password: string }
  /** Runs statements, each for itself. Names are quoted as SQL does. */
  exec(...statements: readonly string[]): Promise<void>
  /** Rows of a statement, as arrays. */
  ask(sql: string): Promise<readonly (readonly unknown[])[]>
  close(): Promise<void>
}

let schemas = 0

export async function openMysqlSchema(url: string, name = `test_${process.pid}_${Date.now().toString(36)}_${schemas++}`): Promise<MysqlSchema> {
  const { hostname: host, port, username: user, password } = new URL(url)
  const quoted = `"${name.replaceAll('"', '""')}"`
  const connection = await createConnection({ host, port: Number(port), user, password, rowsAsArray: true, dateStrings: true, supportBigNumbers: true, bigNumberStrings: true })
  await connection.query(`SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES'), time_zone = '+00:00'`)
  await connection.query(`CREATE DATABASE ${quoted} CHARACTER SET utf8mb4`)
  await connection.query(`USE ${quoted}`)
  return {
    name,
    reach: { host, port: Number(port), database: name, user, password },
    async exec(...statements) {
      for (const statement of statements) await connection.query(statement)
    },
    async ask(sql) {
      const [rows] = await connection.query(sql)
      return rows as unknown as readonly (readonly unknown[])[]
    },
    async close() {
      await connection.query(`DROP DATABASE ${quoted}`)
      await connection.end()
    },
  }
}
