import type { Server } from '../processes.ts'
import type { RequestScenario } from '../scenarios.ts'
import type { World } from './world.ts'

/** A server under comparison, not yet started. */
export interface Contender {
  readonly name: string
  readonly version: string
  start(): Promise<Server>
}

/** Contenders over the same data, and the operations they are driven with. */
export interface Stage {
  readonly name: string
  /** What is measured, for whoever reads the results. */
  readonly about: string
  readonly cases: readonly RequestScenario[]
  /** Arguments of the program that serves the subgraphs. */
  readonly subgraphs: readonly string[]
  world(): World
  /** All but the plain limit. `supergraph` is a file, `folder` one that is removed afterwards. */
  contenders(supergraph: string, folder: string): readonly Contender[]
}

/** The product. */
export const ours = 'Tributary'

/** What no server that makes objects and writes JSON can be below: the ready answer, parsed body and JSON.stringify. */
export const limit = 'node:http, parse + stringify'

/** Nothing of the caller's environment changes how a contender runs. */
export const plainEnv: NodeJS.ProcessEnv = { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_ENV: 'production' }
