import { z } from 'zod'
import { type ClientOptions, Serializer } from '@elastic/elasticsearch'
import { HubError } from '../../schema/errors.ts'
import { parseWithBigints } from '../../schema/exact-json.ts'

/** How a cluster is reached. */
export const elasticsearchOptions = z.strictObject({
  /** `http://user:password@host:9200`, of one node or several. */
  urls: z.array(z.string().min(1)).min(1).readonly(),
  /** Names of the indices, aliases and data streams that are its tables; `*` stands for any text. */
  indices: z.array(z.string().min(1)).min(1).readonly().default(['*']),
  user: z.string().optional(),
  password: z.string().optional(),
  /** Instead of user and password, as Elasticsearch encodes it. */
  apiKey: z.string().optional(),
  /** How long one page may take, where the call's deadline is later. */
  requestTimeoutMs: z.number().int().positive().default(30_000),
})
export type ElasticsearchOptions = z.input<typeof elasticsearchOptions>

/** The client's serializer, but integers beyond 2^53 are read as bigints. */
class ExactSerializer extends Serializer {
  override deserialize<T = unknown>(text: string): T {
    return parseWithBigints(text) as T
  }
}

/** What the client takes. A url of another form → CATALOG_INVALID, with nothing of it in the message. */
export function clientOptions(source: string, { urls, user, password = '', apiKey }: z.output<typeof elasticsearchOptions>): ClientOptions {
  const parsed = urls.map(url => (/^https?:\/\//.test(url) ? URL.parse(url) : null))
  if (parsed.some(url => url === null)) throw new HubError('CATALOG_INVALID', `Source "${source}" has a url that is not of the form http://host:9200 or https://user:password@host, with other characters than letters and digits percent-encoded.`, { source })
  const auth = apiKey !== undefined ? { apiKey } : user !== undefined ? { username: user, password } : undefined
  return { nodes: [...urls], ...(auth ? { auth } : {}), Serializer: ExactSerializer, enableMetaHeader: false, maxRetries: 2 }
}

/** Texts that may stand in no message. */
export function secretsOf({ urls, password, apiKey }: z.output<typeof elasticsearchOptions>): string[] {
  const inUrls = urls.flatMap(url => { const written = URL.parse(url)?.password ?? ''; return [written, decoded(written)] })
  return [password, apiKey, ...inUrls].filter((secret): secret is string => secret !== undefined && secret !== '')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
