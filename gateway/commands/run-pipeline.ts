import { resolve } from 'node:path'
import { styleText } from 'node:util'
import { HubError, type Problem } from '../../schema/errors.ts'
import type { Config } from '../config.ts'
import type { Call, FinishedJob, FinishedPipeline, FinishedRun, FinishedStep } from './commands.ts'

export interface RunLine {
  readonly file: string
  /** `name=value` each. */
  readonly given: readonly string[]
  readonly files: string | undefined
  readonly config: Config
}

/** Runs a pipeline or a job and says what it did. Answers the exit code: 1 where it failed. */
export async function runPipeline({ file, given, files, config }: RunLine, { terminal, asJson, actions, env }: Call): Promise<number> {
  const { run } = await actions()
  if (!run) throw new HubError('INTERNAL', 'The command "run" is not part of this build.')
  const parameters = parametersOf(given)
  const { progress } = terminal
  const finished = await run({
    file: resolve(terminal.folder, file), parameters, files: files === undefined ? undefined : resolve(terminal.folder, files), config, env,
    listener: steps => progress?.(progressLine(steps)),
  }).finally(() => progress?.(''))
  const ok = finished.state === 'SUCCEEDED' || finished.state === 'SKIPPED_NO_DATA'
  if (asJson) terminal.out(JSON.stringify({ ok, ...finished }))
  else for (const line of finished.kind === 'job' ? jobLines(finished, terminal.color) : linesOf(finished, terminal.color)) terminal.out(line)
  return ok ? 0 : 1
}

function parametersOf(given: readonly string[]): Readonly<Record<string, string>> {
  const problems: Problem[] = given.filter(one => !/^[^=]+=/.test(one)).map(one => ({ path: '--param', message: `"${one}" is no parameter: NAME=VALUE is expected.` }))
  if (problems.length > 0) throw new HubError('VALIDATION_ERROR', problems.map(({ message }) => message).join(' '), { problems })
  return Object.fromEntries(given.map(one => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]))
}

const bar = 20

/** `[██████──────] 3/7  join 3-join` */
function progressLine(steps: readonly FinishedStep[]): string {
  const done = steps.filter(({ state }) => state !== 'PENDING' && state !== 'RUNNING').length
  const filled = Math.round((done / Math.max(1, steps.length)) * bar)
  const running = steps.filter(({ state }) => state === 'RUNNING').map(({ id, type }) => `${type} ${id}`)
  return `[${'█'.repeat(filled)}${'─'.repeat(bar - filled)}] ${done}/${steps.length}  ${running.join(', ')}`
}

function jobLines({ jobId, version, runId, state, startedAtMs, endedAtMs, steps, findings, warnings }: FinishedJob, color: boolean): string[] {
  const wide = Math.max(...steps.map(({ pipelineId }) => pipelineId.length))
  return [
    `${jobId} ${version}  ${stateText(state, color)}  ${seconds(startedAtMs, endedAtMs)}  run ${runId}`,
    ...steps.map(step => pipelineLine(step, wide)),
    ...warningLines(findings), ...warnings.map(warning => `  warning: ${warning}`),
  ]
}

function pipelineLine({ pipelineId, state, attempts, runIds, fallback, startedAtMs, endedAtMs, rowsRead, rowsWritten, error }: FinishedPipeline, wide: number): string {
  const parts = [
    ...(startedAtMs === undefined || endedAtMs === undefined ? [] : [seconds(startedAtMs, endedAtMs)]), ...(rowsRead === undefined || rowsWritten === undefined ? [] : [`${rowsRead} read`, `${rowsWritten} written`]),
    ...(attempts > 1 ? [`${attempts} attempts`] : []), ...(fallback === undefined ? [] : [`${fallback} in its place`]), ...runIds.slice(-1).map(id => `run ${id}`), ...(error ? [`${error.category}${error.step === undefined ? '' : ` in ${error.step}`}: ${error.message}`] : []),
  ]
  return `  ${pipelineId.padEnd(wide)}  ${state.toLowerCase().padEnd(9)}  ${parts.join(', ')}`.trimEnd()
}

const colors = { SUCCEEDED: 'green', SKIPPED_NO_DATA: 'yellow', FAILED: 'red', CANCELLED: 'yellow' } as const

function linesOf({ pipelineId, version, runId, engine, state, startedAtMs, endedAtMs, steps, findings, error }: FinishedRun, color: boolean): string[] {
  const wide = Math.max(...steps.map(({ id }) => id.length))
  return [
    `${pipelineId} ${version}  ${stateText(state, color)}  ${seconds(startedAtMs, endedAtMs)} on ${engine}  run ${runId}`,
    ...steps.flatMap(step => stepLines(step, wide)),
    ...warningLines(findings),
    ...(error ? [`  ${error.category}${error.step === undefined ? '' : ` in ${error.step}`}: ${error.message}`] : []),
  ]
}

function stateText(state: FinishedRun['state'], color: boolean): string {
  return color ? styleText(colors[state], state, { validateStream: false }) : state
}

function seconds(startedAtMs: number, endedAtMs: number): string {
  return `${((endedAtMs - startedAtMs) / 1000).toFixed(1)} s`
}

function warningLines(findings: FinishedRun['findings']): string[] {
  return findings.filter(({ severity }) => severity === 'WARNING').map(({ line, column, message }) => `  warning, line ${line}, column ${column}: ${message}`)
}

function stepLines({ id, type, state, rows, rejected = 0, bytes, into, key, samples = [], broken = [] }: FinishedStep, wide: number): string[] {
  const parts = [
    ...(rows === undefined ? [] : [`${rows} ${rows === 1 ? 'row' : 'rows'}`]), ...(rejected > 0 ? [`${rejected} left out`] : []), ...(bytes === undefined ? [] : [`${bytes} bytes`]), ...(into === undefined ? [] : [`into ${into}`]),
    ...(key === undefined ? [] : [`key ${key}`]), ...broken.map(({ rule, severity, rows: count }) => `${severity}: ${count} break ${rule}`),
  ]
  const shown = samples.slice(0, 5).map(({ path, place, reason }) => `      ${path.split('/').at(-1)}, ${place}: ${reason}`)
  return [`  ${id.padEnd(wide)}  ${state.toLowerCase().padEnd(9)}  ${[type, ...parts].join(', ')}`, ...shown, ...(samples.length > 5 ? [`      and more`] : [])]
}
