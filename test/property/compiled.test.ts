import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { execute, parse, validate, type ExecutionResult, type GraphQLError } from 'graphql'
import { compile, type Text } from '../../resolvers/compiled/operation.ts'
import { askedOf, worldOf, type World } from './compiled-world.ts'

const runs = Number(process.env['COMPILED_RUNS'] ?? 1_000)

/** All of an error that a client or the log can see. */
function shown({ message, path, locations, extensions, originalError }: GraphQLError): string {
  return JSON.stringify([message, path, locations, extensions, originalError?.message])
}

/**
 * The errors, as graphql-js lists them where nothing waits. Where something does, any error below a null that was carried up may be the one that is told: the null's
 * place stands for all of them, unless the null has a reason of its own.
 */
function errorsOf({ errors }: { readonly errors?: readonly GraphQLError[] }, data: unknown, isAsync: boolean): readonly string[] | undefined {
  if (!errors || !isAsync || data === undefined) return errors?.map(shown)
  const places = errors.map(error => {
    const seen: (string | number)[] = []
    let value: unknown = data
    for (const part of error.path ?? []) {
      if (value === null || value === undefined) return `below ${seen.join('.')}`
      seen.push(part)
      value = (value as Record<string | number, unknown>)[part]
    }
    return seen.length > 0 ? shown(error) : 'below '
  })
  const nulls = new Set(errors.map(({ path = [] }) => `below ${path.join('.')}`))
  return [...new Set(places)].filter(place => !nulls.has(place)).sort()
}

interface Answers {
  readonly data: string | undefined
  readonly errors: readonly string[] | undefined
}

function ofResult(result: ExecutionResult, isAsync: boolean): Answers {
  return { data: JSON.stringify(result.data), errors: errorsOf(result, result.data, isAsync) }
}

function ofText(text: Text, isAsync: boolean): Answers {
  return { data: text.json, errors: errorsOf(text, text.json === undefined ? undefined : JSON.parse(text.json), isAsync) }
}

/** graphql-js leaves rejections behind when it gives up a list, each of which would end the process. Somebody hears them here; those of ours nobody does. */
async function heard<T>(work: () => T | Promise<T>): Promise<T> {
  const { then } = Promise.prototype
  const { all } = Promise
  const hear = <P extends Promise<unknown>>(promise: P): P => {
    then.call(promise, undefined, () => undefined)
    return promise
  }
  const replaceThen = (value: (...given: Parameters<typeof then>) => Promise<unknown>) => Object.defineProperty(Promise.prototype, 'then', { value })
  replaceThen(function (this: Promise<unknown>, ...given) {
    return hear(then.apply(this, given))
  })
  Promise.all = ((values: readonly unknown[]) => hear(all.call(Promise, values))) as typeof all
  try {
    const result = await work()
    await setImmediate()
    return result
  } finally {
    Promise.all = all
    replaceThen(then)
  }
}

// Thousands of errors are made on purpose; nobody reads where.
const { stackTraceLimit } = Error
beforeAll(() => void Object.assign(Error, { stackTraceLimit: 0 }))
afterAll(() => void Object.assign(Error, { stackTraceLimit }))

test(`whatever is asked of whatever schema, the compiled executor answers as graphql-js does, in objects and in text (${runs} cases)`, async () => {
  const worlds = new Map<string, World>()
  const counts = { cases: 0, async: 0, errors: 0, refused: 0, mutations: 0, bytes: 0 }
  const cases = fc.record({ seed: fc.nat(runs > 10_000 ? 400 : 40), isAsync: fc.boolean(), choices: fc.nat(), depth: fc.integer({ min: 1, max: 6 }), often: fc.nat(4) })

  await fc.assert(fc.asyncProperty(cases, async ({ seed, isAsync, choices, depth, often }) => {
    const name = `${seed} ${isAsync}`
    const world = worlds.get(name) ?? worldOf(seed, isAsync)
    worlds.set(name, world)
    const { schema, context, rootValue } = world
    const { text, variables } = askedOf(world, choices, depth)
    fc.pre(text.length < 6_000)
    const document = parse(text)
    fc.pre(validate(schema, document).length === 0)

    const operation = compile(schema, document)!
    // The same operation once more, with its conditions turned round.
    const turned = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, typeof value === 'boolean' ? !value : value]))
    let expected: Answers | undefined
    for (const given of [variables, turned]) {
      expected = ofResult(await heard(() => execute({ schema, document, variableValues: given, contextValue: context(), rootValue })), isAsync)
      const request = () => ({ variables: given, context: context(), rootValue })
      // Selections that are met often are written by other code than those that are not.
      if (often === 0) for (let turn = 0; turn < 50; turn++) await Promise.all([operation.run(request()), operation.text(request())])
      const asked = `${text}\n${JSON.stringify(given)}\nworld ${name}`
      expect({ asked, ...ofResult(await operation.run(request()), isAsync) }).toEqual({ asked, ...expected })
      expect({ asked, ...ofText(await operation.text(request()), isAsync) }).toEqual({ asked, ...expected })
    }
    counts.cases++
    counts.bytes += expected?.data?.length ?? 0
    if (isAsync) counts.async++
    if (expected?.errors) counts.errors++
    if (expected?.data === undefined) counts.refused++
    if (text.startsWith('mutation')) counts.mutations++
  }), { numRuns: runs, maxSkipsPerRun: 1_000 })

  // The generator must not dry up: a comparison of empty answers proves nothing.
  expect(counts.cases).toBeGreaterThanOrEqual(Math.min(runs, 1_000))
  for (const [kind, share] of [['async', 0.3], ['errors', 0.3], ['refused', 0.01], ['mutations', 0.1]] as const) expect([kind, counts[kind] / counts.cases > share]).toEqual([kind, true])
  expect(counts.bytes / counts.cases).toBeGreaterThan(60)
  if (runs > 10_000) console.log(counts)
}, 3_600_000)
