import { existsSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { SourceInput } from '../../schema/catalog.ts'
import { nameProblem, reservedSources } from '../../schema/catalog-names.ts'
import { HubError } from '../../schema/errors.ts'

/** What a folder, a file or the URL of a system says of a source: a name for it, and how it is declared. Nothing there → NOT_FOUND; a URL nobody knows → VALIDATION_ERROR. */
export function sourceAt(from: string): { name: string; input: SourceInput } {
  // Nothing of an address is repeated: it may hold a password.
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(from) ?? []
  if (scheme !== undefined) {
    const at = systemsAt[scheme.toLowerCase()]
    if (!at) throw new HubError('VALIDATION_ERROR', `A source at ${scheme}:// cannot be looked into. Name ${whatInitTakes}.`)
    const found = at.input(from)
    if (!found) throw new HubError('VALIDATION_ERROR', `The ${scheme}:// URL is malformed. It has the form ${at.form}, with other characters than letters and digits percent-encoded.`)
    return { name: nameFrom(found.named), input: found.input }
  }
  if (!existsSync(from)) throw new HubError('NOT_FOUND', `There is no folder or file "${from}". Name ${whatInitTakes}.`, { from })
  const name = nameFrom(basename(from).replace(/\.[^.]*$/, ''))
  return { name, input: statSync(from).isDirectory() ? { type: 'files', root: from } : { type: 'sqlite', file: from } }
}

const whatInitTakes = 'a folder of files, a SQLite file, or a postgresql://, cassandra://, elasticsearch+http:// or s3:// URL'

interface SystemAt {
  readonly form: string
  /** Undefined: the URL has another form. */
  readonly input: (url: string) => { readonly named: string; readonly input: SourceInput } | undefined
}

const postgresAt: SystemAt = {
  form: 'postgresql://user:password@host:port/database',
  input: text => { const url = URL.parse(text); return url ? { named: url.pathname.slice(1), input: { type: 'postgresql', url: text } } : undefined },
}
const elasticsearchAt: SystemAt = {
  form: 'elasticsearch+http://user:password@host:9200 or elasticsearch+https://…',
  input: text => { const url = text.slice(text.indexOf('+') + 1); return URL.canParse(url) ? { named: 'elasticsearch', input: { type: 'elasticsearch', url } } : undefined },
}
const systemsAt: Readonly<Record<string, SystemAt>> = {
  postgres: postgresAt, postgresql: postgresAt, 'elasticsearch+http': elasticsearchAt, 'elasticsearch+https': elasticsearchAt,
  cassandra: {
    form: 'cassandra://user:password@host:port,host/keyspace?datacenter=name',
    input: text => { const [, keyspace] = /^[^/]+\/\/[^/?#]+\/([^/?#]+)(\?datacenter=[^&#]+)?$/.exec(text) ?? []; return keyspace === undefined ? undefined : { named: keyspace, input: { type: 'cassandra', url: text } } },
  },
  s3: {
    form: 's3://accessKeyId:secretAccessKey@bucket/prefix?endpoint=http://host:port&region=name',
    input: text => {
      const [, accessKeyId, secretAccessKey, bucket, prefix, parameters] = /^[^/]+\/\/(?:([^:/@?#]+):([^/@?#]+)@)?([^:/@?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(text)?.map(part => part && decoded(part)) ?? []
      const { endpoint, region, ...strange } = Object.fromEntries(new URLSearchParams(parameters ?? ''))
      if (!bucket || Object.keys(strange).length > 0) return undefined
      return { named: bucket, input: { type: 's3', bucket, ...(prefix ? { prefix } : {}), ...(endpoint ? { endpoint } : {}), ...(region ? { region } : {}), ...(accessKeyId ? { accessKeyId, secretAccessKey } : {}) } }
    },
  },
}

/** Undefined for what is not percent-encoded text. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** A name a source may have. */
function nameFrom(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^[^A-Za-z]+|_+$/g, '').toLowerCase()
  return plain === '' || nameProblem(plain) !== undefined || reservedSources.has(plain) ? `${plain || 'my'}_source` : plain
}
