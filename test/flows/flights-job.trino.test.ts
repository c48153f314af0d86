import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { withEngine } from '../support/engines.ts'
import { expectedDelays, flightsHub } from '../support/flights.ts'
import { openflights } from '../support/openflights.ts'

jest.setTimeout(600_000)

const real = openflights.present ? test : test.skip
withEngine('TRINO_URL', 'the flights of a quarter on Trino', url => {
  real('D-02 D-26 D-98 the same job leaves the same rows there as on DuckDB: in the export, the database and the region', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flights-'))
    try {
      const { hub, job, exported, merged, entities } = await flightsHub(folder, [`--engines-trino-url=${url}`, '--engines-trino-user=tests', '--pipelines-trino-catalog=memory'])
      try {
        expect(job?.steps.filter(({ state }) => state !== 'SUCCEEDED')).toEqual([])
        const { delays } = await expectedDelays()
        for (const found of [exported, merged, entities]) expect(found).toEqual(delays.map(one => ({ ...one, mean: expect.closeTo(one.mean, 9) })))
        const { data } = await hub.query<{ runs: { nodes: { engine: string }[] } }>('{ runs { nodes { engine } } }')
        expect(new Set(data?.runs.nodes.map(({ engine }) => engine))).toEqual(new Set(['trino']))
      } finally {
        await hub.close()
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
