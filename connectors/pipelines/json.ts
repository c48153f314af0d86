import { open } from 'node:fs/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import { HubError } from '../../schema/errors.ts'
import { quoteIdentifier } from '../../schema/quote.ts'
import { duckTypes } from '../files/dialect.ts'
import { typesOf, valueSql } from '../files/load.ts'
import { readRaw } from '../files/raw.ts'
import type { DatasetColumn, FileSource, Reading } from '../ports/pipeline-engine.ts'
import { compareColumns, type FileDataset } from './file-dataset.ts'

/** Files of JSON objects, one a line or in a list, as a dataset. They are read once, now, and held. Types without a schema are those that every value has. */
export async function jsonDataset(connection: DuckDBConnection, id: string, { paths, columns: wanted, leavesOut }: FileSource): Promise<FileDataset> {
  const samples: Reading['samples'][number][] = []
  let rejected = 0
  const raws: string[] = []
  const found = new Set<string>()
  for (const [nth, path] of paths.entries()) {
    const raw = await readRaw(connection, { type: await isList(path) ? 'json' : 'ndjson' }, { path })
    rejected += raw.rejected.count
    samples.push(...raw.rejected.samples.map(({ line, reason }) => ({ path, place: `line ${line}`, reason })))
    for (const { name } of raw.columns) found.add(name)
    const kept = quoteIdentifier(`${id}r${nth}`)
    await connection.run(`CREATE TABLE ${kept} AS SELECT ${raw.columns.flatMap(({ name, text, jsonType }) => [`${text} AS ${quoteIdentifier(`v ${name}`)}`, `${jsonType} AS ${quoteIdentifier(`t ${name}`)}`]).join(', ')} FROM raw`)
    await connection.run('DROP TABLE raw')
    raws.push(`SELECT * FROM ${kept}`)
  }
  const leftOut = wanted ? compareColumns(paths[0] ?? '', [...found, ...wanted.filter(({ name, nullable }) => nullable && !found.has(name)).map(({ name }) => name)], wanted.map(({ name }) => name), leavesOut) : []
  const all = `(${raws.join(' UNION ALL BY NAME ')})`
  const names = wanted?.map(({ name }) => name).filter(name => found.has(name)) ?? [...found]
  const text = (name: string) => quoteIdentifier(`v ${name}`)
  const kind = (name: string) => quoteIdentifier(`t ${name}`)
  if (!wanted) {
    const types = await typesOf(connection, all, names.map(name => ({ text: text(name), jsonType: kind(name) })))
    const columns = names.map((name, place): DatasetColumn => ({ name, type: types[place] ?? 'String', nullable: true }))
    return { columns, marks: [], rows: await countOf(connection, all), select: `SELECT ${columns.map(({ name, type }) => `${valueSql(type, text(name), kind(name))} AS ${quoteIdentifier(name)}`).join(', ')} FROM ${all}`, rejects: async () => ({ rejected, unfit: 0, samples }) }
  }
  const values = wanted.map(column => ({ ...column, sql: found.has(column.name) ? castOf(column, text(column.name)) : `CAST(NULL AS ${duckTypes[column.type]})` }))
  const misfit = values.map(({ name, nullable, sql }) => (found.has(name) ? `(${text(name)} IS NOT NULL AND ${sql} IS NULL)${nullable ? '' : ` OR ${text(name)} IS NULL`}` : 'false')).join(' OR ')
  const typed = quoteIdentifier(`${id}typed`)
  await connection.run(`CREATE TABLE ${typed} AS SELECT ${values.map(({ name, sql }) => `${sql} AS ${quoteIdentifier(name)}`).join(', ')} FROM ${all} WHERE NOT (${misfit})`)
  const total = await countOf(connection, all)
  const rows = await countOf(connection, typed)
  for (const nth of paths.keys()) await connection.run(`DROP TABLE ${quoteIdentifier(`${id}r${nth}`)}`)
  if (total > rows) samples.push({ path: paths.join(', '), place: `${total - rows} ${total - rows === 1 ? 'object' : 'objects'}`, reason: 'have values that are not of the types of the schema' })
  return { columns: wanted, leftOut, marks: [], rows, select: `SELECT * FROM ${typed}`, rejects: async () => ({ rejected: rejected + total - rows, unfit: 0, samples }) }
}

function castOf({ type, precision = 38, scale = 9 }: DatasetColumn, text: string): string {
  if (type === 'String') return text
  if (type === 'Bytes') return `TRY(from_base64(${text}))`
  return `TRY_CAST(${text} AS ${type === 'Decimal' ? `DECIMAL(${precision}, ${scale})` : duckTypes[type]})`
}

async function isList(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(4096), 0, 4096, 0)
    const begin = buffer.subarray(0, bytesRead).toString().replace(/^\uFEFF/, '').trimStart()
    if (begin === '') throw new HubError('UPSTREAM_REJECTED', `"${path.split('/').at(-1)}" is empty; JSON objects are expected.`)
    return begin.startsWith('[')
  } finally {
    await file.close()
  }
}

async function countOf(connection: DuckDBConnection, relation: string): Promise<number> {
  return Number((await connection.runAndReadAll(`SELECT count(*) FROM ${relation}`)).getRowsJson()[0]?.[0] ?? 0)
}
