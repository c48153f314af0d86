import { openLake } from '../../connectors/lake/index.ts'
import { openFolder } from '../../connectors/objects/folder.ts'
import { duckDbPipelines } from '../../connectors/pipelines/duckdb.ts'
import { openS3Objects, type S3ObjectsOptions } from '../../connectors/s3/object-store.ts'
import { openSecrets } from '../../connectors/secrets/index.ts'
import { openSqliteTokenVault } from '../../connectors/token-vault/index.ts'
import { analyse } from '../../subgraphs/lineage/analyse.ts'
import { runPipeline } from '../../subgraphs/pipelines/run/run.ts'
import { pipelineIn } from './pipelines.ts'
import { testScope } from './scope.ts'

/** A process of its own: runs a pipeline over a bucket, whose store may have it killed meanwhile. Writes how it ended. */
const [reach = '{}', xml = ''] = process.argv.slice(2)
const options = JSON.parse(reach) as S3ObjectsOptions
const objects = await openFolder(options.folder)
const { state, error } = await runPipeline(testScope(), { document: pipelineIn(xml), runId: 'killed', application: 'a', environment: 'TEST', parameters: {} }, {
  objects, lake: openLake(objects), engine: duckDbPipelines({ memoryLimit: '512MB', threads: 1 }), secrets: openSecrets([]), vault: await openSqliteTokenVault({ file: ':memory:' }),
  schemaText: async () => ({ searched: [] }), queryText: async () => undefined, analyse, lookups: { names: async () => [], find: async () => undefined },
  openDatabase: async () => { throw new RangeError('There is no database.') },
  buckets: { find: async () => ({ source: 'landing', prefix: '', open: () => openS3Objects(options) }) },
})
process.stdout.write(JSON.stringify({ state, error }))
