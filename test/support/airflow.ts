import { spawn, spawnSync } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'

export const hasPython = spawnSync('python3', ['-c', 'import ast']).status === 0

export interface AirflowOrder {
  readonly module: string
  readonly url?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly params?: Readonly<Record<string, string>>
  readonly runId?: string
}

export interface AirflowGraph {
  readonly dag: Readonly<Record<string, unknown>>
  readonly params: Readonly<Record<string, string | null>>
  /** `tasks a` before `tasks b`, as the syntax tree of the module has them. */
  readonly edges: readonly (readonly [string, string])[]
  readonly states: Readonly<Record<string, string>>
  readonly tasks: Readonly<Record<string, { readonly rule: string; readonly retries: number; readonly upstream: readonly string[]; readonly app: string | null }>>
}

/** A module for Airflow as Python reads it, run against a hub where one is named. */
export async function inAirflow(order: AirflowOrder): Promise<AirflowGraph> {
  const python = spawn('python3', [join(import.meta.dirname, 'airflow.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
  python.stdin.end(JSON.stringify({ headers: {}, params: {}, runId: 'manual', ...order }))
  return JSON.parse(await text(python.stdout)) as AirflowGraph
}
