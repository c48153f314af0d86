import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'

/** How a cluster is reached. */
export const cassandraOptions = z.strictObject({
  /** Nodes asked first, `host` or `host:port`; the others are learnt from them. */
  hosts: z.array(z.string().min(1)).min(1).readonly(),
  keyspace: z.string().min(1),
  /** The datacenter whose nodes are asked. Absent: those of every one. */
  datacenter: z.string().min(1).optional(),
  user: z.string().optional(),
  password: z.string().optional(),
  /** How long making a connection may take. */
  connectTimeoutMs: z.number().int().positive().default(5_000),
  /** How long one page or one row may take, where the call's deadline is later. */
  readTimeoutMs: z.number().int().positive().default(30_000),
})
export type CassandraOptions = z.input<typeof cassandraOptions>

/** `cassandra://user:password@host:port,host/keyspace?datacenter=name`. Another form → CATALOG_INVALID, with nothing of the URL in it. */
export function fromUrl(source: string, url: string): CassandraOptions {
  const match = /^cassandra:\/\/(?:([^:/@?#]*)(?::([^/@?#]*))?@)?([^/@?#]+)\/([^/?#]+)(?:\?datacenter=([^&#]+))?$/.exec(url)
  const [user, password, hosts, keyspace, datacenter] = (match ?? []).slice(1).map(part => (part === undefined ? undefined : decoded(part)))
  const [first, ...others] = (hosts ?? '').split(',').filter(host => host !== '')
  if (!match || first === undefined || keyspace === undefined) throw new HubError('CATALOG_INVALID', `Source "${source}" has a url that is not of the form cassandra://user:password@host:port,host/keyspace?datacenter=name, with other characters than letters and digits percent-encoded.`, { source })
  return { hosts: [first, ...others], keyspace, datacenter, user, password }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
