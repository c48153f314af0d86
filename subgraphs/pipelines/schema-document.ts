import { z } from 'zod'
import type { Column, ColumnType } from '../../schema/values.ts'

/** What a schema file says of a dataset. */
export interface DatasetSchema {
  readonly columns: readonly Column[]
  /** What a row is known by: `keys` of an Avro record, `x-keys` of a JSON Schema. */
  readonly keys?: readonly string[]
  /** Columns that say `"classification": "sensitive"`; absent: none does. */
  readonly sensitive?: readonly string[]
}

/** A schema, or why the text is none: a sentence each. */
export type SchemaRead = { readonly schema: DatasetSchema } | { readonly problems: readonly string[] }

/** Reads a schema file by its ending: Avro 1.12 (`.avsc`), a record, or JSON Schema 2020-12 (`.json`), an object. */
export function readSchema(text: string, file: string): SchemaRead {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return { problems: [`"${file}" is not JSON: ${error instanceof Error ? error.message : String(error)}.`] }
  }
  return file.endsWith('.avsc') ? read(avroRecord, json, file, 'an Avro record', fromAvro) : read(jsonObject, json, file, 'a JSON Schema of an object', fromJsonSchema)
}

function read<T>(shape: z.ZodType<T>, json: unknown, file: string, what: string, convert: (value: T, problems: string[]) => DatasetSchema): SchemaRead {
  const parsed = shape.safeParse(json)
  if (!parsed.success) return { problems: parsed.error.issues.map(({ path, message }) => `"${file}" is not ${what}: ${path.join('.') || 'the whole'}: ${message}.`) }
  const problems: string[] = []
  const schema = convert(parsed.data, problems)
  const names = schema.columns.map(({ name }) => name)
  for (const name of names.filter((one, place) => names.indexOf(one) < place)) problems.push(`has two columns "${name}".`)
  for (const key of schema.keys ?? []) if (!names.includes(key)) problems.push(`names the key "${key}", which is none of its columns.`)
  return problems.length > 0 ? { problems: problems.map(problem => `"${file}" ${problem}`) } : { schema }
}

/** Who may see the values of a column. */
const classification = z.enum(['public', 'internal', 'sensitive']).optional()

const avroField = z.object({ name: z.string(), type: z.unknown(), doc: z.string().optional(), classification })
const avroRecord = z.object({ type: z.literal('record'), name: z.string(), fields: z.array(avroField).min(1), keys: z.array(z.string()).min(1).optional() })

/** Of Avro's primitive and logical types; what has parts is JSON. */
const avroTypes: Readonly<Record<string, ColumnType>> = {
  boolean: 'Boolean', int: 'Int', long: 'Long', float: 'Float', double: 'Float', bytes: 'Bytes', string: 'String', enum: 'String', fixed: 'Bytes', array: 'JSON', map: 'JSON', record: 'JSON',
  decimal: 'Decimal', uuid: 'UUID', date: 'Date', 'time-millis': 'Time', 'time-micros': 'Time', 'timestamp-millis': 'DateTime', 'timestamp-micros': 'DateTime', 'timestamp-nanos': 'DateTime',
  'local-timestamp-millis': 'LocalDateTime', 'local-timestamp-micros': 'LocalDateTime', 'local-timestamp-nanos': 'LocalDateTime',
}

function fromAvro({ fields, keys }: z.infer<typeof avroRecord>, problems: string[]): DatasetSchema {
  const columns = fields.flatMap(({ name, type, doc }): Column[] => {
    const parts = (Array.isArray(type) ? type : [type]) as readonly unknown[]
    const others = parts.filter(part => part !== 'null')
    const [only] = others
    const found = others.length === 1 ? avroTypeOf(only) : others.length > 1 ? 'JSON' : undefined
    if (!found) {
      problems.push(`gives "${name}" the type ${JSON.stringify(type)}, which is none of Avro.`)
      return []
    }
    return [{ name, type: found, nullable: parts.length > others.length, ...(doc !== undefined && { description: doc }) }]
  })
  return { columns, ...(keys && { keys }), ...sensitiveAmong(fields) }
}

function avroTypeOf(type: unknown): ColumnType | undefined {
  if (typeof type === 'string') return Object.hasOwn(avroTypes, type) ? avroTypes[type] : undefined
  const { type: own, logicalType } = (type ?? {}) as { readonly type?: unknown; readonly logicalType?: unknown }
  if (typeof logicalType === 'string' && Object.hasOwn(avroTypes, logicalType)) return avroTypes[logicalType]
  return typeof own === 'string' || typeof own === 'object' ? avroTypeOf(own) : undefined
}

const jsonProperty = z.object({ type: z.union([z.string(), z.array(z.string())]).optional(), format: z.string().optional(), description: z.string().optional(), enum: z.array(z.unknown()).optional(), classification })
const jsonObject = z.object({ type: z.literal('object'), properties: z.record(z.string(), jsonProperty), required: z.array(z.string()).optional(), 'x-keys': z.array(z.string()).min(1).optional() })

const jsonTypes: Readonly<Record<string, ColumnType>> = { string: 'String', integer: 'Long', number: 'Float', boolean: 'Boolean', object: 'JSON', array: 'JSON' }
/** Of strings; `int32`, `decimal` and `local-date-time` beside those of JSON Schema. */
const formats: Readonly<Record<string, ColumnType>> = { 'date-time': 'DateTime', date: 'Date', time: 'Time', uuid: 'UUID', decimal: 'Decimal', byte: 'Bytes', 'local-date-time': 'LocalDateTime' }

function fromJsonSchema({ properties, required = [], 'x-keys': keys }: z.infer<typeof jsonObject>, problems: string[]): DatasetSchema {
  const columns = Object.entries(properties).flatMap(([name, { type = 'object', format = '', description }]): Column[] => {
    const parts = typeof type === 'string' ? [type] : type
    const others = parts.filter(part => part !== 'null')
    const [only = ''] = others
    const plain = others.length === 1 ? jsonTypes[only] : others.length > 1 ? 'JSON' : undefined
    if (!plain) {
      problems.push(`gives "${name}" the type ${JSON.stringify(type)}, which is none of JSON Schema.`)
      return []
    }
    const found = plain === 'String' ? (formats[format] ?? plain) : plain === 'Long' && format === 'int32' ? 'Int' : plain
    return [{ name, type: found, nullable: parts.length > others.length || !required.includes(name), ...(description !== undefined && { description }) }]
  })
  if (columns.length === 0 && problems.length === 0) problems.push('has no properties.')
  return { columns, ...(keys && { keys }), ...sensitiveAmong(Object.entries(properties).map(([name, property]) => ({ name, ...property }))) }
}

function sensitiveAmong(columns: readonly { readonly name: string; readonly classification?: z.infer<typeof classification> }[]): Pick<DatasetSchema, 'sensitive'> {
  const sensitive = columns.filter(column => column.classification === 'sensitive').map(({ name }) => name)
  return sensitive.length > 0 ? { sensitive } : {}
}
