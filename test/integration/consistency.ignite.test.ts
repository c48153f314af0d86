import { jest } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { dropNamespace } from '../support/ignite.ts'
import { startProgram, type Running } from '../support/program.ts'

jest.setTimeout(180_000)

const region = '/api/v1/dih/cache-regions/notes/entries'
const at = (level: string, more: Record<string, string> = {}) => ({ 'x-consistency': level, ...more })

withEngine('IGNITE_HOST_1', 'consistency over two hubs of one cluster', place => {
  let files: CatalogFolder
  let here: RunningHub
  let other: Running
  let otherUrl: string
  const namespace = `t${randomBytes(6).toString('hex')}`
  const env = { IGNITE_HOST_1: place, IGNITE_NAMESPACE: namespace }

  beforeAll(async () => {
    files = catalogFolder({ 'hub.yaml': 'regions: { notes: { type: Note, key: id, fields: { id: ID!, text: String } } }\n' })
    here = await startHub({ catalog: files.catalog, env })
    other = startProgram(['start', '--catalog', files.catalog, '--port', '0', '--data', `${files.folder}/other`, '--log-level', 'error', '--limits-requests-per-minute=1000000'], { cwd: files.folder, env })
    otherUrl = new URL((await other.written(/http:\S+/))[0]).origin
  })
  afterAll(async () => {
    await other?.stop()
    await here?.close()
    await dropNamespace([place], namespace)
    files?.remove()
  })

  const get = async (url: string, key: string, headers: Record<string, string>) => {
    const response = await fetch(`${url}${region}/${key}`, { headers })
    const body = (await response.json()) as { readonly value?: { readonly text: string } }
    return [response.headers.get('x-cache'), response.status === 200 ? body.value?.text : response.status]
  }
  /** Writes through the other hub; answers the caller's session token. */
  const put = async (key: string, text: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${otherUrl}${region}/${key}`, { method: 'PUT', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ text }) })
    expect(response.status).toBe(200)
    return response.headers.get('x-session-token') ?? ''
  }

  test('H-26 M-08 a second EVENTUAL read is answered near, one at STRONG by the cluster; what another process writes is seen once it was told', async () => {
    await put('a', 'first')
    expect(await get(here.url, 'a', at('EVENTUAL'))).toEqual(['HIT', 'first'])
    expect(await get(here.url, 'a', at('EVENTUAL'))).toEqual(['NEAR', 'first'])
    expect([await get(here.url, 'a', at('STRONG')), await get(here.url, 'a', {}), await get(here.url, 'a', at('BOUNDED_STALENESS'))]).toEqual([['HIT', 'first'], ['HIT', 'first'], ['HIT', 'first']])
    const explained = async (query: string) => (await here.query<{ note: unknown }>(query, {}, { 'x-hub-explain': '1' })).extensions?.['hub']
    expect(await explained('{ note(id: "a") @consistency(level: EVENTUAL) { text } }')).toMatchObject({ reads: [{ name: 'notes', engine: 'ignite', rows: 1, near: 1, consistency: { level: 'EVENTUAL', from: 'field' } }], consistency: { level: 'STRONG', from: 'default' } })
    const strong = await explained('{ note(id: "a") { text } notesByKey(keys: ["a"]) { id } }')
    expect(JSON.stringify(strong)).not.toContain('near')

    await put('a', 'second')
    expect(await get(here.url, 'a', at('STRONG'))).toEqual(['HIT', 'second'])
    await eventually('the change is told', async () => (await get(here.url, 'a', at('EVENTUAL')))[1] === 'second')
    expect(await get(here.url, 'a', at('EVENTUAL'))).toEqual(['NEAR', 'second'])
  })

  test('H-26 at SESSION, with the token of the write, the caller sees at once what was written through the other hub; and near again, once it was told', async () => {
    let token = ''
    for (let round = 0; round < 200; round++) {
      await get(here.url, 'b', at('EVENTUAL'))
      token = await put('b', `round ${round}`, token === '' ? {} : { 'x-session-token': token })
      expect((await get(here.url, 'b', at('SESSION', { 'x-session-token': token })))[1]).toBe(`round ${round}`)
    }
    await eventually('it is kept near', async () => (await get(here.url, 'b', at('SESSION', { 'x-session-token': token })))[0] === 'NEAR')
    expect(await get(here.url, 'b', at('SESSION', { 'x-session-token': token }))).toEqual(['NEAR', 'round 199'])
  })

  test('H-26 a removal through the other hub is seen with its token', async () => {
    for (let round = 0; round < 50; round++) {
      await put('c', 'there')
      await eventually('it is kept near', async () => (await get(here.url, 'c', at('EVENTUAL')))[0] === 'NEAR')
      const response = await fetch(`${otherUrl}${region}/c`, { method: 'DELETE' })
      const token = response.headers.get('x-session-token') ?? ''
      expect((await get(here.url, 'c', at('SESSION', { 'x-session-token': token })))[1]).toBe(404)
    }
  })

  test('H-26 what a hub writes itself it never answers older, near or not', async () => {
    for (let round = 0; round < 50; round++) {
      await here.query('mutation ($text: String!) { putNote(input: { id: "d", text: $text }) { id } }', { text: `own ${round}` })
      expect((await get(here.url, 'd', at('EVENTUAL')))[1]).toBe(`own ${round}`)
    }
  })
})
