import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDuckDb } from '../../connectors/duckdb/database.ts'
import { openFiles } from '../../connectors/files/index.ts'
import type { Row } from '../../schema/values.ts'
import { conforms } from '../support/conformance.ts'
import { numberCount, places, type SourceSubject, sourceConnectorChecks, visits, visitsName } from './source-connector.ts'

/** JSON text in which bigints are numbers. */
function jsonOf(row: Row): string {
  return `{${Object.entries(row).map(([name, value]) => `${JSON.stringify(name)}:${typeof value === 'bigint' ? value : JSON.stringify(value)}`).join(',')}}`
}

const csvOf = (rows: readonly Row[]) => rows.map(row => Object.values(row).map(value => (value === null ? '' : typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : String(value))).join(',')).join('\n')

async function open(written: 'ndjson' | 'json'): Promise<SourceSubject> {
  const root = await mkdtemp(join(tmpdir(), 'tributary-files-'))
  const text = written === 'ndjson' ? places.map(jsonOf).join('\n') : `[${places.map(jsonOf).join(', ')}]`
  await writeFile(join(root, `places.${written}`), text)
  await writeFile(join(root, 'visits.csv'), `place,day,guest; --\n${csvOf(visits)}\n`)
  await writeFile(join(root, 'numbers.csv'), `n\n${Array.from({ length: numberCount }, (_, n) => n).join('\n')}\n`)
  const database = await openDuckDb()
  const source = await openFiles({
    name: 'files', root, database,
    tables: { places: { file: `places.${written}`, key: 'id' }, [visitsName]: { file: 'visits.csv', key: ['place', 'day'] }, numbers: { file: 'numbers.csv', key: 'n' } },
  })
  return {
    source,
    async close() {
      await source.close()
      await database.close()
      await rm(root, { recursive: true })
    },
  }
}

conforms('files: lines of JSON and csv', sourceConnectorChecks, () => open('ndjson'))
conforms('files: a JSON array and csv', sourceConnectorChecks, () => open('json'))
