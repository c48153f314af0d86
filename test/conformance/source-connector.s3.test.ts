import { openDuckDb } from '../../connectors/duckdb/database.ts'
import { openS3 } from '../../connectors/s3/index.ts'
import type { Row } from '../../schema/values.ts'
import { conforms } from '../support/conformance.ts'
import { withEngine } from '../support/engines.ts'
import { openBucket, type S3Bucket } from '../support/s3.ts'
import { numberCount, places, type SourceSubject, sourceConnectorChecks, visits, visitsName } from './source-connector.ts'

const jsonOf = (row: Row) => `{${Object.entries(row).map(([name, value]) => `${JSON.stringify(name)}:${typeof value === 'bigint' ? value : JSON.stringify(value)}`).join(',')}}`
const csvOf = (rows: readonly Row[]) => rows.map(row => Object.values(row).map(value => (value === null ? '' : `"${String(value).replaceAll('"', '""')}"`)).join(',')).join('\n')

withEngine('S3_ENDPOINT', 'S3', endpoint => {
  let bucket: S3Bucket

  beforeAll(async () => {
    bucket = await openBucket(endpoint)
    await bucket.put('some/of it/places.ndjson', places.map(jsonOf).join('\n'))
    await bucket.put('some/of it/visits+more.csv', `place,day,guest; --\n${csvOf(visits)}\n`)
    await bucket.put('some/of it/numbers.csv', `n\n${Array.from({ length: numberCount }, (_, n) => n).join('\n')}\n`)
  })
  afterAll(() => bucket.close())

  conforms('S3 is a SourceConnector', sourceConnectorChecks, async (): Promise<SourceSubject> => {
    const database = await openDuckDb()
    const source = await openS3({
      name: 's3', ...bucket.reach, prefix: 'some/of it', database,
      tables: { places: { file: 'places.ndjson', key: 'id' }, [visitsName]: { file: 'visits+more.csv', key: ['place', 'day'] }, numbers: { file: 'numbers.csv', key: 'n' } },
    })
    return {
      source,
      async close() {
        await source.close()
        await database.close()
      },
    }
  })
})
