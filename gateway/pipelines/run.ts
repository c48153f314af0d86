import { randomUUID } from 'node:crypto'
import { systemClock } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import { hubScope } from '../assembly/scope.ts'
import type { FinishedRun, RunCommand } from '../commands/commands.ts'
import { openLog } from '../telemetry/log.ts'
import { documentFiles, statOf } from './files.ts'
import { readDocumentFile } from './validate.ts'
import { openPipelineRuns } from './wiring.ts'

/** A week: what takes longer is not waited for. */
const limitMs = 7 * 24 * 60 * 60 * 1000

/** Runs the pipeline of a file, until it is done or SIGINT or SIGTERM ends it. */
export async function runFile({ file, parameters, files, config, env, listener }: RunCommand): Promise<FinishedRun> {
  if (!(await statOf(file))?.isFile()) throw new HubError('NOT_FOUND', `There is no file "${file}".`)
  const { kind, document, findings } = await readDocumentFile(file)
  if (kind === 'job') throw new HubError('VALIDATION_ERROR', 'The document is a job; a pipeline is what can be run here.')
  if (kind !== 'pipeline' || !document) {
    const problems = findings.filter(({ severity }) => severity === 'ERROR').map(({ path, message, line, column }) => ({ path, message, file, line, column }))
    throw new HubError('CATALOG_INVALID', problems.map(({ message }) => message).join(' '), { problems })
  }
  const stopped = new AbortController()
  const stop = () => stopped.abort(new HubError('CANCELLED', 'The run was asked to stop.'))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  const log = openLog({ level: config.logLevel === 'info' ? 'warn' : config.logLevel })
  const runId = randomUUID()
  const scope = { ...hubScope({ clock: systemClock, log, signal: stopped.signal, later: work => void work() }, runId, limitMs), tenant: config.pipelines.tenant }
  const { application, data, schemaText, queryText, lookups } = documentFiles(file)
  const runs = await openPipelineRuns({ config, env, log, files: files ?? data, schemaText, queryText, lookups })
  try {
    const record = await runs.run(scope, { document, runId, application, environment: config.pipelines.environment, parameters, listener })
    return { ...record, findings: [...findings, ...record.findings] }
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop)
    await runs.close()
  }
}
