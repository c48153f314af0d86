import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { type DuckDatabase, openDuckDb } from '../../../connectors/duckdb/database.ts'
import { csvRecords } from '../../../connectors/files/csv-head.ts'
import { openFiles } from '../../../connectors/files/index.ts'
import type { Row, Value } from '../../../schema/values.ts'
import { testScope } from '../../support/scope.ts'

let database: DuckDatabase
let root: string
beforeAll(async () => {
  database = await openDuckDb()
  root = await mkdtemp(join(tmpdir(), 'tributary-files-'))
})
afterAll(async () => {
  await database.close()
  await rm(root, { recursive: true })
})

async function readBack(file: string, text: string): Promise<Row[]> {
  await writeFile(join(root, file), text)
  const source = await openFiles({ name: 'lake', root, database, tables: { t: { file } } })
  const rows: Row[] = []
  for await (const batch of source.scan(testScope(), { table: 't' })) rows.push(...batch)
  await source.close()
  return rows
}

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
/** Text in which a csv reader may go wrong, and which is no number, date or boolean. */
const awkward = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', "'", '\\', ';', '\t', 'é', '🗼', ' ', '#', 'N'), maxLength: 12 }).map(text => `x${text}`)

test('any text written to a csv is read back as it was', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.record({ a: awkward, b: fc.option(awkward) }), { minLength: 1, maxLength: 20 }), async rows => {
    const text = `a,b\n${rows.map(({ a, b }) => `${quoted(a)},${b === null ? '' : quoted(b)}`).join('\n')}\n`
    expect(await readBack('t.csv', text)).toEqual(rows)
  }), { numRuns: 40 })
})

test('the head of a csv is split as its whole is', () => {
  fc.assert(fc.property(fc.array(fc.array(awkward, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 10 }), records => {
    const text = records.map(record => record.map(quoted).join(',')).join('\n')
    expect(csvRecords(text, { delimiter: ',', quote: '"' }, 100)).toEqual(records)
  }))
})

/** Written with digits only and too long for a number: the text of its digits. */
const readable = (_: string, value: unknown) => (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(JSON.stringify(value)) ? JSON.stringify(value) : value)

const nested = fc.jsonValue({ maxDepth: 2, noUnicodeString: false })
test('any records written as lines of JSON are read back as they were', async () => {
  const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  const record = fc.record({ n: long, f: fc.double({ noDefaultInfinity: true, noNaN: true }), s: awkward, o: nested.map(value => ({ value })) })
  await fc.assert(fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 10 }), async records => {
    const written = records.map(({ n, f, s, o }) => `{"n":${n},"f":${JSON.stringify(f)},"s":${JSON.stringify(s)},"o":${JSON.stringify(o)}}`)
    const back = await readBack('t.ndjson', `${written.join('\n')}\n`)
    expect(back.map(row => BigInt(row['n'] as bigint))).toEqual(records.map(({ n }) => n))
    expect(back.map(row => Number(row['f']) + 0)).toEqual(records.map(({ f }) => f + 0))
    expect(back.map(row => row['s'])).toEqual(records.map(({ s }) => s))
    expect(back.map(row => row['o'])).toEqual(records.map(({ o }) => JSON.parse(JSON.stringify(o), readable) as Value))
  }), { numRuns: 40 })
})
