import { duckDbPipelines } from '../../../connectors/pipelines/duckdb.ts'
import { RunWorld } from '../../support/pipeline-runs.ts'

/** Of a csv each read takes 32 MiB at a time, whatever its size. */
const limitBytes = 256 * 1024 * 1024
const rows = 64_000
const filler = 'x'.repeat(1_000)

test('D-76 five sources that are together larger than the memory there may be are put together, and the most that was used is told', async () => {
  const world = await RunWorld.open(duckDbPipelines({ memoryLimit: '256MiB', threads: 2 }))
  try {
    const ids = ['a', 'b', 'c', 'd', 'e']
    let bytes = 0
    for (const [nth, id] of ids.entries()) {
      const text = `id,filler\n${Array.from({ length: rows }, (_, row) => `${(row * 7_919) % rows}${nth},${filler}${row}`).join('\n')}\n`
      bytes += text.length
      await world.file(`in/${id}.csv`, text)
    }
    expect(bytes).toBeGreaterThan(limitBytes)
    const record = await world.run({
      sources: ids.map(id => `<csv id="${id}" path="in/${id}.csv" inferSchema="true"/>`).join(''),
      transformations: `<merge sources="${ids.join(',')}" mode="union" as="all"/>`,
      targets: '<csv path="out" mode="overwrite" compression="gzip"/>',
    })
    expect(record.error).toBeUndefined()
    expect(record).toMatchObject({ state: 'SUCCEEDED', rowsRead: 5 * rows, rowsWritten: 5 * rows })
    expect(record.peakMemoryBytes).toBeGreaterThan(0)
    expect(record.peakMemoryBytes).toBeLessThanOrEqual(limitBytes)
  } finally {
    await world.close()
  }
})
