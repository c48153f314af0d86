import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { Site } from '../../ops/engines/engine.ts'
import { folderOf } from '../../ops/engines/maven.ts'
import { down } from '../../ops/engines/status.ts'
import { trino } from '../../ops/engines/trino.ts'
import { up } from '../../ops/engines/up.ts'
import { allRows } from '../../connectors/ports/sql-engine.ts'
import { openTrinoEngine } from '../../connectors/trino/engine.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { testScope } from '../support/scope.ts'
import { column, liveTable } from '../support/sql-tables.ts'
import { trinoClient, trinoQueries } from '../support/trino.ts'

jest.setTimeout(600_000)

withEngine('TRINO_URL', 'a Trino that is killed in the middle of a statement', () => {
  let site: Site
  let home: string

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'tributary-trino-'))
    const kept: Site = { home: process.env['TRIBUTARY_ENGINES'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tributary', 'engines'), portOffset: 400, signal: AbortSignal.timeout(500_000), say() {} }
    await trino.fetch(kept)
    site = { ...kept, home }
    await mkdir(home, { recursive: true })
    await symlink(folderOf(kept, 'trino'), folderOf(site, 'trino'))
  })
  afterAll(async () => {
    await down(site, ['trino'])
    await rm(home, { recursive: true })
  })

  test('tells it clearly, and answers again once it is back', async () => {
    const [first] = await up(site, trino, 1)
    if (first === undefined) throw new Error('Trino did not start.')
    const url = String(first.reach['TRINO_URL'])
    const engine = openTrinoEngine(trinoClient(url), { clock: testScope().clock, locate: () => ({ catalog: 'tpch', schema: 'sf10', table: 'lineitem' }) })
    try {
      await engine.mount([liveTable('lineitems', [column('orderkey', 'Long')], () => [])])
      const running = engine.query(testScope(), { sql: 'SELECT count(*) AS n /* killed */ FROM lineitems a, lineitems b WHERE a.orderkey * b.orderkey = -1' }).then(allRows)
      const failed = expect(running).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringMatching(/^Trino at 127\.0\.0\.1:\d+ /) })
      await eventually('Trino runs the statement', async () => (await trinoQueries(url, '/* killed */')).some(({ state }) => state === 'RUNNING'), 60_000)
      process.kill(first.pid, 'SIGKILL')
      await failed
      await expect(engine.query(testScope(), { sql: 'SELECT 1 AS a' })).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
      await up(site, trino, 1)
      expect(await allRows(await engine.query(testScope(), { sql: 'SELECT 1 AS a' }))).toEqual([{ a: 1 }])
    } finally {
      await engine.close()
    }
  })
})
