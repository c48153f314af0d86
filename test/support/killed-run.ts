import { join } from 'node:path'
import { openEventLog } from '../../connectors/events/index.ts'
import { openDatabase } from '../../connectors/jdbc/index.ts'
import { analyse } from '../../subgraphs/lineage/analyse.ts'
import { openKafkaEvents } from '../../connectors/kafka/index.ts'
import { openLake } from '../../connectors/lake/index.ts'
import { openFolder } from '../../connectors/objects/folder.ts'
import { duckDbPipelines } from '../../connectors/pipelines/duckdb.ts'
import { systemClock } from '../../connectors/ports/scope.ts'
import { openSecrets } from '../../connectors/secrets/index.ts'
import { openSqliteTokenVault } from '../../connectors/token-vault/index.ts'
import type { RunParts } from '../../subgraphs/pipelines/run/parts.ts'
import { runPipeline } from '../../subgraphs/pipelines/run/run.ts'
import { pipelineIn } from './pipelines.ts'
import { testScope } from './scope.ts'

/** A process of its own: runs a pipeline over a folder, and is killed when it has come to the given boundary. Writes how many there are, where it comes to the end. */
const [folder = '', xml = '', boundary = ''] = process.argv.slice(2)
let passed = 0

function pass(): void {
  passed += 1
  if (passed === Number(boundary)) process.kill(process.pid, 'SIGKILL')
}

/** What leaves something behind. */
const changing: readonly PropertyKey[] = ['put', 'create', 'remove', 'write', 'commit', 'rows', 'append']

/** The part, with a boundary before and behind each call that leaves something behind. */
function watched<T extends object>(part: T): T {
  return new Proxy(part, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (!changing.includes(name)) return member.bind(target)
      return (...given: unknown[]) => {
        pass()
        const result: unknown = member.apply(target, given)
        return result instanceof Promise ? result.then((value: unknown) => {
          pass()
          return typeof value === 'object' && value !== null && ('commit' in value || 'write' in value) ? watched(value) : value
        }) : result
      }
    },
  })
}

const objects = watched(await openFolder(folder))
const engine = duckDbPipelines({ memoryLimit: '512MB', threads: 1 })
/** Brokers of Kafka; without them topics are in the folder. */
const { TOPICS_IN: brokers } = process.env
const { clock, log } = testScope()
const events = brokers === undefined ? await openEventLog({ directory: join(folder, 'events'), clock, log }) : openKafkaEvents({ brokers: brokers.split(','), clock: systemClock, log })
const parts: RunParts = {
  objects, lake: openLake(objects), engine: { name: engine.name, begin: async scope => watched(await engine.begin(scope)) },
  openDatabase: async jdbcUrl => watched(await openDatabase({ jdbcUrl, root: folder, log: testScope().log })),
  secrets: openSecrets([]), vault: await openSqliteTokenVault({ file: ':memory:' }),
  schemaText: async () => ({ searched: [] }), queryText: async () => undefined, analyse,
  lookups: { names: async () => [], find: async () => undefined },
  topics: { events: watched(events) },
}
const { state, error } = await runPipeline(testScope(), { document: pipelineIn(xml), runId: 'killed', application: 'a', environment: 'TEST', parameters: {}, listener: pass }, parts)
await events.close()
process.stdout.write(JSON.stringify({ state, error, passed }))
