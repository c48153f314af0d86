import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expectedDelays, flightsHub } from '../support/flights.ts'
import { openflights } from '../support/openflights.ts'

const real = openflights.present ? test : test.skip
real('D-26 D-108 the flights of a quarter go by one job of the hub to an export, a database and a region, whose field leads back to the column of the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flights-'))
  try {
    const { hub, job, exported, merged, entities } = await flightsHub(folder)
    try {
      expect(job).toEqual({ state: 'SUCCEEDED', steps: ['airports_load', 'flights_load', 'airports_standardization', 'flights_standardization', 'delays_export', 'delays_region'].map(pipelineId => ({ pipelineId, state: 'SUCCEEDED', error: null })) })
      const { delays } = await expectedDelays()
      expect(delays.length).toBeGreaterThan(100)
      for (const found of [exported, merged, entities]) expect(found).toEqual(delays.map(one => ({ ...one, mean: expect.closeTo(one.mean, 9) })))

      const origins = async (of: string) => {
        const { data } = await hub.query<{ lineage: { nodes: { id: string; kind: string }[]; edges: { from: string; transformation: string | null }[]; unresolved: string[] } }>('query ($of: String!) { lineage(of: $of, depth: 20) { nodes { id kind } edges { from transformation } unresolved } }', { of })
        const columns = data?.lineage.nodes.filter(({ kind }) => kind === 'COLUMN').map(({ id }) => id) ?? []
        return { files: columns.filter(id => id.startsWith('file:flights/landing/')), lake: columns.filter(id => id.startsWith('lake:')), unresolved: data?.lineage.unresolved }
      }
      expect(await origins('Delay.meanDelay')).toMatchObject({ files: expect.arrayContaining(['file:flights/landing/flights-*.json.delay']), lake: expect.arrayContaining(['lake:flights/standardization.flights.delay', 'lake:flights/staging.flights.delay']), unresolved: [] })
      expect((await origins('Delay.city')).files).toContain('file:flights/landing/airports.dat.city')
      const masked = await hub.query<{ lineage: { edges: { from: string; to: string; transformation: string | null }[] } }>('{ lineage(of: "lake:flights/standardization.airports.icao", depth: 1) { edges { from to transformation } } }')
      expect(masked.data?.lineage.edges).toContainEqual({ from: 'lake:flights/staging.airports.icao', to: 'lake:flights/standardization.airports.icao', transformation: 'MASK' })
    } finally {
      await hub.close()
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}, 240_000)
