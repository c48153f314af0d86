import { randomUUID } from 'node:crypto'
import { pause, type Scope, systemClock } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import { hubScope } from '../assembly/scope.ts'
import type { FinishedJob, FinishedRun, RunCommand } from '../commands/commands.ts'
import { openLog } from '../telemetry/log.ts'
import { pipelinesBeside } from './application.ts'
import { type DocumentFiles, documentFiles, statOf } from './files.ts'
import { unpackJob } from './pack.ts'
import { readDocumentFile, refusalOf } from './validate.ts'
import { type DocumentRead, openPipelineRuns, type PipelineRuns } from './wiring/index.ts'

/** A week: what takes longer is not waited for. */
const limitMs = 7 * 24 * 60 * 60 * 1000
/** What notices may take once the job has ended. */
const noticesMs = 30_000

/** Runs the pipeline or the job of a file, or the job that is packed in one, until it is done or SIGINT or SIGTERM ends it. */
export async function runFile(command: RunCommand): Promise<FinishedRun | FinishedJob> {
  if (!command.file.endsWith('.zip')) return runDocument(command)
  if (command.files === undefined) throw new HubError('VALIDATION_ERROR', 'A packed job has no place among the applications, and so none of its data. Say where that is: --files FOLDER')
  const { document, remove } = await unpackJob(command.file)
  try {
    return await runDocument({ ...command, file: document })
  } finally {
    await remove()
  }
}

async function runDocument(command: RunCommand): Promise<FinishedRun | FinishedJob> {
  const { file, files, config, env } = command
  if (!(await statOf(file))?.isFile()) throw new HubError('NOT_FOUND', `There is no file "${file}".`)
  const read = await readDocumentFile(file)
  if (!read.document) throw refusalOf(file, read.findings)
  const stopped = new AbortController()
  const stop = () => stopped.abort(new HubError('CANCELLED', 'The run was asked to stop.'))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  // The clock's timers keep no process alive, and a job that waits for its next attempt may have nothing else.
  const awake = setInterval(() => {}, limitMs)
  // The standard output is the run's own: what it did, as text or as JSON.
  const log = openLog({ level: config.logLevel === 'info' ? 'warn' : config.logLevel, to: process.stderr })
  const behind: Promise<void>[] = []
  const runId = randomUUID()
  const scope = { ...hubScope({ clock: systemClock, log, signal: stopped.signal, later: work => void behind.push(work()) }, runId, limitMs), tenant: config.pipelines.tenant }
  const named = documentFiles(file)
  let runs: PipelineRuns | undefined
  try {
    runs = await openPipelineRuns({ config, env, log, files: files ?? named.data })
    return await finished(scope, { ...command, runId, read, named, runs, behind })
  } finally {
    await runs?.close()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop)
    clearInterval(awake)
  }
}

interface Opened extends RunCommand {
  readonly runId: string
  readonly read: DocumentRead
  readonly named: DocumentFiles
  readonly runs: PipelineRuns
  /** Work that outlives the run. */
  readonly behind: readonly Promise<void>[]
}

async function finished(scope: Scope, { file, read, named, runs, runId, parameters, listener, behind, config }: Opened): Promise<FinishedRun | FinishedJob> {
  const { application } = named
  const common = { runId, application, environment: config.pipelines.environment, parameters }
  if (read.kind === 'pipeline' && read.document) {
    const record = await runs.run(scope, { ...common, document: read.document, listener }, named)
    return { ...record, kind: 'pipeline', findings: [...read.findings, ...record.findings] }
  }
  if (read.kind !== 'job' || !read.document) throw refusalOf(file, read.findings)
  const { document } = read
  const pipelines = await pipelinesBeside(file, new Set(document.refs.flatMap(({ id, fallback }) => (fallback === undefined ? [id] : [id, fallback]))))
  const ending = new AbortController()
  const noticeScope = { ...scope, signal: ending.signal }
  const { record, warning } = await runs.runJob(scope, { ...common, document, listener: steps => listener(steps.map(({ pipelineId, state }) => ({ id: pipelineId, kind: 'pipeline', type: 'pipeline', state }))) }, pipelines, noticeScope)
  await Promise.race([Promise.all(behind), pause(noticeScope, noticesMs)])
  ending.abort(new HubError('TIMEOUT', `The notice did not arrive within ${noticesMs / 1000} s after the end of the job.`))
  await Promise.all(behind)
  return { ...record, kind: 'job', findings: read.findings, warnings: warning === undefined ? [] : [warning] }
}
