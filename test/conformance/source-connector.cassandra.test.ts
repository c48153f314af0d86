import { jest } from '@jest/globals'
import { openCassandra } from '../../connectors/cassandra/index.ts'
import { type CassandraKeyspace, heldByCassandra, openKeyspace, storeConformance } from '../support/cassandra.ts'
import { conforms } from '../support/conformance.ts'
import { withEngine } from '../support/engines.ts'
import { sourceConnectorChecks, type SourceSubject } from './source-connector.ts'

jest.setTimeout(180_000)

withEngine('CASSANDRA_HOST', 'Cassandra', host => {
  let keyspace: CassandraKeyspace

  beforeAll(async () => {
    keyspace = await openKeyspace(host)
    await storeConformance(keyspace)
  })
  afterAll(() => keyspace.close())

  conforms('Cassandra is a SourceConnector', sourceConnectorChecks, async (): Promise<SourceSubject> => {
    const source = await openCassandra({ name: 'cassandra', hosts: [host], keyspace: keyspace.name })
    return { source, held: heldByCassandra, close: () => source.close() }
  })
})
