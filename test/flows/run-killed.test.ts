import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openEventLog } from '../../connectors/events/index.ts'
import { openLake } from '../../connectors/lake/index.ts'
import { openFolder } from '../../connectors/objects/folder.ts'
import { duckDbPipelines } from '../../connectors/pipelines/duckdb.ts'
import { testScope } from '../support/scope.ts'
import { untilKilled } from '../support/until-killed.ts'

const pipeline = `<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata>
<sources><csv id="c" path="in.csv" inferSchema="true"/><database id="old" jdbcUrl="jdbc:sqlite:crm.sqlite"><sql>SELECT id AS old_id FROM person</sql></database></sources>
<transformations><deduplicate source="c" keys="id"/><join left="c" right="old" type="left" condition="c.id = old.old_id"/><sort source="c" orderBy="id"/></transformations>
<targets>
  <csv path="swapped" mode="overwrite"/>
  <csv path="added" mode="append"/>
  <hive table="service.added" mode="append"/>
  <hive table="service.swapped" mode="overwrite"/>
  <database id="crm" jdbcUrl="jdbc:sqlite:crm.sqlite" mode="append"><table name="main.log"/></database>
  <kafka topic="events" keys="id"/>
</targets></pipeline>`
const rows = ['1,a,1', '2,b,', '3,c,']

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'killed-'))
})
afterEach(() => rm(folder, { recursive: true }))

const run = (at: string, boundary?: number) => untilKilled(at, pipeline, boundary)

async function prepare(at: string): Promise<void> {
  await mkdir(join(at, 'swapped'), { recursive: true })
  await writeFile(join(at, 'in.csv'), 'id,name\n1,a\n2,b\n3,c\n1,a\n')
  await writeFile(join(at, 'swapped/p.csv'), 'before\n')
  const crm = new DatabaseSync(join(at, 'crm.sqlite'))
  crm.exec('CREATE TABLE person (id INTEGER); INSERT INTO person VALUES (1); CREATE TABLE log (id INTEGER, name TEXT, old_id INTEGER)')
  crm.close()
  const events = await openEvents(at)
  await events.createTopic(testScope(), { name: 'events', partitions: 1 })
  await events.close()
}

function openEvents(at: string) {
  const { clock, log } = testScope()
  return openEventLog({ directory: join(at, 'events'), clock, log })
}

/** What each target holds, as a reader finds it: `rows`, `before`, or what else. */
async function targets(at: string): Promise<Record<string, unknown>> {
  const scope = testScope()
  const objects = await openFolder(at)
  const lake = openLake(objects)
  const text = async (path: string) => (await objects.find(scope, path)).length === 0 ? 'nothing' : (await readFile(join(at, path), 'utf8')).trimEnd().split('\n')
  const table = async (name: string) => {
    const found = await lake.table(scope, name)
    if (!found) return 'nothing'
    const workspace = await duckDbPipelines({ memoryLimit: '256MB', threads: 1 }).begin(scope)
    try {
      await workspace.files('t', { format: 'parquet', paths: await lake.paths(scope, found) })
      const all: string[] = []
      for await (const batch of (await workspace.read('SELECT id, name, old_id FROM "t" ORDER BY id')).batches) for (const row of batch) all.push([row['id'], row['name'], row['old_id'] ?? ''].join(','))
      return all
    } finally {
      await workspace.close()
    }
  }
  const crm = new DatabaseSync(join(at, 'crm.sqlite'))
  const log = crm.prepare('SELECT id, name, old_id FROM log ORDER BY id').all().map(row => [row['id'], row['name'], row['old_id'] ?? ''].join(','))
  crm.close()
  const events = await openEvents(at)
  const messages = (await events.read(scope, 'events', 0, 0, 100)).map(({ value }) => Object.values(JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>).map(one => one ?? '').join(','))
  await events.close()
  const added = (await objects.find(scope, 'added/*')).map(({ path }) => path)
  return { swapped: await text('swapped/p.csv'), added: added.length === 0 ? 'nothing' : await text('added/p-killed.csv'), files: added.length, 'service.added': await table('service.added'), 'service.swapped': await table('service.swapped'), log: log.length === 0 ? 'nothing' : log, topic: messages.length === 0 ? 'nothing' : messages }
}

const lines = ['id,name,old_id', ...rows]
const whole = { swapped: lines, added: lines, files: 1, 'service.added': rows, 'service.swapped': rows, log: rows, topic: rows }
const before = { swapped: ['before'], added: 'nothing', files: 0, 'service.added': 'nothing', 'service.swapped': 'nothing', log: 'nothing', topic: 'nothing' }

test('D-15 D-71 D-101 a run that is killed at any boundary leaves each target whole or as it was, and the same run again completes all of them without doubling one', async () => {
  await prepare(join(folder, 'whole'))
  const { state, passed } = (await run(join(folder, 'whole'))) ?? { state: 'KILLED', passed: 0 }
  expect(state).toBe('SUCCEEDED')
  expect(await targets(join(folder, 'whole'))).toEqual(whole)
  expect(passed).toBeGreaterThan(40)

  await prepare(join(folder, 'template'))
  let partly = 0
  const workers = Array.from({ length: 2 }, async (_, worker) => {
    for (let boundary = 1 + worker; boundary <= passed; boundary += 2) {
      const at = join(folder, `killed-${boundary}`)
      await cp(join(folder, 'template'), at, { recursive: true })
      expect([boundary, await run(at, boundary)]).toEqual([boundary, undefined])
      const found = await targets(at)
      for (const [name, content] of Object.entries(found)) expect([before, whole].map(state => [boundary, name, state[name as keyof typeof state]])).toContainEqual([boundary, name, content])
      if (found['log'] === 'nothing' && found['files'] === 1) partly += 1
      const again = await run(at)
      expect([boundary, again?.state, again?.error, await targets(at)]).toEqual([boundary, 'SUCCEEDED', undefined, whole])
      await rm(at, { recursive: true })
    }
  })
  await Promise.all(workers)
  expect(partly).toBeGreaterThan(0)
}, 900_000)
