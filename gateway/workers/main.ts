import cluster from 'node:cluster'
import { systemClock } from '../../connectors/ports/scope.ts'
import { asHubError, HubError } from '../../schema/errors.ts'
import { openLog, withFields } from '../telemetry/log.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { openDoor, type Door } from './door.ts'
import { Forward } from './forward.ts'
import { Local } from './local.ts'
import type { FromWorker, Orders, ToWorker } from './messages.ts'
import { readFromOwner } from './wiring.ts'

// The program of a worker: started by the owner, told by it what to do, and over when it is.

const metrics = createMetrics()
let door: Door | undefined
let leave: () => void = () => undefined

// Both are sent to the whole group of processes by terminals and service managers; the owner says when to go.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => undefined)

cluster.worker?.on('disconnect', () => {
  process.stderr.write('The process that owns the hub has ended, and with it this worker.\n')
  process.exit(1)
})

process.on('message', (message: ToWorker) => {
  if (message.kind === 'serve') void serve(message)
  else if (message.kind === 'drain') void drain()
  else void metrics.registry.getMetricsAsJSON().then(figures => tell({ kind: 'metrics', id: message.id, figures }))
})

async function serve({ number, config, owner, readsAt }: Orders): Promise<void> {
  const log = withFields(openLog({ level: config.logLevel, isShared: true }), { worker: number })
  try {
    const local = new Local({ config, clock: systemClock, log, metrics })
    leave = readFromOwner(local, { at: readsAt, clock: systemClock, log })
    const forward = new Forward(owner, log)
    door = await openDoor(config, {
      request(request, response, begun) {
        if (!local.isFor(request)) return forward.request(request, response, begun)
        void local.answer(request, response).then(answered => {
          if (answered !== true) forward.request(request, response, begun, answered)
        }, (error: unknown) => {
          // A client that left before its request had arrived is no longer there to be answered.
          if (!(error instanceof HubError) || error.code !== 'CANCELLED') log.error('A request was not answered.', { error })
          response.destroy()
        })
      },
      upgrade: (request, socket, head) => forward.upgrade(request, socket, head),
    })
    tell({ kind: 'serving', port: door.port })
  } catch (error) {
    const { code, message, details } = asHubError(error)
    if (code === 'INTERNAL') throw error
    tell({ kind: 'failed', code, message, details }, () => process.exit(1))
  }
}

async function drain(): Promise<void> {
  const draining = door?.drain()
  await draining?.begun
  tell({ kind: 'draining' })
  await draining?.ended
  leave()
  process.exit(0)
}

function tell(message: FromWorker, told?: () => void): void {
  process.send?.(message, undefined, undefined, told)
}
