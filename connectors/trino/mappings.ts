import { Client, type estypes } from '@elastic/elasticsearch'
import type { ElasticsearchSource } from '../../schema/catalog.ts'
import { asSourceError } from '../elasticsearch/errors.ts'
import { clientOptions, elasticsearchOptions, secretsOf } from '../elasticsearch/options.ts'
import type { Scope } from '../ports/scope.ts'

/** What makes the value of a field another than the one that was written: the value of nulls, a normalizer, what other fields are copied to, and what cannot be read. */
const remaking = ['null_value', 'normalizer', 'copy_to', 'ignore_malformed']

/** Indices, aliases and data streams of which Trino would read other values than Elasticsearch answers, since it reads documents as they were written. Two requests. */
export async function readOtherwise(scope: Scope, { name, urls, indices, user, password, apiKey }: ElasticsearchSource): Promise<ReadonlySet<string>> {
  const options = elasticsearchOptions.parse({ urls, indices, user, password, apiKey })
  const client = new Client(clientOptions(name, options))
  const limits = { signal: scope.signal, requestTimeout: options.requestTimeoutMs }
  try {
    const { aliases, data_streams } = await client.indices.resolveIndex({ name: [...options.indices], expand_wildcards: 'open' }, limits)
    const mappings = await client.indices.getMapping({ index: [...options.indices], expand_wildcards: ['open', 'hidden'], allow_no_indices: true }, limits)
    const remade = new Set(Object.entries(mappings).flatMap(([index, { mappings: mapping }]) => (isRemade(mapping) ? [index] : [])))
    const over = [...aliases.map(one => ({ name: one.name, of: [one.indices].flat() })), ...data_streams.map(one => ({ name: one.name, of: [one.backing_indices].flat() }))]
    return new Set([...remade, ...over.flatMap(one => (one.of.some(index => remade.has(index)) ? [one.name] : []))])
  } catch (error) {
    scope.signal.throwIfAborted()
    throw asSourceError(name, error, secretsOf(options))
  } finally {
    await client.close()
  }
}

/** Fields below others are no matter: their column is JSON here, and a row in Trino. */
function isRemade({ properties = {}, _source }: estypes.MappingTypeMapping): boolean {
  return _source !== undefined || Object.values(properties).some(property => remaking.some(name => name in property))
}
