import { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { dayOf } from '../../ops/bench/exchanges/day.ts'
import { placesIn } from '../../ops/bench/exchanges/files.ts'
import { measureExchanges } from '../../ops/bench/exchanges/index.ts'
import { wrongRows } from '../../ops/bench/exchanges/oracle.ts'

const onLinux = existsSync('/proc/self/stat') ? test : test.skip

onLinux('D-01 D-95: of a day of files none is lost and none doubled where the hub is killed and started again while it takes them, and what is planted is found', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'exchanges-'))
  const written: string[] = []
  const figures = await measureExchanges({ exchanges: 60, applications: 3, kills: 3, freezes: 0, hubs: 1, seed: 7, folder, postgresUrl: undefined, progress: () => undefined, signal: new AbortController().signal, heard: text => written.push(text) })
  expect([figures.wrong, figures.wrong.length > 0 ? written.join('') : '']).toEqual([[], ''])
  expect([figures.killed, figures.takenOver > 0]).toEqual([3, true])

  const places = placesIn(folder)
  const day = dayOf(figures.options)
  const data = places.dataOf('app-01')
  const database = new DatabaseSync(join(data, 'ledger.sqlite'))
  database.exec('DELETE FROM line WHERE line_id = (SELECT max(line_id) FROM line); INSERT INTO line SELECT * FROM line WHERE line_id = (SELECT min(line_id) FROM line)')
  database.close()
  const [first = ''] = readdirSync(join(data, 'service/delivered'))
  copyFileSync(join(data, 'service/delivered', first), join(data, 'service/delivered/again.csv'))
  rmSync(join(data, 'staging/lines/_versions'), { recursive: true })
  expect(await wrongRows(places, day)).toEqual([
    expect.stringMatching(/^app-01, staging\.lines: \d+ of \d+ rows are lost, such as /), expect.stringMatching(/^app-01, service\/delivered: \d+ rows are there that should not be, or not again, such as /),
    expect.stringMatching(/^app-01, table line: 1 of \d+ rows are lost/), expect.stringMatching(/^app-01, table line: 1 rows are there/),
  ])
  await rm(folder, { recursive: true })
}, 300_000)
