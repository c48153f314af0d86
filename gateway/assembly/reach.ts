import { realpath } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import type { Json } from '../../schema/values.ts'
import { resolveReferences, type SecretLookup } from '../catalog/secrets.ts'
import type { ApiEntry } from './declared.ts'

/** What sources and subgraphs declared through the API may reach. Catalog files, which the operator writes, reach everything. */
export const apiSettings = z.object({
  sourceFolders: z.array(z.string().min(1)).default([]).describe('Folders whose files may be read by sources declared through the API. None by default.'),
  secrets: z.array(z.string().min(1)).default([]).describe('References definitions given through the API may hold: env:NAME, or file:/absolute/path. None by default.'),
  hosts: z.array(z.string().min(1)).default([]).describe('Hosts, or host:port, that sources and subgraphs declared through the API may connect to. None by default.'),
})
export type ApiSettings = z.output<typeof apiSettings>

export interface Reach extends SecretLookup {
  readonly api: ApiSettings
}

type Definition = Readonly<Record<string, Json>>

/**
 * An entry given through the API as it is used: references in place, paths real. The answer holds secrets: it is neither stored nor shown. What lies outside of the
 * settings → FORBIDDEN, which names the setting and never a resolved value; a file that is not there → NOT_FOUND, but only where the caller may look.
 */
export async function withinReach<Entry extends ApiEntry>(entry: Entry, reach: Reach): Promise<Entry> {
  const { kind, definition } = entry
  if ((kind !== 'source' && kind !== 'subgraph') || !isMap(definition)) return entry
  const used = resolved(entry, definition, reach) as Definition
  if (kind === 'subgraph') return { ...entry, definition: checkedUrl(entry, used, reach) }
  if (used['trino'] !== undefined) throw new HubError('FORBIDDEN', `The source "${entry.name}" names a catalog of Trino, where anything may be. Through the API none is taken; the operator declares such a source in a catalog file.`, { source: entry.name })
  if (used['applications'] !== undefined) throw new HubError('FORBIDDEN', `The source "${entry.name}" grants its bucket to applications, whose pipelines would then write to where it says. Through the API none is taken; the operator declares such a source in a catalog file.`, { source: entry.name })
  switch (used['type']) {
    case 'files':
      return { ...entry, definition: await realPath(entry, used, 'root', reach) }
    case 'sqlite':
      return { ...entry, definition: await realPath(entry, used, 'file', reach) }
    case 'postgresql':
      return { ...entry, definition: checkedDatabase(entry, used, reach) }
    case 'cassandra':
      return { ...entry, definition: checkedHosts(entry, used, reach) }
    case 'elasticsearch':
      return { ...entry, definition: checkedUrls(entry, used, reach) }
    case 's3':
      return { ...entry, definition: checkedEndpoint(entry, used, reach) }
    default:
      return entry // no such type, which its form says
  }
}

/** Members that may hold a reference: nothing of them is ever shown. */
const secretMembers: Readonly<Record<string, RegExp>> = { source: /^(url(\[\d+\])?|user|password|apiKey|accessKeyId|secretAccessKey|sessionToken)$/, subgraph: /^headers\./ }

function resolved(entry: ApiEntry, value: Json, reach: Reach, path = ''): Json {
  if (Array.isArray(value)) return value.map((one, index) => resolved(entry, one, reach, `${path}[${index}]`))
  if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, resolved(entry, member, reach, path === '' ? name : `${path}.${name}`)]))
  if (typeof value !== 'string' || !value.includes('${')) return value
  for (const [, reference = ''] of value.matchAll(/(?<!\$)\$\{([^}]*)\}/g)) {
    if (!secretMembers[entry.kind]?.test(path)) throw forbidden(entry, 'api.secrets', `has "\${${reference}}" as its ${path}; references stand in ${entry.kind === 'source' ? 'url, user, password and keys' : 'headers'} only, where nothing shows what they hold`)
    if (!reach.api.secrets.some(allowed => reference === allowed || reference === `env:${allowed}`)) throw forbidden(entry, 'api.secrets', `refers to "\${${reference}}"`)
  }
  const { value: text, problems } = resolveReferences(value, sep, reach)
  if (problems.length > 0) throw new HubError('VALIDATION_ERROR', `The ${entry.kind} "${entry.name}" cannot be taken. ${problems.join(' ')}`, { problems: problems.map(message => ({ path, message })) })
  return text
}

async function realPath(entry: ApiEntry, definition: Definition, member: 'root' | 'file', { api }: Reach): Promise<Definition> {
  const written = definition[member]
  if (typeof written !== 'string') return definition
  const outside = forbidden(entry, 'api.sourceFolders', `has the ${member} "${written}"`)
  if (written.includes('\0')) throw outside
  let missing = false
  for (const folder of api.sourceFolders) {
    const real = await existing(resolve(folder))
    if (real === undefined) continue
    const wanted = resolve(real, isAbsolute(written) && isBelow(resolve(folder), written) ? relative(resolve(folder), written) : written)
    if (!isBelow(real, wanted)) continue
    const found = await existing(wanted)
    if (found === undefined) missing = true
    else if (isBelow(real, found)) return { ...definition, [member]: found }
  }
  if (missing) throw new HubError('NOT_FOUND', `The source "${entry.name}" has the ${member} "${written}", which does not exist.`, { source: entry.name })
  throw outside
}

/** Where the path really is, every link followed; undefined where nothing is. */
async function existing(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new HubError('FORBIDDEN', `"${path}" cannot be read.`, {}, { cause: error })
  }
}

function isBelow(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

/** Parameters of a PostgreSQL URL that name no file and no other host. */
const harmless: ReadonlySet<string> = new Set(['sslmode', 'application_name', 'connect_timeout'])

function checkedDatabase(entry: ApiEntry, definition: Definition, reach: Reach): Definition {
  const { url, host, port = 5432 } = definition
  if (typeof url !== 'string') {
    if (typeof host === 'string') checkHost(entry, host, String(port), reach)
    return definition
  }
  if (!URL.canParse(url) || !/^postgres(ql)?:\/\/[\x21-\x5b\x5d-\x7e]+$/.test(url)) throw new HubError('VALIDATION_ERROR', `The source "${entry.name}" cannot be taken. Its url is not of the form postgresql://user:password@host:port/database.`, { problems: [{ path: 'url', message: 'of the form postgresql://user:password@host:port/database' }] })
  const parsed = new URL(url)
  const strange = [...parsed.searchParams.keys()].filter(name => !harmless.has(name))
  if (strange.length > 0) throw new HubError('FORBIDDEN', `The source "${entry.name}" has a url with ${strange.map(name => `"${name}"`).join(', ')}, which may name files or other hosts. Through the API it takes ${[...harmless].join(', ')} only.`, { source: entry.name })
  checkHost(entry, parsed.hostname, parsed.port || '5432', reach)
  return definition
}

function checkedUrl(entry: ApiEntry, definition: Definition, reach: Reach): Definition {
  const { url } = definition
  if (typeof url !== 'string' || !URL.canParse(url)) return definition
  const parsed = new URL(url)
  checkHost(entry, parsed.hostname, parsed.port || (parsed.protocol === 'https:' ? '443' : '80'), reach)
  return definition
}

function checkedHosts(entry: ApiEntry, definition: Definition, reach: Reach): Definition {
  const { url, hosts = [] } = definition
  const listed = typeof url === 'string' ? (/^cassandra:\/\/(?:[^/@?#]*@)?([^/@?#]+)\//.exec(url)?.[1] ?? '').split(',') : [hosts].flat()
  for (const one of listed) {
    const [, host = '', port = '9042'] = /^(.*?)(?::(\d+))?$/.exec(String(one)) ?? []
    checkHost(entry, host, port, reach)
  }
  return definition
}

function checkedUrls(entry: ApiEntry, definition: Definition, reach: Reach): Definition {
  for (const url of [definition['url'] ?? []].flat()) checkedUrl(entry, { ...definition, url }, reach)
  return definition
}

function checkedEndpoint(entry: ApiEntry, definition: Definition, reach: Reach): Definition {
  const { endpoint, region = 'us-east-1' } = definition
  if (endpoint === undefined) checkHost(entry, `s3.${String(region)}.amazonaws.com`, '443', reach)
  else checkedUrl(entry, { url: endpoint }, reach)
  return definition
}

function checkHost(entry: ApiEntry, host: string, port: string, { api }: Reach): void {
  const given = host.toLowerCase()
  // A path is a socket on this machine, a list several hosts.
  const isName = given !== '' && !/[/,\\\s]/.test(decoded(given))
  if (isName && api.hosts.some(allowed => allowed.toLowerCase() === given || allowed.toLowerCase() === `${given}:${port}`)) return
  const isShown = !JSON.stringify((entry.definition as Definition)['url'] ?? '').includes('${')
  throw forbidden(entry, 'api.hosts', isShown ? `connects to "${host}:${port}"` : 'connects to a host')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return '/'
  }
}

function forbidden({ kind, name }: ApiEntry, setting: string, what: string): HubError {
  return new HubError('FORBIDDEN', `The ${kind} "${name}" ${what}. The setting ${setting} says what definitions given through the API may reach, and does not allow it; the operator adds it there, or declares the ${kind} in a catalog file.`, { [kind]: name, setting })
}

function isMap(value: Json): value is Definition {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
