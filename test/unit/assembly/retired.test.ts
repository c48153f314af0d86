import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HubError } from '../../../schema/errors.ts'
import { parseCatalog } from '../../../schema/catalog.ts'
import type { OpenSource } from '../../../gateway/assembly/sources.ts'
import { readConfig } from '../../../gateway/config.ts'
import { openHub, type OpenHub } from '../../../gateway/wiring.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

const clock = new MovedClock()
let folder: string
let opened: OpenHub
let declared: readonly string[]
let pending: Promise<void>[]

const files = async () => {
  const written = { sources: Object.fromEntries(declared.map(name => [name, { type: 'sqlite', file: join(folder, `${name}.sqlite`) }])) }
  const { catalog } = parseCatalog(written)
  if (!catalog) throw new Error('The catalog of the test is right.')
  return { catalog, written }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retired-'))
  for (const name of ['zoo', 'aviary', 'reef']) {
    const database = new DatabaseSync(join(folder, `${name}.sqlite`))
    database.exec('CREATE TABLE animal (id INTEGER PRIMARY KEY); INSERT INTO animal VALUES (1)')
    database.close()
  }
  declared = ['zoo', 'aviary']
  pending = []
  closed = []
  const { log } = testScope({ clock })
  opened = await openHub({
    clock, log, files, maxEntries: 1_000, backups: 0, reach: { api: { sourceFolders: [], hosts: [], secrets: [] }, env: () => undefined }, onFatal: error => { throw error },
    later: work => void pending.push(work()), pipelines: { settings: readConfig([], {}, folder).pipelines, env: {}, ended: () => undefined, raised: () => undefined },
  })
})
afterEach(async () => {
  await opened.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Names of sources closed, in order, noted as their real close is called. */
let closed: string[] = []
function watch(name: string): void {
  const { connector } = opened.hub.assembly.sources.find(one => one.source.name === name) as OpenSource
  const close = connector.close.bind(connector)
  connector.close = () => {
    closed.push(name)
    return close()
  }
}
async function pass(ms: number): Promise<void> {
  clock.advance(ms)
  await Promise.all(pending)
}

test('what an edit leaves out serves the operations under way for a minute, and is closed then', async () => {
  watch('aviary')
  watch('zoo')
  declared = ['zoo']
  await opened.hub.reload()
  await pass(59_999)
  expect(closed).toEqual([])
  await pass(1)
  expect(closed).toEqual(['aviary'])
})

test('a minute after one edit, what a later graph that is old by now still uses stays open', async () => {
  watch('zoo')
  declared = ['zoo', 'reef']
  await opened.hub.reload()
  await pass(40_000)
  declared = ['reef']
  await opened.hub.reload()
  await pass(20_000)
  expect(closed).toEqual([])
  await pass(40_000)
  expect(closed).toEqual(['zoo'])
})

test('a hub that stops within the minute closes the old ones with it, each once', async () => {
  watch('aviary')
  watch('zoo')
  declared = ['zoo']
  await opened.hub.reload()
  declared = ['reef']
  await opened.hub.reload()
  watch('reef')
  await opened.close()
  await pass(120_000)
  expect(closed.toSorted()).toEqual(['aviary', 'reef', 'zoo'])
})

test('each part is asked how it is: an engine that does not answer is down, and required', async () => {
  expect((await opened.hub.health()).map(({ name, state }) => `${name} ${state}`)).toEqual(['graph up', 'region-store up', 'sql-engine up', 'metadata-store up', 'event-log up', 'source:zoo up', 'source:aviary up'])
  opened.hub.assembly.engine.check = () => Promise.reject(new HubError('UPSTREAM_UNAVAILABLE', 'The engine gave no answer.'))
  const down = (await opened.hub.health()).filter(({ state }) => state !== 'up')
  expect(down).toEqual([{ name: 'sql-engine', state: 'down', required: true, message: 'The engine gave no answer.' }])
})
