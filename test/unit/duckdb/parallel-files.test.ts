import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDuckDb } from '../../../connectors/duckdb/database.ts'
import { csvDataset } from '../../../connectors/pipelines/csv.ts'
import { parquetDataset } from '../../../connectors/pipelines/parquet.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parallel-'))
})
afterEach(() => rm(folder, { recursive: true }))

const count = 12

test('D-99 as many threads read as are allowed, of several files by one scan that shares them out', async () => {
  const database = await openDuckDb({ threads: 3 })
  const connection = await database.connect()
  const ask = async (sql: string) => (await connection.runAndReadAll(sql)).getRows()
  expect(String((await ask("SELECT current_setting('threads')"))[0])).toBe('3')
  for (const extension of ['csv', 'parquet'] as const) {
    const paths = Array.from({ length: count }, (_, nth) => join(folder, `${nth}.${extension}`))
    for (const [nth, path] of paths.entries()) {
      if (extension === 'csv') await writeFile(path, `n\n${nth}\n`)
      else await ask(`COPY (SELECT ${nth} AS n) TO '${path}' (FORMAT parquet)`)
    }
    const source = { format: extension, paths, header: true, infer: false }
    const { select } = extension === 'csv' ? await csvDataset(connection, 'd1', source) : await parquetDataset(connection, source)
    expect([extension, select.match(/read_(csv|parquet)\(/g)?.length]).toEqual([extension, 1])
    expect(paths.filter(path => !select.includes(path))).toEqual([])
    expect(String((await ask(`SELECT sum(CAST(n AS integer)) FROM (${select})`))[0])).toBe(String((count * (count - 1)) / 2))
  }
  connection.disconnectSync()
  await database.close()
})
