import { resolve } from 'node:path'
import { systemClock } from '../connectors/ports/scope.ts'
import type { CommandActions } from './commands/commands.ts'
import { checkCatalog } from './check.ts'
import { catalogOf } from './demo/index.ts'
import { serve, serveGateway, serveSubgraph } from './server.ts'
import { packJob } from './pipelines/pack.ts'
import { runFile } from './pipelines/run.ts'
import { openLog } from './telemetry/log.ts'
import { validateFiles } from './pipelines/validate.ts'
import { replaceFile } from './pipelines/wiring/index.ts'
import { proposeFrom } from './wiring.ts'
import { refuseWorkers, Team } from './workers/team.ts'

/** What the command line does with a hub. */
export const actions: CommandActions = {
  async start(config) {
    const log = openLog({ level: config.logLevel, isShared: config.workers > 1 })
    const catalog = await catalogOf(config)
    const stop = stopSignal()
    const team = config.workers > 1 ? new Team({ config, clock: systemClock, log }) : undefined
    const server = await serve({ ...config, catalog }, { clock: systemClock, log, progress: progressLine(), onFatal: error => stop.fail(error), stopping: stop.asked, team }).catch((error: unknown) => leave(team, error))
    process.stdout.write(welcome(server.url, catalog, server.open))
    return until(stop, () => server.close())
  },
  check: checkCatalog,
  propose: from => proposeFrom(from.includes('://') ? from : resolve(from)),
  validate: validateFiles,
  async pack(job, to) {
    const packed = await packJob(job)
    const file = to.file ?? packed.name
    await replaceFile(resolve(to.folder, file), [packed.bytes])
    return { file, bytes: packed.bytes.length, files: packed.files }
  },
  run: runFile,
  async subgraph(name, config) {
    refuseWorkers(config, 'subgraph')
    const log = openLog({ level: config.logLevel })
    const catalog = await catalogOf(config)
    const stop = stopSignal()
    const server = await serveSubgraph(name, { ...config, catalog }, { clock: systemClock, log, onFatal: error => stop.fail(error), stopping: stop.asked })
    process.stdout.write(`Subgraph ${name}: ${server.url}/graphql\n`)
    return until(stop, () => server.close())
  },
  async gateway(supergraph, config) {
    refuseWorkers(config, 'gateway')
    const stop = stopSignal()
    const server = await serveGateway(supergraph, config, { clock: systemClock, log: openLog({ level: config.logLevel }) })
    process.stdout.write(`Gateway of ${supergraph}: ${server.url}/graphql\n`)
    return until(stop, () => server.close())
  },
}

/** The failure of a start, with nothing of it left. */
async function leave(team: Team | undefined, error: unknown): Promise<never> {
  await team?.end(0)
  throw error
}

interface Stop {
  readonly asked: Promise<Error | undefined>
  fail(error: Error): void
}

/** SIGTERM and SIGINT ask for a drain; a second one ends at once. */
function stopSignal(): Stop {
  const { promise, resolve: ask } = Promise.withResolvers<Error | undefined>()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      ask(undefined)
      process.once(signal, () => process.exit(1))
    })
  }
  return { asked: promise, fail: ask }
}

async function until(stop: Stop, close: () => Promise<void>): Promise<number> {
  const failure = await stop.asked
  if (failure) {
    process.stderr.write(`${failure.message}\n`)
    // Memory is ahead of the log: nothing more may be answered, and nothing more can be saved.
    process.exit(1)
  }
  await close()
  return 0
}

function welcome(url: string, catalog: string, open: boolean): string {
  const lines = [
    `Tributary serves ${catalog}`,
    `  GraphQL   ${url}/graphql  (GraphiQL in a browser)`,
    `  Metrics   ${url}/metrics`,
    `  Health    ${url}/livez  ${url}/readyz`,
    ...(open ? ['  Open to everybody on this machine: no issuer and no API keys are configured.'] : []),
  ]
  return `${lines.join('\n')}\n`
}

/** How far loads are, on a terminal that can rewrite its line. */
function progressLine(): ((region: string, rows: number) => void) | undefined {
  if (!process.stderr.isTTY) return undefined
  let shownAtMs = 0
  return (region, rows) => {
    if (Date.now() - shownAtMs < 100) return
    shownAtMs = Date.now()
    process.stderr.write(`\r\u001b[K  loading ${region}: ${rows} rows`)
  }
}
