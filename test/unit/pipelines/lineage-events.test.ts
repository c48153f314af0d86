import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { fileLineage, httpLineage } from '../../../connectors/openlineage/index.ts'
import type { LineageSink } from '../../../connectors/ports/lineage-sink.ts'
import type { RunEnding, StoredRun } from '../../../connectors/ports/run-store.ts'
import { HubError } from '../../../schema/errors.ts'
import type { Json } from '../../../schema/values.ts'
import { LineageEvents } from '../../../subgraphs/pipelines/lineage/lineage-events.ts'
import { RunWorld } from '../../support/pipeline-runs.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

/** What the specification 2-0-2 and those of the facets say has to be there. */
const facet = <Shape extends z.ZodRawShape>(name: string, shape: Shape) => z.object({ _producer: z.string().regex(/^[a-z]+:/), _schemaURL: z.string().regex(new RegExp(`^https://openlineage\\.io/spec/facets/\\d+-\\d+-\\d+/${name}\\.json#/\\$defs/${name}$`)), ...shape }).strict()
const named = { namespace: z.string().min(1), name: z.string().min(1) }
const column = z.object({ ...named, field: z.string(), transformations: z.array(z.object({ type: z.enum(['DIRECT', 'INDIRECT']), subtype: z.string(), description: z.string(), masking: z.boolean() })) }).strict()
const schemaFacet = facet('SchemaDatasetFacet', { fields: z.array(z.object({ name: z.string(), type: z.string().optional() })) })
const runEvent = z.object({
  eventType: z.enum(['START', 'COMPLETE', 'ABORT', 'FAIL']), eventTime: z.iso.datetime(), producer: z.string(), schemaURL: z.literal('https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent'),
  run: z.object({ runId: z.uuid(), facets: z.object({
    nominalTime: facet('NominalTimeRunFacet', { nominalStartTime: z.iso.datetime() }).optional(),
    parent: facet('ParentRunFacet', { run: z.object({ runId: z.uuid() }), job: z.object(named) }).optional(),
    errorMessage: facet('ErrorMessageRunFacet', { message: z.string(), programmingLanguage: z.string() }).optional(),
  }).strict() }),
  job: z.object({ ...named, facets: z.object({ jobType: facet('JobTypeJobFacet', { processingType: z.literal('BATCH'), integration: z.string(), jobType: z.string() }) }) }),
  inputs: z.array(z.object({ ...named, facets: z.object({ schema: schemaFacet }) }).strict()),
  outputs: z.array(z.object({
    ...named, facets: z.object({ schema: schemaFacet, columnLineage: facet('ColumnLineageDatasetFacet', { fields: z.record(z.string(), z.object({ inputFields: z.array(column) })), dataset: z.array(column) }) }),
    outputFacets: z.object({ outputStatistics: facet('OutputStatisticsOutputDatasetFacet', { rowCount: z.int(), size: z.int().optional() }) }).optional(),
  }).strict()),
}).strict()

const clock = new MovedClock(Date.UTC(2026, 0, 31, 10))
const job = { runId: '3f1c1f0e-62f5-4b60-8d4e-5a3f6a1d8a11', application: 'shop', subject: 'nightly' } as StoredRun
const run = (more: Partial<StoredRun> = {}) => ({ runId: 'b0a7', tenant: 'test', kind: 'pipeline', application: 'shop', subject: 'p', parameters: { runDate: '2026-01-30' }, ...more }) as StoredRun
const ended = (more: Partial<RunEnding> = {}): RunEnding => ({ state: 'SUCCEEDED', rowsRead: 0, rowsWritten: 0, rowsRejected: 0, record: null, ...more })

function told(sinks: readonly LineageSink[], log = testScope().log) {
  return new LineageEvents({ sinks, namespace: 'prod', producer: 'urn:tributary', store: { run: async (_, id) => (id === job.runId ? job : undefined) }, scope: { ...testScope({ clock }), log } })
}

function collecting(): { readonly sink: LineageSink; readonly events: Json[] } {
  const events: Json[] = []
  return { events, sink: { emit: async (_, event) => void events.push(event) } }
}

test('D-108 a run is told of as OpenLineage has it: begin, end, what it read and wrote, column by column', async () => {
  const world = await RunWorld.open()
  try {
    await world.file('in/orders.csv', 'id,email\n1,a@x.org\n')
    const { lineage, steps, rowsRead, rowsWritten } = await world.run({ sources: '<csv id="o" path="in/orders.csv"/>', transformations: '<mask source="o" columns="email" strategy="hash"/><sort source="o" orderBy="id"/>', targets: '<csv path="out" mode="overwrite"/>' })
    const { events, sink } = collecting()
    const events_ = told([sink])
    const { started, ended: end } = events_.of(run({ jobRunId: job.runId }))
    started()
    end(ended({ ...(lineage && { lineage }), record: JSON.parse(JSON.stringify({ steps })) as Json, rowsRead, rowsWritten }))
    await events_.flush()
    for (const event of events) expect(runEvent.safeParse(event).error?.issues).toBeUndefined()
    expect(events).toMatchObject([
      { eventType: 'START', eventTime: '2026-01-31T10:00:00Z', job: { namespace: 'prod', name: 'shop.p' }, run: { facets: { nominalTime: { nominalStartTime: '2026-01-30T00:00:00Z' }, parent: { run: { runId: job.runId }, job: { name: 'shop.nightly' } } } }, inputs: [], outputs: [] },
      {
        eventType: 'COMPLETE', inputs: [{ namespace: 'prod:file', name: 'shop/in/orders.csv', facets: { schema: { fields: [{ name: 'id', type: 'String' }, { name: 'email', type: 'String' }] } } }],
        outputs: [{ namespace: 'prod:file', name: 'shop/out/p.csv', outputFacets: { outputStatistics: { rowCount: 1 } }, facets: { columnLineage: {
          fields: { id: { inputFields: [{ field: 'id', transformations: [{ type: 'DIRECT', subtype: 'IDENTITY', masking: false }] }] }, email: { inputFields: [{ field: 'email', transformations: [{ subtype: 'TRANSFORMATION', masking: true }] }] } },
          dataset: [{ field: 'id', transformations: [{ type: 'INDIRECT', subtype: 'SORT' }] }],
        } } }],
      },
    ])
    const ids = events.map(event => (event as { run: { runId: string } }).run.runId)
    expect(ids[0]).toBe(ids[1])
  } finally {
    await world.close()
  }
})

test('D-108 one that failed says why, one that was cancelled is an ABORT', async () => {
  const { events, sink } = collecting()
  const lineage = told([sink])
  lineage.ended(run(), ended({ state: 'FAILED', message: 'No file.' }))
  lineage.ended(run(), ended({ state: 'CANCELLED' }))
  lineage.ended(run(), ended({ state: 'SKIPPED_NO_DATA' }))
  await lineage.flush()
  for (const event of events) expect(runEvent.safeParse(event).error?.issues).toBeUndefined()
  expect(events).toMatchObject([{ eventType: 'FAIL', run: { facets: { errorMessage: { message: 'No file.' } } } }, { eventType: 'ABORT' }, { eventType: 'COMPLETE' }])
})

test('D-108 a server that does not answer is asked again, in order, and one that refuses is not', async () => {
  const warned: unknown[] = []
  const log = { ...testScope().log, warn: (message: string, fields?: object) => void warned.push([message, fields]) }
  const states: string[] = []
  let calls = 0
  const sink: LineageSink = {
    async emit(_, event) {
      calls += 1
      const { eventType } = event as { eventType: string }
      if (eventType === 'FAIL') throw new HubError('UPSTREAM_REJECTED', 'No.')
      if (calls === 1) throw new HubError('UPSTREAM_UNAVAILABLE', 'Not now.')
      states.push(eventType)
    },
  }
  const lineage = told([sink], log)
  lineage.of(run()).started()
  lineage.ended(run(), ended({ state: 'FAILED', message: 'x' }))
  lineage.ended(run(), ended())
  while (states.length < 2) {
    await new Promise(setImmediate)
    clock.advance(1_000)
  }
  await lineage.flush()
  expect([states, calls]).toEqual([['START', 'COMPLETE'], 4])
  expect(warned).toEqual([['An event of lineage was not sent.', { run: 'b0a7', attempt: 1, reason: 'No.' }]])
})

describe('places that events go to', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lineage-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  test('a file has one event a line', async () => {
    const sink = fileLineage(join(folder, 'events.ndjson'))
    await sink.emit(testScope(), { a: 'ü\n' })
    await sink.emit(testScope(), { b: 1 })
    expect((await readFile(join(folder, 'events.ndjson'), 'utf8')).split('\n').map(line => (line ? JSON.parse(line) as Json : null))).toEqual([{ a: 'ü\n' }, { b: 1 }, null])
    await expect(fileLineage(join(folder, 'none', 'x')).emit(testScope(), {})).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('ENOENT') })
  })

  test('a server gets a POST with the key; its answers are told apart, and it leads nowhere else', async () => {
    const heard: unknown[] = []
    let status = 201
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', chunk => { body += String(chunk) }).on('end', () => {
        heard.push([request.method, request.url, request.headers.authorization, request.headers['content-type'], body])
        response.writeHead(status, { location: '/elsewhere' }).end()
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/lineage`
    const sink = httpLineage({ url, apiKey: 'k' })
    const codes: unknown[] = []
    for (status of [201, 302, 400, 429, 503]) codes.push(await sink.emit(testScope(), { n: status }).catch((error: HubError) => error.code))
    expect(codes).toEqual([undefined, 'UPSTREAM_REJECTED', 'UPSTREAM_REJECTED', 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_UNAVAILABLE'])
    expect([heard.length, heard[0]]).toEqual([5, ['POST', '/api/v1/lineage', 'Bearer k', 'application/json', '{"n":201}']])
    server.close()
    server.closeAllConnections()
    await expect(sink.emit(testScope(), {})).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringMatching(/^127\.0\.0\.1:\d+, which takes events of lineage, does not answer: .+/) })
  })
})
