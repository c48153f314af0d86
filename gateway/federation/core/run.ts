import type { Scope } from '../../../connectors/ports/scope.ts'
import { HubError } from '../../../schema/errors.ts'
import type { Call } from '../steps.ts'
import type { RawAnswer, SubgraphService, Whole } from '../supergraph.ts'
import { giveMemory, odd, takeMemory, type RunMemory } from './memory.ts'
import type { CoreStep, Program } from './program.ts'

export interface CoreRun {
  readonly services: ReadonlyMap<string, SubgraphService>
  readonly scope: Scope
  /** Coerced, by the names the plan gives them. */
  readonly variables: Readonly<Record<string, unknown>>
}

/** What was asked of subgraphs, whatever became of it. */
export type Sent = ReadonlyMap<Call, Promise<RawAnswer>>

/** Requests whose plan had answers the core does not take are answered the general way for a while: longer each time. */
const mostPassedOver = 1_024

/** A plan the core runs. */
export class CorePlan {
  readonly #program: Program
  #inVain = 0
  #passesOver = 0

  constructor(program: Program) {
    this.#program = program
  }

  /** See `runProgram`; undefined where nothing was begun. */
  async run(run: CoreRun): Promise<Whole | Sent | undefined> {
    if (this.#passesOver > 0) {
      this.#passesOver -= 1
      return undefined
    }
    const made = await runProgram(this.#program, run)
    this.#inVain = 'whole' in made ? 0 : this.#inVain + 1
    if (this.#inVain > 0) this.#passesOver = Math.min(mostPassedOver, 2 ** this.#inVain)
    return made
  }
}

/**
 * The answer. Where it has to be made the general way, what was sent for it so far: a null where none may be, an error, a failed call, a value that is
 * none of its type, an answer that is no JSON. None of this is judged here.
 */
export async function runProgram(program: Program, run: CoreRun): Promise<Whole | Sent> {
  const memory = takeMemory()
  const sent = new Map<Call, Promise<RawAnswer>>()
  if (!memory) return sent
  const running = new Running(run, memory, sent)
  try {
    memory.begin(program)
    await running.step(program.step)
    const whole = memory.write(program.writer)
    for (const answer of running.taken) answer.release()
    return { whole }
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) run.scope.log.error('The core failed; the answer is made the general way.', { error })
    else if (error !== odd && !(error instanceof RangeError)) throw error
    return sent
  } finally {
    running.isOver = true
    giveMemory(memory)
  }
}

class Running {
  /** The memory is another's from now on. */
  isOver = false
  readonly taken: RawAnswer[] = []
  readonly #run: CoreRun
  readonly #memory: RunMemory
  readonly #sent: Map<Call, Promise<RawAnswer>>

  constructor(run: CoreRun, memory: RunMemory, sent: Map<Call, Promise<RawAnswer>>) {
    this.#run = run
    this.#memory = memory
    this.#sent = sent
  }

  async step(step: CoreStep): Promise<void> {
    switch (step.kind) {
      case 'sequence':
        for (const one of step.steps) await this.step(one)
        return
      case 'parallel':
        await Promise.all(step.steps.map(one => this.step(one)))
        return
      case 'root':
        return this.#ask(step.call, undefined, answer => this.#memory.takeRoot(step.shape, step.slot, answer))
      case 'entities':
        return this.#entities(step)
    }
  }

  #entities({ call, shape, places }: Extract<CoreStep, { kind: 'entities' }>): Promise<void> | undefined {
    if (this.isOver) throw odd
    const asked = places.map(({ program }) => this.#memory.represent(program))
    if (asked.every(one => one.asked.count === 0)) return undefined
    const json = Object.fromEntries(places.map(({ variable }, index) => [variable, asked[index]!.text]))
    return this.#ask(call, json, answer => this.#memory.takeEntities(shape, asked.map(one => one.asked), answer))
  }

  #ask(call: Call, json: Readonly<Record<string, string>> | undefined, take: (answer: RawAnswer) => void): Promise<void> {
    const { services, scope, variables: given } = this.#run
    const raw = services.get(call.service)?.raw
    if (!raw) throw new HubError('INTERNAL', `The graph has a subgraph "${call.service}" that is not connected.`)
    const variables: Record<string, unknown> = {}
    for (const name of call.variables) if (Object.hasOwn(given, name)) variables[name] = given[name]
    const answer = raw.send({ document: call.document, parsed: call.parsed, operationName: call.operationName, variables, json, scope, at: '' })
    this.#sent.set(call, answer)
    return answer.then(found => {
      if (this.isOver) throw odd
      this.taken.push(found)
      take(found)
    }, beOdd)
  }
}

/** Whoever runs the plan in the general way meets the failure again. */
function beOdd(): never {
  throw odd
}
