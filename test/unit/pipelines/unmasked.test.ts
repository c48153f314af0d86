import { openPipelineChecks } from '../../../gateway/pipelines/wiring/index.ts'
import { readSchema } from '../../../subgraphs/pipelines/schema-document.ts'
import { RunWorld } from '../../support/pipeline-runs.ts'
import { pipelineIn } from '../../support/pipelines.ts'
import { testScope } from '../../support/scope.ts'

const people = JSON.stringify({ type: 'record', name: 'person', fields: [{ name: 'id', type: 'int' }, { name: 'ssn', type: 'string', classification: 'sensitive' }, { name: 'city', type: 'string', classification: 'public' }] })

let world: RunWorld
beforeEach(async () => {
  world = await RunWorld.open()
  world.schemas.set('people.avsc', people)
  await world.file('people.csv', 'id,ssn,city\n1,123-45-6789,Oslo\n2,987-65-4321,Rome\n')
})
afterEach(() => world.close())

const source = '<csv id="people" path="people.csv" schemaRef="people.avsc"/>'
const target = '<csv path="service/out" mode="overwrite"/>'
/** What a run of it, and the check before any run, have against it. */
async function told(transformations: string, { layer = 'service', sources = source, targets = target } = {}) {
  const { state, error, findings } = await world.run({ sources, transformations, targets, attributes: `layer="${layer}"` })
  const checks = await openPipelineChecks(testScope())
  try {
    const document = pipelineIn(`<pipeline id="p" version="1.0" layer="${layer}"><metadata><owner>o</owner></metadata><sources>${sources}</sources><transformations>${transformations}</transformations><targets>${targets}</targets></pipeline>`)
    const before = await checks.check(document, world.parts.schemaText)
    const own = (all: typeof findings) => all.filter(({ code }) => code === 'UNMASKED_SENSITIVE').map(({ severity, message }) => `${severity} ${message}`)
    const [run, check] = [own(findings), own(before)]
    return { state, run, check, category: error?.category, written: await world.paths('service/**') }
  } finally {
    await checks.close()
  }
}
const refused = (output: string, dataset = 'people', written = '<csv>') => `ERROR Column "ssn" of "people" is sensitive, as its schema says, and would be in ${written} as "${output}" without a mask. Mask it before: <mask source="${dataset}" columns="${output}" strategy="tokenize"/>.`
const isRefused = (...said: string[]) => ({ state: 'FAILED', category: 'CONFIG', run: said, check: said, written: [] })

test('D-110 a sensitive column that nothing masks is refused before a run, and by the run before anything is written', async () => {
  expect(await told('')).toEqual(isRefused(refused('ssn')))
})

test.each(['tokenize', 'hash', 'redact', 'encrypt'])('D-110 masked by "%s" it may leave', async strategy => {
  expect(await told(`<mask source="people" columns="ssn" strategy="${strategy}"/>`)).toMatchObject({ state: 'SUCCEEDED', run: [], check: [] })
})

test('D-110 it may stay in a layer that is not for others, and be counted, filtered by and joined by', async () => {
  expect(await told('', { layer: 'staging' })).toMatchObject({ state: 'SUCCEEDED', run: [], check: [] })
  expect(await told('<aggregate source="people" groupBy="city" metrics="count:n"/>')).toMatchObject({ state: 'SUCCEEDED', run: [], check: [] })
})

test.each([
  ['its largest value', '<aggregate source="people" groupBy="city" metrics="max:ssn:greatest"/>', refused('greatest')],
  ['the groups made of it', '<aggregate source="people" groupBy="ssn" metrics="count:n"/>', refused('ssn')],
  ['another mask', '<mask source="people" columns="city" strategy="hash"/>', refused('ssn')],
  ['a mask of a copy', '<deduplicate source="people" keys="id" keep="first" as="copy"/><mask source="copy" columns="ssn" strategy="hash"/><sort source="people" orderBy="id"/><merge sources="copy,people" mode="union" as="both"/>', refused('ssn', 'both')],
])('D-110 %s takes it out all the same', async (_, transformations, said) => {
  expect(await told(transformations)).toEqual(isRefused(said))
})

test('D-110 every target is looked at, whatever its kind', async () => {
  const two = '<csv source="people" path="service/a" mode="overwrite"/><hive source="people" table="service.people" mode="append"/>'
  expect(await told('', { targets: two })).toEqual(isRefused(refused('ssn'), refused('ssn', 'people', '<hive>')))
})

test('D-110 a sensitive column of a table to look things up in is one, too', async () => {
  await world.file('lookups/numbers.csv', 'id,ssn\n1,123-45-6789\n2,987-65-4321\n')
  await world.file('lookups/numbers.avsc', JSON.stringify({ type: 'record', name: 'numbers', keys: ['id'], fields: [{ name: 'id', type: 'int' }, { name: 'ssn', type: 'string', classification: 'sensitive' }] }))
  await world.file('ids.csv', 'id\n1\n')
  world.schemas.set('ids.avsc', JSON.stringify({ type: 'record', name: 'ids', fields: [{ name: 'id', type: 'int' }] }))
  const { state, run, written } = await told('<lookup source="ids" reference="numbers" outputFields="ssn"/>', { sources: '<csv id="ids" path="ids.csv" schemaRef="ids.avsc"/>' })
  expect({ state, run, written }).toEqual({ state: 'FAILED', run: [expect.stringMatching(/^ERROR Column "ssn" of "numbers" is sensitive/)], written: [] })
})

test('D-110 a column of a database\'s query is sensitive as its schema says', async () => {
  const database = world.database('shop.sqlite')
  database.exec("CREATE TABLE people (id INTEGER, ssn TEXT, city TEXT); INSERT INTO people VALUES (1, '123-45-6789', 'Oslo')")
  database.close()
  world.schemas.set('people.json', JSON.stringify({ type: 'object', properties: { id: { type: 'integer' }, ssn: { type: 'string', classification: 'sensitive' } } }))
  expect(await told('', { sources: '<database id="people" jdbcUrl="jdbc:sqlite:shop.sqlite" schemaRef="people.json"><sql>SELECT id, ssn FROM people</sql></database>' })).toEqual(isRefused(refused('ssn')))
})

test('D-110 a word that is no classification is refused, as a column might stay open by it', () => {
  const [problem] = (readSchema(people.replace('"sensitive"', '"sensitiv"'), 'people.avsc') as { readonly problems: readonly string[] }).problems
  expect(problem).toMatch(/^"people\.avsc" is not an Avro record: fields\.1\.classification: /)
})
