import { Client } from '@elastic/elasticsearch'
import { jest } from '@jest/globals'
import { openElasticsearch } from '../../connectors/elasticsearch/index.ts'
import { conforms } from '../support/conformance.ts'
import { conformanceIndices, heldByElasticsearch, storeConformance } from '../support/elasticsearch.ts'
import { withEngine } from '../support/engines.ts'
import { sourceConnectorChecks, type SourceSubject } from './source-connector.ts'

jest.setTimeout(180_000)

withEngine('ELASTICSEARCH_URL', 'Elasticsearch', url => {
  const client = new Client({ node: url })

  beforeAll(() => storeConformance(client))
  afterAll(async () => {
    await client.indices.delete({ index: [...conformanceIndices] })
    await client.close()
  })

  conforms('Elasticsearch is a SourceConnector', sourceConnectorChecks, async (): Promise<SourceSubject> => {
    const source = await openElasticsearch({ name: 'elasticsearch', urls: [url], indices: [...conformanceIndices] })
    return { source, held: heldByElasticsearch, close: () => source.close() }
  })
})
