import { randomBytes } from 'node:crypto'
import { catalogFolder } from '../support/catalog-folder.ts'
import { isEmbedded, startHub, type RunningHub } from '../support/hub.ts'

/** A broker keeps the topics of others, and those of runs before. */
const run = isEmbedded ? '' : `-${randomBytes(4).toString('hex')}`
const [topic, plain] = [`my-topic${run}`, `plain${run}`]

describe('topics over REST', () => {
  const folder = catalogFolder({ 'hub.yaml': 'regions:\n  notes: { type: Note, key: code, fields: { code: ID!, text: String } }\n' })
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog })
  }, 120_000)
  afterAll(async () => {
    await call('DELETE', `/topic/delete?topic_name=${topic}`)
    await hub.close()
    folder.remove()
  })

  async function call(method: string, path: string, body?: unknown) {
    const response = await fetch(`${hub.url}${path}`, { method, headers: { 'content-type': 'application/json' }, ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }) })
    const text = await response.text()
    return { status: response.status, type: response.headers.get('content-type'), body: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>) }
  }
  const sample = { topic_name: topic, num_partitions: 3, replication_factor: 1, retention_ms: 604800000, retention_bytes: 1073741824 }

  test('E-36 POST /topic/create takes the documented body', async () => {
    expect(await call('POST', '/topic/create', sample)).toMatchObject({ status: 201, body: { ...sample, message_count: 0 } })
    const placeholder = await call('POST', '/topic/create', { topic_name: plain, num_partitions: 1, replication_factor: 1, retention_ms: 0, retention_bytes: 0 })
    expect(placeholder).toMatchObject({ status: 201, body: { warnings: [expect.stringContaining('retentionMs 0'), expect.anything()] } })
  })

  test('E-36 what is wrong with it is 400, with every mistake and its place', async () => {
    expect(await call('POST', '/topic/create', sample)).toMatchObject({ status: 400, type: 'application/problem+json; charset=utf-8', body: { status: 400, code: 'CONFLICT' } })
    expect(await call('POST', '/topic/create', { topic_name: 'a/b', num_partitions: 0 })).toMatchObject({ status: 400, body: { errors: [{ loc: ['body', 'topic_name'] }, { loc: ['body', 'num_partitions'] }] } })
    expect(await call('POST', '/topic/create', { num_partitions: 'three', partitons: 1 })).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR', errors: expect.arrayContaining([expect.objectContaining({ loc: ['body', 'topic_name'] })]) } })
    expect(await call('POST', '/topic/create', { topic_name: 'copies', replication_factor: 9 })).toMatchObject({ status: 400 })
    expect(await call('POST', '/topic/create', '{')).toMatchObject({ status: 400 })
  })

  test('E-34 E-35 GET /topic/list and /topic/config', async () => {
    const { status, body } = await call('GET', '/topic/list')
    expect([status, (body!['topics'] as string[]).filter(name => name.endsWith(run))]).toEqual([200, [topic, plain]])
    expect(await call('GET', `/topic/config?topic_name=${topic}`)).toMatchObject({ status: 200, body: { ...sample, config: { 'retention.ms': '604800000' }, partitions: [{ id: 0, begin_offset: 0, end_offset: 0 }, { id: 1 }, { id: 2 }] } })
    expect(await call('GET', '/topic/config?topic_name=nothing')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    expect(await call('GET', '/topic/config')).toMatchObject({ status: 422 })
  })

  test('E-41 PATCH /topic/update changes what is named', async () => {
    expect(await call('PATCH', '/topic/update', { topic_name: topic, retention_ms: 259200000, retention_bytes: 536870912 })).toMatchObject({ status: 200, body: { retention_ms: 259200000, retention_bytes: 536870912 } })
    expect(await call('PATCH', '/topic/update', { topic_name: topic, retention_ms: 1000 })).toMatchObject({ status: 200, body: { retention_ms: 1000, retention_bytes: 536870912 } })
    expect(await call('PATCH', '/topic/update', { topic_name: topic })).toMatchObject({ status: 400 })
    expect(await call('PATCH', '/topic/update', { topic_name: topic, retention_ms: -2 })).toMatchObject({ status: 400 })
    expect(await call('PATCH', '/topic/update', { topic_name: 'nothing', retention_ms: 1 })).toMatchObject({ status: 404 })
    expect(await call('PATCH', '/topic/update', { retention_ms: 1 })).toMatchObject({ status: 422 })
    expect(await call('PATCH', '/topic/update', { topic_name: topic, retention_ms: 'long' })).toMatchObject({ status: 422 })
  })

  test('E-42 DELETE /topic/delete', async () => {
    expect(await call('DELETE', `/topic/delete?topic_name=${plain}`)).toMatchObject({ status: 204 })
    expect(await call('DELETE', `/topic/delete?topic_name=${plain}`)).toMatchObject({ status: 404 })
    expect(await call('DELETE', '/topic/delete')).toMatchObject({ status: 422 })
    expect(await call('DELETE', '/topic/delete?topic_name=__consumer_offsets')).toMatchObject({ status: 400 })
  })
})
