import type { ClientConfig } from 'pg'
import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'

/** The options of a source of type `postgresql` in the catalog, beside its type: a `url`, or its parts. */
export const postgresOptions = z.strictObject({
  /** `postgresql://user:password@host:port/database?sslmode=…` */
  url: z.string().optional(),
  host: z.string().optional(),
  port: z.number().int().min(1).max(65_535).optional(),
  database: z.string().optional(),
  user: z.string().optional(),
  password: z.string().optional(),
  /** The schema whose tables are the source's. */
  schema: z.string().min(1).default('public'),
  /** Connections open at the same time, at most. A scan holds one until it ends. */
  maxConnections: z.number().int().positive().default(8),
  /** How long a call waits for a connection. */
  connectTimeoutMs: z.number().int().positive().default(10_000),
})
export type PostgresOptions = z.input<typeof postgresOptions>

/** How a database that pipelines read and write is reached. */
export const postgresDatabaseOptions = postgresOptions.omit({ url: true, schema: true }).extend({
  host: z.string().min(1),
  database: z.string().min(1),
  /** Where tables are that are named without their schema, first found first; absent: as the server has it for the user. */
  schemas: z.array(z.string().min(1)).min(1).optional(),
  /** As in sslmode: `require` asks nobody who the server is, `verify-ca` wants a certificate that is trusted, `verify-full` one of this host. */
  ssl: z.enum(['disable', 'require', 'verify-ca', 'verify-full']).default('disable'),
})
export type PostgresDatabaseOptions = z.input<typeof postgresDatabaseOptions>

const tls: Record<z.output<typeof postgresDatabaseOptions>['ssl'], ClientConfig['ssl']> = {
  disable: false,
  require: { rejectUnauthorized: false },
  'verify-ca': { rejectUnauthorized: true, checkServerIdentity: () => undefined },
  'verify-full': { rejectUnauthorized: true },
}

export function databaseConfig({ ssl, schemas: _, ...parts }: z.output<typeof postgresDatabaseOptions>): ClientConfig {
  return { ...clientConfig(parts.database, parts), ssl: tls[ssl] }
}

/** What pg takes. A url of another form → CATALOG_INVALID. */
export function clientConfig(source: string, { url, host, port, database, user, password }: Omit<z.output<typeof postgresOptions>, 'schema'>): ClientConfig {
  const application_name = 'tributary'
  if (url === undefined) return { host, port, database, user, password, application_name }
  // The URL holds the password: no message and no cause may quote it.
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url) || !isDecodable(url)) throw new HubError('CATALOG_INVALID', `Source "${source}" has a url that is not of the form postgresql://user:password@host:port/database, with other characters than letters and digits percent-encoded.`, { source })
  return { connectionString: url, application_name }
}

function isDecodable(url: string): boolean {
  try {
    return decodeURIComponent(url) !== ''
  } catch {
    return false
  }
}

/** Texts that may stand in no message. */
export function secretsOf({ url, password }: Pick<z.output<typeof postgresOptions>, 'url' | 'password'>): string[] {
  const inUrl = url && URL.canParse(url) ? new URL(url).password : ''
  return [url, password, encodeURIComponent(password ?? ''), inUrl, decodeURIComponent(inUrl)].filter((secret): secret is string => secret !== undefined && secret !== '')
}
