import { runProgram } from '../../gateway/federation/core/run.ts'
import { localService } from '../../gateway/federation/local.ts'
import type { RawAnswer, SubgraphRequest, SubgraphService } from '../../gateway/federation/supergraph.ts'
import { coreProgram, coreSubgraphs, everyKind, mutated } from '../support/core-world.ts'
import { type Dice, rawAnswer, rawService } from '../support/raw-subgraph.ts'
import { testScope } from '../support/scope.ts'

/** Answers of subgraphs that are changed before the core reads them. `CORE_BODIES=10000000` takes six minutes. */
const wanted = Number(process.env['CORE_BODIES'] ?? 100_000)

const tenants = ['ALICE', 'BOB', 'CAROL'] as const
/** Runs at a time, each for the tenant of its place. */
const side = 6

const scope = testScope()
const programs = everyKind.map(text => coreProgram(text)!)

/** Marsaglia's xorshift: the same numbers for the same seed, at a few nanoseconds each. */
function diceOf(seed: number): Dice {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** What the subgraphs answer a program, each text in it the tenant's. */
async function recorded(tenant: string): Promise<readonly ReadonlyMap<string, string>[]> {
  return Promise.all(programs.map(async program => {
    const answers = new Map<string, string>()
    const services = coreSubgraphs.map(localService).map(service => rawService(service, (result, { document }) => {
      const json = JSON.stringify(result).replace(/"(?:plain|one|a|x{100}|Grüße[^"]*)"/g, `"${tenant.repeat(20)}"`)
      answers.set(`${service.name} ${document}`, json)
      return Buffer.from(json)
    }))
    await runProgram(program, { services: new Map(services.map(service => [service.name, service])), scope, variables: {} })
    return answers
  }))
}

test(`of ${wanted} answers that are changed in every way, read side by side for several tenants, no byte comes to another tenant`, async () => {
  const bodies = await Promise.all(tenants.map(recorded))
  const dice = diceOf(20_260_401)
  let [changed, made, own] = [0, 0, 0]

  /** Answers what was recorded, whatever is asked with it, later or sooner than others do. */
  const serviceOf = (name: string, answers: ReadonlyMap<string, string>): SubgraphService => {
    const send = async ({ document }: SubgraphRequest): Promise<RawAnswer> => {
      const json = answers.get(`${name} ${document}`)!
      const isChanged = dice() < 0.5
      if (isChanged) changed += 1
      const answer = rawAnswer(isChanged ? mutated(json, dice) : Buffer.from(json))
      for (let turns = dice() * 6; turns > 1; turns--) await undefined
      return answer
    }
    return { name, raw: { send } } as unknown as SubgraphService
  }
  const services = bodies.map(ofTenant => ofTenant.map(answers => new Map(coreSubgraphs.map(({ name }) => [name, serviceOf(name, answers)]))))

  while (changed < wanted) {
    await Promise.all(Array.from({ length: side }, async (_, place) => {
      const at = place % tenants.length
      const program = Math.floor(dice() * programs.length)
      const answer = await runProgram(programs[program]!, { services: services[at]![program]!, scope, variables: {} })
      if (!('whole' in answer)) return
      made += 1
      for (const [index, tenant] of tenants.entries()) {
        if (!answer.whole.includes(tenant)) continue
        if (index === at) own += 1
        else throw new Error(`An answer to ${tenants[at]} of "${everyKind[program]}" has bytes of ${tenant}: ${answer.whole.toString()}`)
      }
    }))
  }
  expect([made > wanted / 10, own > wanted / 10]).toEqual([true, true])
}, 7_200_000)
