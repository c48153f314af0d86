import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { consistencyLevels } from '../schema/consistency.ts'
import { HubError, type Problem } from '../schema/errors.ts'
import { findings, pathText, unknownKey, valueAt, type Finding, type Path } from '../schema/findings.ts'
import { didYouMean } from '../schema/names.ts'
import { apiSettings } from './assembly/reach.ts'
import { apiKeySettings, authSettings } from './auth/settings.ts'
import { parseYaml, type YamlFile } from './catalog/yaml.ts'
import { parseArguments, type Flag } from './commands/arguments.ts'
import { optionsOf, settingFrom, type Option } from './commands/options.ts'
import { frontSettings } from './http/settings.ts'
import { persistedSettings } from './limits/settings.ts'

const path = z.string().min(1)
/** A host's name or IPv4 address, and a port. */
const broker = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/

/** A host's name, IPv4 or bracketed IPv6 address, and a port or none. */
const igniteHost = /^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(:([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]))?$/

/** As DuckDB takes it. */
const size = /^\d+(\.\d+)?\s?(MB|GB|TB|MiB|GiB|TiB)$/

/** Everything that can be set. Parts declare their own settings; here they meet. */
const settings = z.object({
  catalog: path.optional().describe('The catalog: a YAML or JSON file, or a folder of them. Default hub.yaml, where there is one.'),
  data: path.default('./data').describe('Folder for what has to outlive the process. Made when it is missing.'),
  cursorSecret: z.string().min(16, { error: 'is too short: give it 16 characters or more.' }).optional().describe('Signs cursors: hubs that are given the same take each other\'s. Absent: made once, and kept with what is declared through the API.'),
  workers: z.int().min(1).max(64).default(1).describe('Processes that take requests, for as many cores. 1: the hub takes them itself.'),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('Least level that is logged.'),
  ...frontSettings.shape,
  persisted: persistedSettings
    .extend({ trustedFile: path.optional().describe('JSON file with the trusted documents: text by the SHA-256 of the text. Beside those under `trusted`.') })
    .prefault({}),
  auth: authSettings
    .extend({ apiKeysFile: path.optional().describe('YAML or JSON file with a list of API keys, in the form of `apiKeys` and beside those.') })
    .prefault({}),
  api: apiSettings.prefault({}),
  engines: z
    .object({
      igniteHosts: z.array(z.string().regex(igniteHost, { error: issue => `"${String(issue.input)}" is not a node: host or host:port, as ignite-0.ignite:10800.` })).min(1, { error: 'names no node: host or host:port, as ignite-0.ignite:10800; several with commas between.' }).optional().describe('Apache Ignite nodes that keep the regions, host or host:port of the client port each, 10800 where none is written. Also IGNITE_HOST_1, IGNITE_HOST_2 and so on.'),
      igniteUser: z.string().min(1).optional().describe('Who the hub is to Ignite. Also IGNITE_USER.'),
      ignitePassword: z.string().min(1).optional().describe('Password of that user. Also IGNITE_PASSWORD.'),
      igniteTls: z.boolean().default(false).describe('Whether connections to Ignite are encrypted and its certificate is checked. Also IGNITE_TLS.'),
      igniteNamespace: z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, { error: issue => `"${String(issue.input)}" is not a namespace: a lower-case letter, then letters, digits and _, at most 32 in all.` }).default('tributary').describe('In front of the names of caches in Ignite: hubs of one namespace share their regions. Also IGNITE_NAMESPACE.'),
      kafkaBrokers: z.array(z.string().regex(broker, { error: issue => `"${String(issue.input)}" is not a broker: host:port, as kafka:9092.` })).min(1, { error: 'names no broker: host:port, as kafka:9092; several with commas between.' }).optional().describe('Kafka brokers that keep the topics, host:port each; the others of their cluster are learned from them. Also KAFKA_BROKER.'),
      regionChangesRetentionMs: z.int().min(60_000).default(86_400_000).describe('How long a subscription can be resumed on any hub, where regions are on Ignite and Kafka keeps their changes, in milliseconds. Whole segments older than this are deleted.'),
      postgresUrl: z.string().regex(/^postgres(ql)?:\/\/\S+$/, { error: 'is not of the form postgresql://user:password@host:port/database' }).optional().describe('PostgreSQL that keeps what is declared through the API, its history and the audit trail, for every hub that names it; absent: a file in the data folder. Also POSTGRES_URL.'),
      trinoUrl: z.url({ protocol: /^https?$/, error: issue => `"${String(issue.input)}" is not the address of a Trino: http(s)://host:port.` }).optional().describe('Trino that runs the statements whose tables it can all read; the others run embedded. Also TRINO_URL.'),
      trinoUser: z.string().min(1).default('tributary').describe('Whose name statements run under in Trino. Also TRINO_USER.'),
      trinoPassword: z.string().min(1).optional().describe('Password of that user, over https. Also TRINO_PASSWORD.'),
      schemaRegistryUrl: z.url({ protocol: /^https?$/ }).optional().describe('Confluent-compatible registry with the schemas of values in topics. Also SCHEMA_REGISTRY_URL.'),
    })
    .prefault({}),
  pipelines: z
    .object({
      folder: path.optional().describe('Folder with the pipelines of the hub: applications/APP/LAYER/pipelines/*.xml, and what they share below common. Their data is in data/applications/APP beside it.'),
      dataSource: z.string().min(1).optional().describe('Source of type s3 of the catalog that has the data of applications, each below APP/ of its prefix, in the place of these folders; SQLite files stay in them.'),
      slots: z.int().min(0).max(64).default(1).describe('Runs of pipelines and jobs at a time in this process, a job with up to two of its pipelines. 0: none; others have to take them.'),
      schedules: z.boolean().default(true).describe('Whether this hub puts runs into the queue when the schedules of its folder say so. Several hubs of a store may.'),
      tenant: z.string().min(1).max(64).default('public').describe('Whose runs those of schedules and of the command line are.'),
      environment: z.enum(['DEV', 'QA', 'PROD']).default('DEV').describe('Which environment the hub is: its overlay holds, and queries of pipelines know it as :env. QA and PROD run what was promoted to them, once something was.'),
      memoryLimit: z.string().regex(size, { error: issue => `"${String(issue.input)}" is not a size: a number with MB or GB, as 2GB.` }).default('1GB').describe('What one run of a pipeline may hold in memory; the rest of its rows waits on disk.'),
      tempLimit: z.string().regex(size, { error: issue => `"${String(issue.input)}" is not a size: a number with MB or GB, as 100GB.` }).default('50GB').describe('What one run may have on disk for that; a run that needs more fails.'),
      threads: z.int().min(1).max(256).optional().describe('Cores one run may use. Absent: all.'),
      trinoCatalog: z.string().regex(/^[a-z][a-z0-9_]*$/, { error: issue => `"${String(issue.input)}" is not the name of a catalog of Trino.` }).optional().describe('Catalog of Trino that runs hold their rows in: with it, and the address of a Trino, runs are computed there; else by DuckDB in this process.'),
      secretsFolder: path.optional().describe('Folder with one file for each secret that pipelines name. Variables TRIBUTARY_SECRET_NAME come before it.'),
      vaultUrl: z.url({ protocol: /^https?$/, error: issue => `"${String(issue.input)}" is not the address of a Vault: http(s)://host:port.` }).optional().describe('HashiCorp Vault with secrets that are in neither. Also VAULT_ADDR.'),
      vaultMount: z.string().min(1).default('secret').describe('Where its engine of keys and values, version 2, is mounted.'),
      vaultToken: z.string().min(1).optional().describe('Who the hub is to Vault. Also VAULT_TOKEN.'),
      vaultNamespace: z.string().min(1).optional().describe('Namespace of Vault. Also VAULT_NAMESPACE.'),
      smtpUrl: z.string().regex(/^smtps?:\/\/\S+$/, { error: 'is not of the form smtp://user:password@host:587, or smtps://… where TLS begins at once.' }).optional().describe('Mail server that notices of jobs go through: smtp://user:password@host:587, or smtps://… where TLS begins at once.'),
      smtpFrom: z.email({ error: issue => `"${String(issue.input)}" is not an address, as hub@example.org.` }).optional().describe('Address that mails are from.'),
      smtpRequireTls: z.boolean().optional().describe('Whether a mail server that offers no TLS gets no mail. Absent: where smtpUrl has a password.'),
      webhookSecret: z.string().min(16, { error: 'is too short: give it 16 characters or more.' }).optional().describe('Signs webhooks: their readers tell by it that a notice is the hub\'s.'),
      webhookAllow: z.array(z.string().min(1)).default([]).describe('Hosts, addresses and ranges such as 10.1.0.0/16 that webhooks may reach though they are not of the internet.'),
      openLineageUrl: z.url({ protocol: /^https?$/, error: issue => `"${String(issue.input)}" is not the address of a server: http(s)://host/path.` }).optional().describe('Server that is told of runs of pipelines by events of OpenLineage, such as http://marquez:5000/api/v1/lineage.'),
      openLineageApiKey: z.string().min(1).optional().describe('Goes with each of these events, as a bearer\'s.'),
      openLineageFile: path.optional().describe('File that these events are written to, one a line, beside or instead of the server.'),
      openLineageNamespace: z.string().min(1).max(255).default('tributary').describe('Of the pipelines and of what only this hub has, in these events.'),
      consoleUrl: z.url({ protocol: /^https?$/, error: issue => `"${String(issue.input)}" is not the address of a console: http(s)://host/path.` }).optional().describe('Where people look at runs; links in notices begin with it.'),
    })
    .prefault({}),
  defaults: z
    .object({
      consistency: z.enum(consistencyLevels).default('STRONG').describe('Consistency of reads that ask for none. Also DIH_DEFAULT_CONSISTENCY.'),
      backups: z.int().min(0).default(1).describe('Copies of a partition beside the first, on a cluster. Also DIH_DEFAULT_BACKUPS.'),
      evictionSize: z.int().min(1).default(10_000_000).describe('Entries of a region whose catalog sets no `maxEntries`. Also DIH_DEFAULT_EVICTION_SIZE.'),
    })
    .prefault({}),
})

/** The settings, checked and complete, with absolute paths. */
export type Config = z.output<typeof settings>
export type Environment = Readonly<Record<string, string | undefined>>

/** Every setting with its flag, variable, default and sentence: what `--help` shows. */
export const options: readonly Option[] = optionsOf(settings, 'HUB')

/** Flags of the configuration. */
export const configFlags: readonly Flag[] = [
  { name: '--config', takes: 'value' },
  ...options.filter(option => option.kind !== 'structure').map((option): Flag => ({ name: option.flag, takes: option.kind === 'switch' ? 'switch' : 'value' })),
]

/** Names these settings have in the systems they come from. */
const elsewhere: Readonly<Record<string, string>> = {
  IGNITE_USER: 'HUB_ENGINES__IGNITE_USER',
  IGNITE_PASSWORD: 'HUB_ENGINES__IGNITE_PASSWORD',
  IGNITE_TLS: 'HUB_ENGINES__IGNITE_TLS',
  IGNITE_NAMESPACE: 'HUB_ENGINES__IGNITE_NAMESPACE',
  KAFKA_BROKER: 'HUB_ENGINES__KAFKA_BROKERS',
  POSTGRES_URL: 'HUB_ENGINES__POSTGRES_URL',
  TRINO_URL: 'HUB_ENGINES__TRINO_URL',
  TRINO_USER: 'HUB_ENGINES__TRINO_USER',
  TRINO_PASSWORD: 'HUB_ENGINES__TRINO_PASSWORD',
  SCHEMA_REGISTRY_URL: 'HUB_ENGINES__SCHEMA_REGISTRY_URL',
  VAULT_ADDR: 'HUB_PIPELINES__VAULT_URL',
  VAULT_TOKEN: 'HUB_PIPELINES__VAULT_TOKEN',
  VAULT_NAMESPACE: 'HUB_PIPELINES__VAULT_NAMESPACE',
  DIH_DEFAULT_CONSISTENCY: 'HUB_DEFAULTS__CONSISTENCY',
  DIH_DEFAULT_BACKUPS: 'HUB_DEFAULTS__BACKUPS',
  DIH_DEFAULT_EVICTION_SIZE: 'HUB_DEFAULTS__EVICTION_SIZE',
}

/** A list whose members have a variable each, counted from 1. */
const ignite = { variable: /^IGNITE_HOST_(\d+)$/, path: ['engines', 'igniteHosts'] } as const

const paths = [['catalog'], ['data'], ['persisted', 'trustedFile'], ['auth', 'apiKeysFile'], ['api', 'sourceFolders'], ['pipelines', 'folder'], ['pipelines', 'secretsFolder'], ['pipelines', 'openLineageFile']]

/** The process's environment, for whoever starts the hub to hand on. */
export const environment: Environment = process.env

/** Whether text for people is styled: on a terminal, unless NO_COLOR is set to anything. */
export function wantsColor(env: Environment, isTerminal: boolean): boolean {
  return isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
}

/**
 * The configuration: the file (`--config`, `HUB_CONFIG`, or `tributary.yaml` where there is one) below the environment (`HUB_PORT`, `HUB_LIMITS__MAX_DEPTH`) below the flags.
 * Relative paths in the file are relative to it, others to `folder`. Unknown options, keys and variables and values that are not taken →
 * one VALIDATION_ERROR with all of them in `problems`.
 */
export function readConfig(argv: readonly string[], env: Environment = environment, folder = process.cwd()): Config {
  const { flags, positionals, problems: misspelled } = parseArguments(argv, configFlags)
  const problems = [...misspelled, ...positionals.map(text => ({ path: text, message: `"${text}" is not an option; options begin with "--".` }))]
  const given = new Given(folder)

  const beside = (name: string) => (existsSync(resolve(folder, name)) ? name : undefined)
  const file = flags.get('--config') ?? (env['HUB_CONFIG'] || beside('tributary.yaml'))
  if (file !== undefined) problems.push(...given.readFile(file))
  problems.push(...given.readEnvironment(env))
  given.readFlags(flags)
  if (valueAt(given.tree, ['catalog']) === undefined && beside('hub.yaml')) given.set(['catalog'], 'hub.yaml', 'hub.yaml', folder)

  const merged = given.absolute()
  problems.push(...findings(settings, merged).map(finding => given.problem(finding)))
  const result = settings.safeParse(merged)
  if (problems.length > 0 || !result.success) throw refusal(problems)
  return withFiles(result.data, folder)
}

function refusal(problems: readonly Problem[]): HubError {
  return new HubError('VALIDATION_ERROR', `The hub cannot start with this configuration. ${problems.map(one => one.message).join(' ')}`, { problems })
}

/** Values from all sides, later ones over earlier ones, and who gave each. */
class Given {
  readonly tree: Record<string, unknown> = {}
  /** By path: the name to complain about, and the folder relative paths start from. */
  readonly #origins = new Map<string, { name: string; folder: string }>()
  #file: { path: string; yaml: YamlFile } | undefined
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  set(path: readonly string[], value: unknown, name: string, folder: string): void {
    let node = this.tree
    for (const part of path.slice(0, -1)) {
      const next = node[part]
      const child = typeof next === 'object' && next !== null && !Array.isArray(next) ? (next as Record<string, unknown>) : {}
      node[part] = child
      node = child
    }
    node[path.at(-1) ?? ''] = value
    this.#origins.set(pathText(path), { name, folder })
  }

  readFile(path: string): Problem[] {
    const yaml = readYaml(resolve(this.#folder, path), path)
    this.#file = { path, yaml }
    const { value } = yaml
    if (yaml.problems.length > 0) return yaml.problems.map(one => ({ path: pathText(one.path), message: one.message, file: path, ...yaml.lineColumn(one.offset) }))
    if (value === null) return []
    if (typeof value !== 'object' || Array.isArray(value)) return [{ path: '', message: 'The configuration file holds no map.', file: path, line: 1, column: 1 }]
    return this.#take(value, [], dirname(resolve(this.#folder, path)))
  }

  /** Objects of the schema are gone into; every other value is set as it is. Unknown keys are problems. */
  #take(value: unknown, path: readonly string[], folder: string): Problem[] {
    const below = options.filter(option => path.every((part, index) => option.path[index] === part))
    const leaf = below.some(option => option.path.length === path.length)
    if (leaf || typeof value !== 'object' || value === null || Array.isArray(value)) {
      if (value !== null) this.set(path, value, pathText(path), folder)
      return []
    }
    const known = [...new Set(below.map(option => option.path[path.length] ?? ''))]
    return Object.entries(value).flatMap(([key, member]) => (known.includes(key) ? this.#take(member, [...path, key], folder) : [this.problem(unknownKey(key, known, path))]))
  }

  /** Empty variables count as unset. */
  readEnvironment(env: Environment): Problem[] {
    const known = new Map(options.filter(option => option.kind !== 'structure').map(option => [option.variable, option]))
    const problems: Problem[] = []
    for (const [name, text] of Object.entries(env)) {
      if (text && name.startsWith('IGNITE_HOST') && !ignite.variable.test(name)) problems.push({ path: name, message: `Unknown variable ${name}. Nodes of Ignite are named IGNITE_HOST_1, IGNITE_HOST_2 and so on.` })
      if (!text || name === 'HUB_CONFIG' || (!(name in elsewhere) && !/^(HUB_|DIH_DEFAULT_)/.test(name))) continue
      const option = known.get(elsewhere[name] ?? name)
      if (option) this.set(option.path, settingFrom(option.kind, text), name, this.#folder)
      else problems.push({ path: name, message: `Unknown variable ${name}.${didYouMean(name, [...known.keys(), ...Object.keys(elsewhere), 'HUB_CONFIG']) || ' See --help for those there are.'}` })
    }
    const hosts = Object.entries(env).flatMap(([name, text]) => (text && ignite.variable.test(name) ? [{ name, text, number: Number(ignite.variable.exec(name)?.[1]) }] : [])).toSorted((a, b) => a.number - b.number)
    if (hosts.length > 0) this.set(ignite.path, hosts.map(({ text }) => text), hosts.map(({ name }) => name).join(', '), this.#folder)
    return problems
  }

  readFlags(flags: ReadonlyMap<string, string>): void {
    for (const option of options) {
      const text = flags.get(option.flag)
      if (text !== undefined) this.set(option.path, settingFrom(option.kind, text), option.flag, this.#folder)
    }
  }

  absolute(): Record<string, unknown> {
    for (const path of paths) {
      const value = valueAt(this.tree, path)
      const origin = this.#origins.get(pathText(path))
      const absolute = (one: unknown) => (typeof one === 'string' && one !== '' && origin ? resolve(origin.folder, one) : one)
      if (origin) this.set(path, Array.isArray(value) ? value.map(absolute) : absolute(value), origin.name, origin.folder)
    }
    return this.tree
  }

  /** With the flag or variable that gave the value, or its place in the file. */
  problem({ path, message, at }: Finding): Problem {
    const texts = path.map((_, index) => pathText(path.slice(0, path.length - index)))
    const origin = texts.map(text => this.#origins.get(text)).find(one => one !== undefined)
    if (origin && origin.name !== pathText(path) && !texts.includes(origin.name)) return { path: origin.name, message: `${origin.name}: ${message}` }
    const place = texts.map(text => this.#file?.yaml.places.get(text)).find(one => one !== undefined)
    if (!this.#file || !place) return { path: pathText(path), message: `${pathText(path)}: ${message}` }
    return { path: pathText(path), message, file: this.#file.path, ...this.#file.yaml.lineColumn(at === 'key' ? (place.key ?? place.value) : place.value) }
  }
}

function readYaml(path: string, shown = path): YamlFile {
  try {
    return parseYaml(readFileSync(path))
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unknown reason'
    throw new HubError('VALIDATION_ERROR', `The file ${shown} of the configuration cannot be read (${why}).`, { problems: [{ path: '', message: `The file cannot be read (${why}).`, file: shown }] }, { cause: error })
  }
}

/** Takes in what the configuration keeps in files of its own. */
function withFiles(config: Config, folder: string): Config {
  const trusted = fromFile(config.persisted.trustedFile, ['persisted', 'trusted'], persistedSettings.shape.trusted, {})
  const apiKeys = fromFile(config.auth.apiKeysFile, ['auth', 'apiKeys'], z.array(apiKeySettings), [])
  return { ...config, data: resolve(folder, config.data), persisted: { ...config.persisted, trusted: { ...config.persisted.trusted, ...trusted } }, auth: { ...config.auth, apiKeys: [...config.auth.apiKeys, ...apiKeys] } }
}

/** The content of a file that stands for the setting at `at`. */
function fromFile<Schema extends z.ZodType>(path: string | undefined, at: Path, schema: Schema, absent: z.output<Schema>): z.output<Schema> {
  if (path === undefined) return absent
  const yaml = readYaml(path)
  const found = [
    ...yaml.problems.map(problem => ({ ...problem, ...yaml.lineColumn(problem.offset) })),
    ...findings(schema, yaml.value, at).map(finding => ({ ...finding, ...yaml.lineColumn(yaml.places.get(pathText(finding.path.slice(at.length)))?.value ?? 0) })),
  ]
  const result = schema.safeParse(yaml.value)
  if (found.length === 0 && result.success) return result.data
  throw refusal(found.map(({ path: member, message, line, column }) => ({ path: pathText(member), message, file: path, line, column })))
}
