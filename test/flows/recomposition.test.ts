import fc from 'fast-check'
import type { Supergraph } from '../../gateway/federation/supergraph.ts'
import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { heldSubgraph, type HeldSubgraph } from '../support/held-subgraph.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { keptLog } from '../support/kept-log.ts'

const cities = 'code,name,country\nPAR,Paris,FR\nROM,Roma,IT\n'
const heldSdl = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
  type Query { favourite: City }
  type City @key(fields: "code", resolvable: false) { code: ID! }
`

interface Parts {
  readonly notes?: string
  readonly cities?: string
  readonly more?: string
}

describe('a hub whose catalog is edited while it runs', () => {
  const log = keptLog()
  let folder: CatalogFolder
  let remote: HeldSubgraph
  let hub: RunningHub

  const noteFields = 'id: ID!, body: String, extra: String'
  const text = ({ notes = noteFields, cities: region = '{ key: code, type: City, fields: { code: ID!, name: String, country: String }, load: { source: lake, table: cities, eager: true } }', more = '' }: Parts = {}) => `
sources:
  lake: { type: files, root: ./lake }
regions:
  cities: ${region}
  notes: { type: Note, key: id, fields: { ${notes} } }
subgraphs:
  held: { url: "${remote.url}" }
${more}`

  /** Writes the catalog; answers the graph that then serves. */
  const edited = (parts: Parts): Promise<Supergraph> => {
    const next = new Promise<Supergraph>(resolve => {
      const forget = hub.hub.onSupergraph(graph => {
        forget()
        resolve(graph)
      })
    })
    folder.write({ 'hub.yaml': text(parts) })
    return next
  }
  /** Writes the catalog; answers the line that says why it is refused. */
  const refused = async (parts: Parts | string) => {
    const line = log.next(({ message }) => message.startsWith('The edited catalog is refused'))
    folder.write({ 'hub.yaml': typeof parts === 'string' ? parts : text(parts) })
    const { level, fields } = await line
    return { level, ...fields }
  }

  beforeAll(async () => {
    remote = await heldSubgraph(heldSdl)
    folder = catalogFolder({ 'lake/cities.csv': cities, 'lake/rivers.csv': 'id,name\n1,Seine\n' })
    folder.write({ 'hub.yaml': text() })
    hub = await startHub({ catalog: folder.catalog, log })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    await remote.close()
    folder.remove()
  })

  test('an edit brings new types and fields, and takes old ones away, without a restart', async () => {
    expect((await hub.query('{ rivers { totalCount } }')).errors?.[0]?.extensions).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED' })
    const before = hub.hub.supergraph.version
    const graph = await edited({ more: 'views:\n  rivers: { key: id, type: River, sql: "SELECT id, name FROM lake.rivers" }\n' })
    expect(graph.version).not.toBe(before)
    expect(await hub.query('{ rivers { nodes { name } } sqlQuery(query: "SELECT name FROM rivers") { rows } }')).toEqual({ data: { rivers: { nodes: [{ name: 'Seine' }] }, sqlQuery: { rows: [['Seine']] } } })
    await edited({})
    expect((await hub.query('{ rivers { totalCount } }')).errors?.[0]?.extensions).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED' })
    expect((await hub.query('{ sqlQuery(query: "SELECT name FROM hub.rivers") { rows } }')).errors?.[0]?.extensions).toMatchObject({ code: 'SQL_ERROR' })
  })

  test('a request in flight finishes on the graph it began with, whose fields may be gone meanwhile', async () => {
    const asked = remote.asked()
    const answer = hub.query('{ favourite { code name country } }')
    await asked
    await edited({ cities: '{ key: code, type: City, fields: { code: ID!, title: { type: String, column: name } }, load: { source: lake, table: cities, eager: true } }' })
    expect((await hub.query('{ city(code: "PAR") { country } }')).errors?.[0]?.message).toContain('country')
    expect(await hub.query('{ city(code: "PAR") { title } }')).toEqual({ data: { city: { title: 'Paris' } } })
    remote.release({ favourite: { __typename: 'City', code: 'PAR' } })
    expect(await answer).toEqual({ data: { favourite: { code: 'PAR', name: 'Paris', country: 'FR' } } })
    await edited({})
  })

  test('SQL of the graph that serves sees every table and every row while the next one is made', async () => {
    let swapped = false
    const swap = edited({ more: 'views:\n  a: { key: code, type: ViewA, sql: "SELECT code FROM cities" }\n  b: { key: code, type: ViewB, sql: "SELECT code FROM a" }\n' }).then(() => { swapped = true })
    const answers = new Set<string>()
    do answers.add(JSON.stringify(await hub.query('{ sqlQuery(query: "SELECT count(*) FROM cities") { rows } cities { totalCount } }')))
    while (!swapped)
    await swap
    expect([...answers]).toEqual([JSON.stringify({ data: { sqlQuery: { rows: [[2]] }, cities: { totalCount: 2 } } })])
    await edited({})
  })

  test('what a client declares is taken whole and kept, though the client leaves while it is made', async () => {
    const loaded = log.next(({ message }) => message.endsWith('into "partings".'))
    const swapped = new Promise<void>(resolve => {
      const forget = hub.hub.onSupergraph(() => {
        forget()
        resolve()
      })
    })
    const leaving = new AbortController()
    const query = 'mutation { createFederatedView(name: "partings", key: ["one"], sql: "SELECT 1 AS one", materializeEvery: "PT1H") { name } }'
    const asked = fetch(`${hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }), signal: leaving.signal }).catch((error: Error) => error.name)
    await loaded
    leaving.abort()
    await asked
    await swapped
    hub = await hub.restart()
    expect(await hub.query('{ partings { nodes { one } } }')).toEqual({ data: { partings: { nodes: [{ one: 1 }] } } })
    expect(await hub.query('mutation { dropView(name: "partings") }')).toEqual({ data: { dropView: true } })
  })

  test('a broken edit is refused with its reasons and places in the log, and the old graph goes on serving', async () => {
    const { version } = hub.hub.supergraph
    const answer = await hub.query('{ cities { nodes { code name country } } }')
    const form = await refused('regions:\n  cities: { key: code, lod: 1 }\n')
    expect(form).toMatchObject({ level: 'error', code: 'CATALOG_INVALID', problems: expect.arrayContaining([expect.objectContaining({ file: folder.catalog, line: 2, message: expect.stringContaining('Did you mean "load"') })]) })
    const sql = await refused({ more: 'views:\n  rivers: { key: id, type: River, sql: "SELECT id FROM lake.river" }\n' })
    expect(sql).toMatchObject({ code: 'CATALOG_INVALID', problems: [expect.objectContaining({ path: 'views.rivers.sql', file: folder.catalog, line: expect.any(Number), message: expect.stringContaining('lake.rivers') })] })
    const yaml = await refused('regions: [')
    expect(yaml).toMatchObject({ code: 'CATALOG_INVALID' })
    const source = await refused({ cities: '{ key: code, type: City, load: { source: lake, table: towns } }' })
    expect(source).toMatchObject({ problems: [expect.objectContaining({ path: 'regions.cities.load.table' })] })
    const graph = await refused({ more: 'views:\n  favourite_views: { key: code, type: Favourite, sql: "SELECT code FROM cities" }\n' })
    expect(graph).toMatchObject({ code: expect.any(String), reason: expect.stringContaining('favourite') })

    expect(hub.hub.supergraph.version).toBe(version)
    expect(await hub.query('{ cities { nodes { code name country } } }')).toEqual(answer)
    const again = log.next(({ message }) => message.startsWith('The catalog was read again'))
    folder.write({ 'hub.yaml': text() })
    await again
    expect(hub.hub.supergraph.version).toBe(version)
  })

  test('entries that clients wrote stay when fields come, move and go, and a field that went is not shown', async () => {
    await hub.query('mutation { putNote(input: { id: "1", body: "kept", extra: "old" }) { id } }')
    await edited({ notes: 'rating: Int, id: ID!, body: String, extra: String' })
    expect(await hub.query('{ notes { nodes { id body extra rating } } }')).toEqual({ data: { notes: { nodes: [{ id: '1', body: 'kept', extra: 'old', rating: null }] } } })
    await hub.query('mutation { putNote(input: { id: "2", body: "rated", rating: 5 }) { id } }')
    await edited({ notes: 'rating: Int, id: ID!, body: String' })
    expect(await hub.query('{ notes { nodes { id body rating } } sqlQuery(query: "SELECT * FROM notes WHERE id = \'1\'") { columns { name } } }')).toEqual({
      data: { notes: { nodes: [{ id: '1', body: 'kept', rating: null }, { id: '2', body: 'rated', rating: 5 }] }, sqlQuery: { columns: [{ name: 'rating' }, { name: 'id' }, { name: 'body' }] } },
    })
    expect((await hub.query('{ notes { nodes { extra } } }')).errors?.[0]?.message).toContain('extra')
    await hub.query('mutation { putNote(input: { id: "3" }) { id } }')
    const events = hub.subscribe<{ cacheChanges: { after: Record<string, unknown> } }>('subscription { cacheChanges(region: "notes", where: { id: { eq: "1" } }) { after } }')
    expect((await events.next()).value?.data?.cacheChanges.after).toEqual({ id: '1', body: 'kept', rating: null })
    await events.return()
    hub = await hub.restart()
    expect(await hub.query('{ note(id: "2") { id body rating } }')).toEqual({ data: { note: { id: '2', body: 'rated', rating: 5 } } })
    await edited({ notes: noteFields })
    expect(await hub.query('{ notes { nodes { id body extra } } }')).toEqual({ data: { notes: { nodes: [{ id: '1', body: 'kept', extra: 'old' }, { id: '2', body: 'rated', extra: null }, { id: '3', body: null, extra: null }] } } })
  })

  test('a definition the entries cannot go on under is refused with CONFLICT, which names the difference and the ways out', async () => {
    for (const notes of ['id: ID!, body: Int, extra: String', 'id: ID!, extra: String, body: String!', 'id: ID!, body: String, extra: String, must: Int!']) {
      const conflict = await refused({ notes })
      expect(conflict).toMatchObject({ code: 'CONFLICT', reason: expect.stringMatching(/"notes".*(body|must).*deleteCacheRegion/) })
    }
    expect(await hub.query('{ note(id: "1") { body } }')).toEqual({ data: { note: { body: 'kept' } } })
  })

  test('a refused edit leaves nothing behind: neither a column, nor a region, nor a limit', async () => {
    await refused({ notes: `${noteFields}, late: Int`, more: 'views:\n  broken: { key: id, type: Broken, sql: "SELECT id FROM nowhere" }\n' })
    await refused({ notes: `${noteFields}, late: Int`, cities: '{ key: code, type: City, fields: { code: ID!, country: String }, load: { source: lake, table: cities, eager: true }, maxEntries: 1 }' })
    expect(await hub.query('{ cities { totalCount nodes { name } } notes { totalCount } }')).toMatchObject({ data: { cities: { totalCount: 2 }, notes: { totalCount: 3 } } })
    await edited({ notes: `${noteFields}, late: String` })
    await edited({})
    expect(await hub.query('{ note(id: "1") { body extra } }')).toEqual({ data: { note: { body: 'kept', extra: 'old' } } })
  })

  test('a subscription whose operation still validates survives, one whose field is gone ends with SCHEMA_CHANGED and its cursor', async () => {
    type Told = { noteChanged: { key: string; after: { body: string }; cursor: string } }
    const staying = hub.subscribe<Told>('subscription { noteChanged(initial: false) { key after { body } cursor } }')
    const leaving = hub.subscribe<Told>('subscription { noteChanged(initial: false) { key after { body extra } cursor } }')
    const first = [staying.next(), leaving.next()]
    // Both are told of the first change once they are open; until then it is made again.
    let told = false
    const both = Promise.all(first).then(events => {
      told = true
      return events
    })
    while (!told) await hub.query('mutation { putNote(input: { id: "9", body: "first" }) { id } }')
    const [, { value }] = (await both) as [unknown, { value: { data: Told } }]
    const ended = drained(leaving)
    await edited({ notes: 'id: ID!, body: String, rating: Int' })
    const { error } = await ended
    expect(error).toEqual([expect.objectContaining({ extensions: expect.objectContaining({ code: 'SCHEMA_CHANGED', cursor: expect.any(String) }) })])

    await hub.query('mutation { putNote(input: { id: "10", body: "second", rating: 1 }) { id } }')
    for (;;) {
      const event = await staying.next()
      if (event.value?.data?.noteChanged.key !== '10') continue
      expect(event.value.data.noteChanged.after).toEqual({ body: 'second' })
      break
    }
    await staying.return()
    const { cursor } = (error as [{ extensions: { cursor: string } }])[0].extensions
    const resumed = hub.subscribe<Told>('subscription ($after: String) { noteChanged(after: $after) { key after { body } cursor } }', { after: cursor })
    expect((await resumed.next()).value?.data?.noteChanged).toMatchObject({ key: '10', after: { body: 'second' } })
    await resumed.return()
    expect(value.data.noteChanged.key).toBe('9')
    await edited({})
  })

  test('who follows a region whose rows another one took over is told at once that what it holds is void', async () => {
    const events = hub.subscribe<{ cityChanged: { key: string } }>('subscription { cityChanged { key } }')
    expect([(await events.next()).value?.data?.cityChanged.key, (await events.next()).value?.data?.cityChanged.key]).toEqual(['PAR', 'ROM'])
    const ended = drained(events)
    await edited({ cities: '{ key: code, type: City, fields: { code: ID!, name: String!, country: String }, load: { source: lake, table: cities, eager: true } }' })
    expect((await ended).error).toEqual([expect.objectContaining({ extensions: expect.objectContaining({ code: 'GONE' }) })])
  })

  test('a region taken out of the files keeps its entries until they are deleted by its name', async () => {
    await edited({})
    const without = text().replace(/ {2}notes:.*\n/, '')
    const gone = new Promise<void>(resolve => {
      const forget = hub.hub.onSupergraph(() => {
        forget()
        resolve()
      })
    })
    folder.write({ 'hub.yaml': without })
    await gone
    await edited({})
    expect(await hub.query('{ note(id: "1") { body } }')).toEqual({ data: { note: { body: 'kept' } } })
    expect((await hub.query('mutation { deleteCacheRegion(name: "notes") }')).errors?.[0]?.extensions).toMatchObject({ code: 'CONFLICT' })
    const goneAgain = new Promise<void>(resolve => {
      const forget = hub.hub.onSupergraph(() => {
        forget()
        resolve()
      })
    })
    folder.write({ 'hub.yaml': without })
    await goneAgain
    expect(await hub.query('mutation { a: deleteCacheRegion(name: "notes") b: deleteCacheRegion(name: "notes") }')).toEqual({ data: { a: true, b: false } })
    await edited({ notes: 'id: Int!, other: Boolean!' })
    expect(await hub.query('{ notes { totalCount } }')).toEqual({ data: { notes: { totalCount: 0 } } })
  })
})

describe('whatever edits a hub went through', () => {
  const cityRows = [{ code: 'PAR', name: 'Paris', country: 'FR' }, { code: 'ROM', name: 'Roma', country: 'IT' }]
  const note = { id: '1', body: 'kept', extra: 'old', rating: null }
  const load = 'load: { source: lake, table: cities, eager: true }'

  interface Choice {
    readonly text: string
    /** Fields to ask for, with the column behind each; absent: the edit is refused. */
    readonly fields?: Readonly<Record<string, string>>
  }
  const same = (...names: string[]) => Object.fromEntries(names.map(name => [name, name]))
  const cityChoices: readonly Choice[] = [
    { text: `{ key: code, type: City, ${load} }`, fields: same('code', 'name', 'country') },
    { text: `{ key: code, type: City, ${load}, fields: { code: ID!, name: String } }`, fields: same('code', 'name') },
    { text: `{ key: code, type: City, ${load}, fields: { code: ID!, title: { type: String, column: name } } }`, fields: { code: 'code', title: 'name' } },
    { text: `{ key: code, type: City, ${load}, fields: { code: ID!, name: String!, country: String! }, indexes: [country] }`, fields: same('code', 'name', 'country') },
    { text: '{ key: code, type: City, load: { source: lake, table: cities } }', fields: same('code', 'name', 'country') },
    { text: `{ key: code, type: City, ${load}, maxEntries: 1 }` },
    { text: `{ key: code, type: City, ${load}, fields: { code: ID!, population: Int } }` },
  ]
  const noteChoices: readonly Choice[] = [
    { text: 'id: ID!, body: String, extra: String', fields: same('id', 'body', 'extra') },
    { text: 'id: ID!, body: String', fields: same('id', 'body') },
    { text: 'rating: Int, id: ID!, extra: String, body: String', fields: same('id', 'body', 'extra', 'rating') },
    { text: 'id: ID!, body: Int' },
  ]
  const viewChoices: readonly Choice[] = [
    { text: '', fields: {} },
    { text: 'views:\n  codes: { key: code, type: Code, sql: "SELECT code FROM cities" }', fields: same('code') },
    { text: 'views:\n  codes: { key: code, type: Code, sql: "SELECT code FROM hub.cities", materialize: { every: PT1H } }', fields: same('code') },
    { text: 'views:\n  codes: { key: code, type: Code, sql: "SELECT nope FROM cities" }' },
  ]
  const text = ([city, notes, view]: readonly Choice[]) => `
sources:
  lake: { type: files, root: ./lake }
regions:
  cities: ${city?.text}
  notes: { type: Note, key: id, fields: { ${notes?.text} } }
${view?.text}
`
  const shown = (rows: readonly Readonly<Record<string, unknown>>[], fields: Readonly<Record<string, string>> = {}) => rows.map(row => Object.fromEntries(Object.entries(fields).map(([field, column]) => [field, row[column]])))

  test('it serves the last one that was taken, with every row of it', async () => {
    const first = [cityChoices[0], noteChoices[0], viewChoices[0]] as Choice[]
    const log = keptLog()
    const folder = catalogFolder({ 'lake/cities.csv': cities, 'hub.yaml': text(first) })
    const hub = await startHub({ catalog: folder.catalog, log })
    await hub.query('mutation { putNote(input: { id: "1", body: "kept", extra: "old" }) { id } }')
    let taken = first
    const edit = async (wanted: Choice[]) => {
      const heard = log.next(({ message }) => /^The (edited )?catalog /.test(message))
      folder.write({ 'hub.yaml': text(wanted) })
      const { level } = await heard
      const isRight = wanted.every(choice => choice.fields)
      expect(level).toBe(isRight ? 'info' : 'error')
      if (isRight) taken = wanted
      const [city, notes, view] = taken
      const ask = (field: string, choice: Choice | undefined) => (choice && Object.keys(choice.fields ?? {}).length > 0 ? `${field}(orderBy: [{ ${Object.keys(choice.fields ?? {}).find(name => name === 'id') ?? 'code'}: ASC }]) { totalCount nodes { ${Object.keys(choice.fields ?? {}).join(' ')} } }` : '')
      const answer = await hub.query(`{ ${ask('cities', city)} ${ask('notes', notes)} ${ask('codes', view)} sqlQuery(query: "SELECT count(*) FROM hub.cities") { rows } city(code: "ROM") { code } }`)
      expect(answer).toEqual({
        data: {
          cities: { totalCount: 2, nodes: shown(cityRows, city?.fields) }, notes: { totalCount: 1, nodes: shown([note], notes?.fields) },
          ...(view?.text ? { codes: { totalCount: 2, nodes: shown(cityRows, view.fields) } } : {}), sqlQuery: { rows: [[2]] }, city: { code: 'ROM' },
        },
      })
    }
    try {
      const choices = fc.tuple(fc.constantFrom(...cityChoices), fc.constantFrom(...noteChoices), fc.constantFrom(...viewChoices))
      await fc.assert(fc.asyncProperty(fc.array(choices, { minLength: 5, maxLength: 7 }), async edits => {
        for (const wanted of edits) await edit(wanted)
      }), { numRuns: 3, endOnFailure: true })
    } finally {
      await hub.close()
      folder.remove()
    }
  }, 120_000)
})

/** Reads to the end; the failure it ends with. */
async function drained(events: AsyncIterator<unknown>): Promise<{ error: unknown }> {
  try {
    for (;;) if ((await events.next()).done) return { error: undefined }
  } catch (error) {
    return { error }
  }
}
