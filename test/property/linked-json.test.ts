import fc from 'fast-check'
import { execute, parse, validate, type GraphQLError } from 'graphql'
import { openMemoryRegions } from '../../connectors/memory/index.ts'
import type { Region } from '../../connectors/ports/region-store.ts'
import type { SqlEngine } from '../../connectors/ports/sql-engine.ts'
import { compile } from '../../resolvers/compiled/operation.ts'
import type { Context } from '../../resolvers/context.ts'
import { sealer } from '../../resolvers/cursor.ts'
import { entityResolution } from '../../resolvers/entity.ts'
import { executable } from '../../resolvers/executable.ts'
import { completeRows, type EntityRows } from '../../resolvers/rows.ts'
import type { EntityModel, Model } from '../../schema/model.ts'
import { scalars } from '../../schema/scalars.ts'
import { entitySdl } from '../../schema/sdl.ts'
import type { ColumnType, Row } from '../../schema/values.ts'
import { MovedClock, testScope } from '../support/scope.ts'

const entityOf = (type: string, list: string, columns: Readonly<Record<string, ColumnType>>): EntityModel => ({
  kind: 'region', name: list, type, key: ['id'], listField: list, lookupField: type.toLowerCase(), writable: false, complete: true, tenancy: 'SHARED',
  fields: Object.entries(columns).map(([name, type]) => ({ name, field: name.replace('_id', 'Id'), type, nullable: name !== 'id' })),
})
const teams = entityOf('Team', 'teams', { id: 'String', name: 'String', size: 'Long' })
const people = entityOf('Person', 'people', { id: 'Int', name: 'String', team_id: 'String', mentor_id: 'Int', score: 'Float' })
const notes = entityOf('Note', 'notes', { id: 'String', person_id: 'Int', text: 'String', done: 'Boolean' })
const link = (source: string, sourceColumn: string, target: string, targetColumn: string, field: string, many: boolean) => ({ source, sourceColumn, target, targetColumn, field, many })
const model: Model = {
  entities: [teams, people, notes], foreign: [],
  links: [
    link('Person', 'team_id', 'Team', 'id', 'team', false), link('Team', 'id', 'Person', 'team_id', 'members', true), link('Person', 'mentor_id', 'Person', 'id', 'mentor', false),
    link('Person', 'id', 'Note', 'person_id', 'notes', true), link('Note', 'person_id', 'Person', 'id', 'author', false), link('Note', 'text', 'Team', 'id', 'about', false),
  ],
}

const word = fc.constantFrom('a', 'b', 'c', 'd', '"quoted"', 'é\n', '語')
const nullable = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 5 })
const number = fc.integer({ min: -3, max: 9 })
const unique = (row: fc.Arbitrary<unknown>, maxLength: number) => fc.uniqueArray(row as fc.Arbitrary<Row>, { maxLength, selector: one => one['id'] })
const world = fc.record({
  teams: unique(fc.record({ id: word, name: nullable(word), size: nullable(fc.constantFrom(0, 7, 9_007_199_254_740_993n)) }), 6),
  people: unique(fc.record({ id: number, name: nullable(word), team_id: nullable(word), mentor_id: nullable(number), score: nullable(fc.double()) }), 12),
  notes: unique(fc.record({ id: word, person_id: nullable(number), text: nullable(word), done: nullable(fc.boolean()) }), 7),
  /** Of each region, how many of the first rows have expired. */
  expired: fc.nat(3),
})

/** Leaves and links of each type. */
const shapes: Readonly<Record<string, { readonly leaves: readonly string[]; readonly one: Readonly<Record<string, string>>; readonly many: Readonly<Record<string, string>> }>> = {
  Team: { leaves: ['id', 'name', 'size'], one: {}, many: { members: 'Person' } },
  Person: { leaves: ['id', 'name', 'teamId', 'mentorId', 'score'], one: { team: 'Team', mentor: 'Person' }, many: { notes: 'Note' } },
  Note: { leaves: ['id', 'personId', 'text', 'done'], one: { author: 'Person', about: 'Team' }, many: {} },
}

type Random = (below: number) => number

/** `odd`: with what is read as rows. */
function selection(type: string, depth: number, random: Random, odd: boolean): string {
  const { leaves, one, many } = shapes[type]!
  const parts = leaves.filter(() => random(2) === 0).map(name => (random(4) === 0 ? `x${random(3)}_${name}: ${name}` : name))
  if (odd && random(6) === 0) parts.push('__typename')
  if (depth > 0) {
    for (const [name, target] of Object.entries(one)) if (random(3) === 0) parts.push(`${name} { ${selection(target, depth - 1, random, odd)} }`)
    for (const [name, target] of Object.entries(many)) if (random(2) === 0) parts.push(`${random(3) === 0 ? `y_${name}: ` : ''}${name}${pageArguments(random, odd)} ${connection(target, depth - 1, random, odd)}`)
  }
  return parts.length > 0 ? parts.join(' ') : 'id'
}

function connection(type: string, depth: number, random: Random, odd: boolean): string {
  const nodes = `${random(4) === 0 ? 'all: ' : ''}nodes { ${selection(type, depth, random, odd)} }`
  const more = odd ? ['', 'totalCount', 'pageInfo { hasNextPage }', `edges { node { ${selection(type, depth, random, odd)} } }`][random(5)] ?? '' : ''
  return `{ ${nodes} ${more} }`
}

function pageArguments(random: Random, odd: boolean): string {
  const size = ['', '(first: 0)', '(first: 1)', '(first: 2)', '(first: 1000)', '(first: null)'][random(6)]!
  return odd ? [size, '(last: 2)', '(orderBy: [{ id: DESC }])', '(first: $size)', '(where: { id: { isNull: false } })'][random(6)] ?? size : size
}

function operation(seed: number, odd: boolean): string {
  let state = seed
  const random: Random = below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const root = [
    () => `people${['', '(where: { name: { eq: "a" } })', '(first: 3)', '(where: { teamId: { in: ["a", "b"] } }, first: $size)'][random(4)]} ${connection('Person', 3, random, odd)}`,
    () => `teams ${connection('Team', 3, random, odd)}`,
    () => `peopleByKey(keys: ["1", "2", "77", "3", "1"]) { ${selection('Person', 3, random, odd)} }`,
    () => `notesByKey(keys: ["a", "b", "none"]) { ${selection('Note', 3, random, odd)} }`,
  ]
  return `query ($size: Int = 2) { ${root[random(root.length)]!()} first: people(first: $size) { nodes { id } } }`
}

const runs = Number(process.env['LINKED_RUNS'] ?? 300)

test('relations followed in the bytes of regions are answered as those that are resolved one by one', async () => {
  let written = 0
  let asked = 0
  let failed = 0
  await fc.assert(fc.asyncProperty(world, fc.nat(), fc.boolean(), async ({ expired, ...rows }, seed, odd) => {
    const clock = new MovedClock()
    const scope = testScope({ clock, caller: { scopes: new Set(['cache:read']) } })
    const store = await openMemoryRegions({ clock, log: scope.log })
    const regions = new Map<string, Region>()
    for (const { name, type, fields } of model.entities) {
      const indexes = { teams: [], people: [['team_id']], notes: [['person_id']] }[name] ?? []
      regions.set(type, await store.define({ name, columns: fields, key: ['id'], indexes, atomicity: 'ATOMIC', expiry: { createMs: 1_000 }, maxEntries: 1_000, durable: false, tenancy: 'SHARED' }))
    }
    const put = async (of: (list: readonly Row[]) => readonly Row[]) => {
      for (const { name, type } of model.entities) await regions.get(type)!.putMany(scope, of(rows[name as keyof typeof rows]))
    }
    await put(list => list.slice(0, expired))
    clock.advance(1_000)
    await put(list => list.slice(expired))

    const rowsOf = (type: string): EntityRows => {
      const entity = model.entities.find(one => one.type === type)!
      const own = completeRows(model, entity, regions.get(type)!, {} as SqlEngine, () => undefined)
      const counted = async (json: Promise<string | undefined> | undefined) => {
        asked += 1
        const text = await json
        if (text !== undefined) written += 1
        return text
      }
      return { ...own, json: (...given) => counted(own.json?.(...given)), selectJson: (...given) => counted(own.selectJson?.(...given)) }
    }
    const cursors = sealer([{ kid: '1', secret: 'a secret of the test' }])
    const schema = executable({ name: 'regions', sdl: entitySdl(model, 'regions'), scalars, ...entityResolution({ model, subgraph: 'regions', rowsOf, cursors }) })
    const text = operation(seed, odd)
    const document = parse(text)
    expect(validate(schema, document)).toEqual([])
    const context = (): Context => ({ scope, at: '', perFetch: new Map() })
    const expected = await execute({ schema, document, contextValue: context(), variableValues: {} })
    if (expected.errors) failed += 1
    const told = (errors: readonly GraphQLError[] | undefined) => errors?.map(({ message, path }) => `${path?.join('.')} ${message}`).sort()
    const compiled = compile(schema, document)
    for (let turn = 0; turn < 2; turn++) {
      const { json, errors } = (await compiled?.text({ context: context(), variables: {} })) ?? {}
      expect({ text, json, errors: told(errors) }).toEqual({ text, json: JSON.stringify(expected.data), errors: told(expected.errors) })
    }
    await store.close()
  }), { numRuns: runs })
  // A comparison of resolved answers with resolved answers would prove nothing.
  expect(written).toBeGreaterThan(asked / 2)
  expect(failed).toBeLessThan(runs / 10)
}, 300_000)
