import type { LoadOptions } from '../load.ts'
import type { RequestScenario } from '../scenarios.ts'
import { ours, type Stage } from './contender.ts'
import { hubStage } from './hub.ts'
import { installPeers } from './peers.ts'
import { remoteStage } from './remote.ts'
import { storedRatios, writeResults } from './results.ts'
import { runStage, type CaseResult } from './rounds.ts'
import { errorsIn, ratios, texts } from './summary.ts'

export interface GatewayOptions extends LoadOptions {
  readonly rounds: number
  /** Users in the hub's regions. */
  readonly users: number
  /** Only cases whose name holds this text. */
  readonly only: string
  /** Only peers whose name holds one of these; undefined: all. */
  readonly peers: readonly string[] | undefined
  /** How it was called, for the results. */
  readonly command: string
}

/** A loss against the stored ratio from which on `check` fails. Below it is what a busy machine does by itself. */
const severe = 1.6

/** The gateway beside its peers, printed stage by stage; a stage without errors goes into the results file when told. Answers how many answers were errors. */
export async function compareGateways(options: GatewayOptions, write: boolean): Promise<number> {
  for (const [stage, cases] of write ? stages(options) : []) {
    if (options.peers || cases.length < stage.cases.length) throw new RangeError(`--write takes all of a stage: leave out --peers, and let --only be "${stage.name}" or nothing.`)
  }
  await installPeers()
  const wanted = (name: string) => name === ours || (options.peers?.some(peer => name.toLowerCase().includes(peer.toLowerCase())) ?? true)
  let errors = 0
  for (const [stage, cases] of stages(options)) {
    const result = await runStage(stage, cases, { ...options, wanted })
    options.progress('')
    console.log(`\n${texts(result)}`)
    const wrong = errorsIn(result.cases)
    if (write && wrong === 0) await writeResults(result, options.command)
    errors += wrong
  }
  return errors
}

/** Ours beside the plain limit against what is stored. Answers the cases that lost severely, at a second look too. */
export async function checkGateway(options: GatewayOptions): Promise<readonly string[]> {
  const stored = await storedRatios()
  const lost = (found: ReadonlyMap<string, number>) => [...found].filter(([name, ratio]) => ratio >= severe * (stored[name] ?? Number.POSITIVE_INFINITY)).map(([name]) => name)
  const look = async (cases: (name: string) => boolean) => {
    const found = new Map<string, number>()
    for (const [stage, all] of stages(options)) {
      // Warmed up in full: code that is half compiled is no loss.
      const chosen = all.filter(({ name }) => cases(name)).map(one => ({ ...one, warmUp: one.warmUp / options.scale }))
      if (chosen.length > 0) for (const [name, ratio] of ratios(await measured(stage, chosen, options))) found.set(name, ratio)
    }
    options.progress('')
    for (const [name, ratio] of found) console.log(told(name, ratio, stored[name]))
    return lost(found)
  }

  const suspects = await look(() => true)
  if (suspects.length === 0) return []
  console.log(`Looking again at: ${suspects.join('; ')}`)
  return look(name => suspects.includes(name))
}

function stages({ only, users, progress }: GatewayOptions): readonly (readonly [Stage, readonly RequestScenario[]])[] {
  return [remoteStage, hubStage(users, progress)].map(stage => [stage, stage.cases.filter(({ name }) => name.includes(only))] as const).filter(([, cases]) => cases.length > 0)
}

async function measured(stage: Stage, cases: readonly RequestScenario[], options: GatewayOptions): Promise<readonly CaseResult[]> {
  const result = await runStage(stage, cases, { ...options, wanted: name => name === ours })
  for (const { name, why } of result.absent) throw new Error(`${name} did not run: ${why}`)
  if (errorsIn(result.cases) > 0) throw new Error('Some answers were errors: these figures do not count.')
  return result.cases
}

function told(name: string, ratio: number, stored: number | undefined): string {
  if (stored === undefined) return `${name}: ${ratio.toFixed(2)}× the plain limit, nothing stored to compare with`
  const change = ratio / stored
  return `${name}: ${ratio.toFixed(2)}× the plain limit, stored ${stored.toFixed(2)}×: ${change >= severe ? 'a severe loss' : change > 1.15 || change < 0.85 ? 'noise, or worth a look' : 'the same'} (${change.toFixed(2)}; severe from ${severe} on)`
}
