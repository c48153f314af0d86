import fc from 'fast-check'
import { validate, parse } from 'graphql'
import type { Program } from '../../gateway/federation/core/program.ts'
import { runProgram } from '../../gateway/federation/core/run.ts'
import { openSupergraph } from '../../gateway/federation/execute.ts'
import { localService } from '../../gateway/federation/local.ts'
import type { Operation, SubgraphRequest, SubgraphService } from '../../gateway/federation/supergraph.ts'
import { composed, coreProgram, coreSubgraphs, everyKind, mutated } from '../support/core-world.ts'
import { makeOperation } from '../support/federation-operations.ts'
import { chance } from '../support/federation-world.ts'
import { inJson, operation, plain } from '../support/federation.ts'
import { jsonInSomeForm, rawService, type Dice } from '../support/raw-subgraph.ts'

/** Answers changed before they are read: a night changes more of them. */
const numRuns = Number(process.env['CORE_RUNS'] ?? 3_000)

const schema = composed.publicSchema

interface Subject {
  readonly text: string
  readonly program: Program
  readonly asked: Operation
}

/** Operations whose plans the core runs, with every kind of field among them. */
const subjects: readonly Subject[] = [...everyKind, ...madeTexts(1_500)].flatMap(text => {
  const program = coreProgram(text)
  return program ? [{ text, program, asked: operation({ schema } as never, text) }] : []
})

function madeTexts(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => {
    let words = 0
    return makeOperation(schema, () => chance('core', at, words++), 4).text
  }).filter(text => !text.includes('$') && text.length < 2_000 && validate(schema, parse(text)).length === 0)
}

type BytesOf = (json: string, dice: Dice) => Buffer

/** Services whose answers may be changed, always the same for the same request. */
class World {
  readonly services: readonly SubgraphService[]
  requests: string[] = []
  #bytesOf: BytesOf = Buffer.from
  #seed = 0

  constructor() {
    this.services = coreSubgraphs.map(localService).map(service => rawService(service, (result, { document, json = {} }: SubgraphRequest) => {
      const request = `${service.name} ${document} ${JSON.stringify(Object.entries(json).map(([name, value]) => [name, sorted(JSON.parse(value))]))}`
      this.requests.push(request)
      let count = 0
      return this.#bytesOf(JSON.stringify(result), () => chance(this.#seed, request, count++))
    }))
  }

  byName(bytesOf: BytesOf, seed: number): ReadonlyMap<string, SubgraphService> {
    this.change(bytesOf, seed)
    return new Map(this.services.map(service => [service.name, service]))
  }

  change(bytesOf: BytesOf, seed: number): void {
    this.#bytesOf = bytesOf
    this.#seed = seed
    this.requests = []
  }
}

/** The two ways may write members of a representation in different order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, sorted(one)])) : value
}

const [own, other, hub] = [new World(), new World(), new World()]
const general = openSupergraph({ services: other.services.map(({ raw: _raw, ...service }) => service), composed })
const graph = openSupergraph({ services: hub.services, composed })

/** Whether the core made the answer, which is then the general way's; else the hub's is, whatever the core had asked before. */
async function compared({ program, asked }: Subject, seed: number, bytesOf: BytesOf): Promise<boolean> {
  other.change(bytesOf, seed)
  hub.change(bytesOf, seed)
  const made = await runProgram(program, { services: own.byName(bytesOf, seed), scope: asked.scope, variables: {} })
  const found = await general.execute(asked)
  const { json, errors } = inJson(await graph.write(asked))
  expect([plain({ data: json && JSON.parse(json), errors }), hub.requests.toSorted()]).toEqual([plain(found), other.requests.toSorted()])
  if (!('whole' in made)) return false
  expect([inJson(made).json, own.requests.toSorted(), found.errors]).toEqual([JSON.stringify(found.data), other.requests.toSorted(), undefined])
  return true
}

test('the operations are many, and of every kind', () => {
  expect(subjects.length).toBeGreaterThan(60)
  expect(subjects.slice(0, 4).map(({ text }) => text)).toEqual(everyKind)
})

test('answers as other programs write them are taken as the general way takes them', async () => {
  let [tried, taken] = [0, 0]
  await fc.assert(fc.asyncProperty(fc.nat(subjects.length - 1), fc.nat(), async (at, seed) => {
    tried += 1
    if (await compared(subjects[at]!, seed, (json, dice) => Buffer.from(jsonInSomeForm(JSON.parse(json), dice)))) taken += 1
  }), { numRuns: Math.ceil(numRuns / 3) })
  expect(taken / tried).toBeGreaterThan(0.5)
}, 3_600_000)

test('answers that are wrong in any way are answered as in the general way', async () => {
  let [tried, taken] = [0, 0]
  await fc.assert(fc.asyncProperty(fc.nat(subjects.length - 1), fc.nat(), async (at, seed) => {
    tried += 1
    if (await compared(subjects[at]!, seed, (json, dice) => (dice() < 0.6 ? mutated(json, dice) : Buffer.from(json)))) taken += 1
  }), { numRuns })
  expect(taken / tried).toBeGreaterThan(0.1)
  expect(taken / tried).toBeLessThan(0.9)
}, 3_600_000)

test('an answer of a hundred megabytes is one like another', async () => {
  const subject = subjects[0]!
  const long = 'y'.repeat(25_000_000)
  const isTaken = await compared(subject, 1, json => Buffer.from(json.replaceAll('"plain"', `"${long}"`).replaceAll('[0]', `[${'0,'.repeat(1_000_000)}0]`)))
  expect(isTaken).toBe(true)
}, 120_000)
