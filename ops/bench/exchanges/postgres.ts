import { randomBytes } from 'node:crypto'
import pg from 'pg'

export interface OwnDatabase {
  readonly url: string
  drop(): Promise<void>
}

/** A database of its own on a server, for hubs that share their runs. */
export async function ownDatabase(server: string | undefined): Promise<OwnDatabase> {
  if (server === undefined) throw new Error('Several hubs share their runs in PostgreSQL, and POSTGRES_URL is not set. Start it (npm run engines -- up postgres) and take over what "npm run --silent engines -- env" prints; or take --hubs 1.')
  const name = `exchanges_${randomBytes(4).toString('hex')}`
  await inServer(server, `CREATE DATABASE ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => inServer(server, `DROP DATABASE ${name} WITH (FORCE)`) }
}

async function inServer(server: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
