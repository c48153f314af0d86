import { CronExpressionParser } from 'cron-parser'
import { durationMs } from '../../../schema/duration.ts'
import { bucketPath } from '../bucket-path.ts'

/** What the text of an attribute or an element may be. */
export interface TextType<T> {
  /** Of its simple type in the XSD. */
  readonly name: string
  /** Continues `… is not`. */
  readonly expected: string
  /** The value; undefined where the text is none. */
  readonly read: (text: string) => T | undefined
  /** Why a text is none, where more can be said than what is expected. A sentence. */
  readonly why?: (text: string) => string | undefined
  /** All there are. */
  readonly choices?: readonly string[]
  /** Of `xs:token`, which has no spaces around it: what the XSD says. It may take more than `read`. */
  readonly xsd: { readonly base?: string; readonly pattern?: string; readonly enumeration?: readonly string[]; readonly minLength?: number; readonly minInclusive?: number }
}

function byPattern(name: string, expected: string, pattern: string): TextType<string> {
  const whole = new RegExp(`^(?:${pattern})$`, 'u')
  return { name, expected, read: text => (whole.test(text) ? text : undefined), xsd: { pattern } }
}

/** One of these words, as they are written. */
export function choice<const Word extends string>(name: string, words: readonly Word[]): TextType<Word> {
  return { name, expected: oneOf(words), choices: words, read: text => words.find(word => word === text), xsd: { enumeration: words } }
}

export function oneOf(words: readonly string[]): string {
  const quoted = words.map(word => `"${word}"`)
  return quoted.length === 1 ? String(quoted[0]) : `one of ${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`
}

const namePattern = '[A-Za-z_][A-Za-z0-9_.\\-]*'
const columnPattern = '[^,\\s][^,]*'

export const name = byPattern('name', 'a name: a letter or "_", then letters, digits, "_", "." and "-"', namePattern)
export const text: TextType<string> = { name: 'text', expected: 'a text that is not empty', read: value => value.trim() || undefined, xsd: { minLength: 1 } }
export const truth: TextType<boolean> = { ...choice('truth', ['true', 'false']), read: value => (value === 'true' ? true : value === 'false' ? false : undefined) }

/** Names with commas between. */
export const names: TextType<readonly string[]> = {
  name: 'names', expected: 'one name or several with commas between', xsd: { pattern: `${namePattern}(\\s*,\\s*${namePattern})*` },
  read: value => {
    const found = value.split(',').map(part => part.trim())
    return found.every(part => new RegExp(`^${namePattern}$`).test(part)) ? found : undefined
  },
}

/** Columns with commas between. */
export const columns: TextType<readonly string[]> = {
  name: 'columns', expected: 'one column or several with commas between', xsd: { pattern: `${columnPattern}(,\\s*${columnPattern})*` },
  read: value => {
    const found = value.split(',').map(part => part.trim())
    return found.every(Boolean) ? found : undefined
  },
  why: value => {
    const found = value.split(',').map(part => part.trim())
    return found.length > 1 && found.includes('') ? `Between two commas, or beside one, there is no column in "${value}".` : undefined
  },
}

export interface Version {
  readonly major: number
  readonly minor: number
  readonly patch: number
}

/** Semantic Versioning 2.0.0 without what follows the patch; `1.0` is 1.0.0. */
export const version: TextType<Version> = {
  name: 'version', expected: 'a version such as 1.0.0, or 1.0', xsd: { pattern: '(0|[1-9]\\d{0,8})\\.(0|[1-9]\\d{0,8})(\\.(0|[1-9]\\d{0,8}))?' },
  read: value => {
    const match = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:\.(0|[1-9]\d{0,8}))?$/.exec(value)
    return match ? { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3] ?? 0) } : undefined
  },
}

/** Milliseconds. */
export const duration: TextType<number> = {
  name: 'duration', expected: 'a duration in ISO 8601 above zero, without years and months, such as PT2H or P1D', read: durationMs,
  xsd: { pattern: 'P(\\d+([.,]\\d+)?W|(\\d+([.,]\\d+)?D)?(T(\\d+([.,]\\d+)?H)?(\\d+([.,]\\d+)?M)?(\\d+([.,]\\d+)?S)?)?)' },
}

const cronFields = ['minute', 'hour', 'day of the month', 'month', 'day of the week'] as const
const cronRanges = ['0 to 59', '0 to 23', '1 to 31', '1 to 12', '0 to 7'] as const

/** Five fields: minute, hour, day of the month, month, day of the week. */
export const cron: TextType<string> = {
  name: 'cron', expected: 'a cron expression of five fields such as "0 * * * *": minute, hour, day of the month, month, day of the week', xsd: { pattern: '\\S+( +\\S+){4}' },
  read: value => (badCronField(value) === undefined && value.trim().split(/\s+/).length === 5 ? value.trim().split(/\s+/).join(' ') : undefined),
  why: value => {
    const fields = value.trim().split(/\s+/)
    if (fields.length !== 5) return `"${value}" has ${fields.length} ${fields.length === 1 ? 'field' : 'fields'}; a cron expression here has five: minute, hour, day of the month, month, day of the week.`
    const bad = badCronField(value)
    return bad === undefined ? undefined : `The ${cronFields[bad]}, "${fields[bad]}", is none: it may be ${cronRanges[bad]}, "*", lists and ranges of them, and steps such as "*/5".`
  },
}

/** The first of five fields that is none, alone or, where each is good alone, together. */
function badCronField(value: string): number | undefined {
  const fields = value.trim().split(/\s+/)
  const bad = fields.findIndex((field, index) => !isCron(fields.map((_, other) => (other === index ? field : '*')).join(' ')))
  if (bad >= 0) return bad
  return isCron(fields.join(' ')) ? undefined : 2
}

function isCron(value: string): boolean {
  // The parser knows more than the five fields it is asked for here: names of schedules, letters for chance and for the last of something.
  if (!/^[\dA-Za-z*,/\- ]+$/.test(value) || /[HLW?#]/.test(value.replace(/\b(?:MAR|THU|[A-Z]{3})\b/gi, ''))) return false
  try {
    CronExpressionParser.parse(value)
    return true
  } catch {
    return false
  }
}

export const count: TextType<number> = {
  name: 'count', expected: 'a whole number from 1', xsd: { base: 'xs:int', minInclusive: 1 },
  read: value => (/^\+?\d{1,9}$/.test(value) && Number(value) >= 1 ? Number(value) : undefined),
}

export const countOrNone: TextType<number> = {
  name: 'countOrNone', expected: 'a whole number from 0', xsd: { base: 'xs:int', minInclusive: 0 },
  read: value => (/^\+?\d{1,9}$/.test(value) ? Number(value) : undefined),
}

/** One character; `\t` is a tab. */
export const delimiter: TextType<string> = {
  name: 'delimiter', expected: 'one character, or \\t for a tab', xsd: { base: 'xs:string', pattern: '[^\\n\\r"]|\\\\t' },
  read: value => (value === '\\t' ? '\t' : [...value].length === 1 && !/["\n\r]/.test(value) ? value : undefined),
}

const knownSchemes = ['file', 's3', 's3a'] as const
const dateParts = 'YmdHMS'

/** A file, several by wildcards, or a folder: below the application's data, or a URL. */
export const path: TextType<string> = {
  name: 'path', expected: `a path below the application's data, or a URL of ${knownSchemes.map(scheme => `${scheme}://`).join(', ')}`, xsd: { minLength: 1 },
  read: value => (whyNoPath(value) === undefined ? value : undefined),
  why: whyNoPath,
}

function whyNoPath(value: string): string | undefined {
  if (value.trim() === '') return 'The path is empty.'
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(value)?.[1]
  if (scheme !== undefined && !knownSchemes.some(known => known === scheme.toLowerCase())) return `"${scheme}:" is no scheme that is read here; ${knownSchemes.map(known => `${known}://`).join(', ')} are, and paths without one.`
  if (/^s3a?:/i.test(value) && !bucketPath(value)) {
    if (value.includes('@')) return 'In front of an "@" would be credentials. They belong to the bucket\'s source in the catalog; write s3://BUCKET/KEY.'
    return `"${value}" names no bucket; s3://BUCKET/KEY is what a path of a bucket is.`
  }
  if (/\p{Cc}/u.test(value)) return 'The path has a control character.'
  const unknown = [...value.matchAll(/%(.?)/gs)].map(([, code = '']) => code).find(code => code === '' || !dateParts.includes(code))
  return unknown === undefined ? undefined : `"%${unknown}" is no part of a date; ${[...dateParts].map(code => `%${code}`).join(', ')} are.`
}

/** A file below a `schemas` folder. */
export const schemaRef: TextType<string> = {
  name: 'schemaRef', expected: 'a path below schemas/ that ends with .avsc or .json', xsd: { pattern: '.*\\.(avsc|json)' },
  read: value => (/^(?!\/)[^\p{Cc}\\:]+\.(?:avsc|json)$/u.test(value) ? value : undefined),
}

const drivers = ['postgresql', 'mysql', 'mariadb', 'sqlite', 'sqlserver'] as const

/** `jdbc:DRIVER:…`. What follows may hold a password and is not repeated. */
export const jdbcUrl: TextType<string> = {
  name: 'jdbcUrl', expected: `a JDBC URL of ${drivers.map(driver => `jdbc:${driver}:`).join(', ')}`, xsd: { pattern: 'jdbc:[a-z0-9]+:.+' },
  read: value => (drivers.some(driver => value.startsWith(`jdbc:${driver}:`) && value.length > `jdbc:${driver}:`.length) ? value : undefined),
  why: value => {
    const driver = /^jdbc:([^:/?]+):/.exec(value)?.[1]
    if (driver === undefined) return `The value given is not ${jdbcUrl.expected}.`
    return drivers.some(known => known === driver) ? `Behind "jdbc:${driver}:" nothing follows.` : `There is no driver "${driver}"; ${drivers.join(', ')} are what there is.`
  },
}

/** `column=value`, several with `/` between. */
export const partitions = byPattern('partitions', 'a column and its value, such as ingest_date=%Y-%m-%d or country=F*, several with / between', '[A-Za-z_][A-Za-z0-9_]*=[^/=]+(/[A-Za-z_][A-Za-z0-9_]*=[^/=]+)*')

/** `schema.table`. */
export const tableName = byPattern('tableName', 'a table with its schema, such as staging.customer_snapshot', '[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_$]*){1,2}')
export const email = byPattern('email', 'a mail address, or several with commas between', '[^@\\s,]+@[^@\\s,.]+(\\.[^@\\s,.]+)+(\\s*,\\s*[^@\\s,]+@[^@\\s,.]+(\\.[^@\\s,.]+)+)*')

/** Of http or https. */
export const url: TextType<string> = {
  name: 'url', expected: 'a URL of http:// or https://', xsd: { pattern: 'https?://.+' },
  read: value => (/^https?:\/\//.test(value) && URL.canParse(value) ? value : undefined),
}
