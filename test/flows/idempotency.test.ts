import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'

const put = 'mutation ($code: ID!, $count: Int!, $key: String) { putMark(input: { code: $code, count: $count }, idempotencyKey: $key) { code count } }'
const remove = 'mutation ($code: ID!, $key: String) { removeMark(code: $code, idempotencyKey: $key) }'
const read = '{ mark(code: "a") { count } }'

describe('a mutation with a key of the client', () => {
  let files: CatalogFolder
  let hub: RunningHub

  beforeEach(async () => {
    files = catalogFolder({ 'hub.yaml': 'regions: { marks: { type: Mark, key: code, fields: { code: "ID!", count: "Int!" } } }\n' })
    hub = await startHub({ catalog: files.catalog })
  })
  afterEach(async () => {
    await hub.close()
    files.remove()
  })

  test('is done once: asked again it answers the same, whatever happened since', async () => {
    const first = await hub.query(put, { code: 'a', count: 1, key: 'k1' })
    expect(first).toEqual({ data: { putMark: { code: 'a', count: 1 } } })
    await hub.query(put, { code: 'a', count: 2 })
    expect(await hub.query(put, { code: 'a', count: 1, key: 'k1' })).toEqual(first)
    expect(await hub.query(read)).toEqual({ data: { mark: { count: 2 } } })
    expect(await hub.query(remove, { code: 'a', key: 'k2' })).toEqual({ data: { removeMark: true } })
    expect(await hub.query(remove, { code: 'a', key: 'k2' })).toEqual({ data: { removeMark: true } })
    expect(await hub.query(remove, { code: 'a' })).toEqual({ data: { removeMark: false } })
  })

  test('is done once, and answered whole, where its answer could come in parts', async () => {
    const query = 'mutation { putMark(input: { code: "a", count: 1 }, idempotencyKey: "k") { code ... @defer { count } } }'
    const whole = async () => (await fetch(`${hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'multipart/mixed, application/json' }, body: JSON.stringify({ query }) })).json()
    expect(await whole()).toEqual({ data: { putMark: { code: 'a', count: 1 } } })
    await hub.query(put, { code: 'a', count: 2 })
    expect(await whole()).toEqual({ data: { putMark: { code: 'a', count: 1 } } })
    expect(await hub.query(read)).toEqual({ data: { mark: { count: 2 } } })
  })

  test('is known again after a restart', async () => {
    await hub.query(put, { code: 'a', count: 1, key: 'k' })
    await hub.query(put, { code: 'a', count: 2 })
    hub = await hub.restart()
    expect(await hub.query(put, { code: 'a', count: 1, key: 'k' })).toEqual({ data: { putMark: { code: 'a', count: 1 } } })
    expect(await hub.query(read)).toEqual({ data: { mark: { count: 2 } } })
  })

  test('is done once however many ask at the same time', async () => {
    await hub.query(put, { code: 'a', count: 1 })
    const answers = await Promise.all(Array.from({ length: 40 }, () => hub.query(remove, { code: 'a', key: 'k' })))
    expect(new Set(answers.map(answer => JSON.stringify(answer)))).toEqual(new Set([JSON.stringify({ data: { removeMark: true } })]))
  })

  test('refuses its key for another request, which is then not done', async () => {
    await hub.query(put, { code: 'a', count: 1, key: 'k' })
    const { data, errors } = await hub.query(put, { code: 'a', count: 3, key: 'k' })
    expect([data, errors]).toMatchObject([null, [{ path: ['putMark'], extensions: { code: 'CONFLICT', http: { status: 409 } } }]])
    expect(await hub.query(read)).toEqual({ data: { mark: { count: 1 } } })
  })

  test('that failed is not kept: the next try is a new one', async () => {
    const tooMany = `mutation { putMarks(idempotencyKey: "k", input: [${'{ code: "x", count: 1 },'.repeat(10_001)}]) { code } }`
    expect((await hub.query(tooMany)).errors).toBeDefined()
    expect(await hub.query('mutation { createCacheRegion(idempotencyKey: "r", input: { name: "select" }) { changed } }')).toMatchObject({ errors: [{ extensions: { code: 'VALIDATION_ERROR' } }] })
    expect(await hub.query('mutation { createCacheRegion(idempotencyKey: "r", input: { name: "fine" }) { changed region { name stats { entries } } } }')).toEqual({ data: { createCacheRegion: { changed: true, region: { name: 'fine', stats: { entries: 0 } } } } })
    expect(await hub.query('mutation { createCacheRegion(idempotencyKey: "r", input: { name: "fine" }) { changed region { name stats { entries } } } }')).toEqual({ data: { createCacheRegion: { changed: true, region: { name: 'fine', stats: { entries: 0 } } } } })
  })

  test('takes one to 255 characters, a key for each field', async () => {
    expect((await hub.query(put, { code: 'a', count: 1, key: '' })).errors).toMatchObject([{ message: expect.stringContaining('takes 1 to 255'), extensions: { code: 'BAD_USER_INPUT' } }])
    expect(await hub.query('mutation { a: putMark(input: { code: "a", count: 1 }, idempotencyKey: "x") { code } b: putMark(input: { code: "b", count: 2 }, idempotencyKey: "y") { code } }')).toEqual({ data: { a: { code: 'a' }, b: { code: 'b' } } })
  })
})
