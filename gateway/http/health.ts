import type { Clock } from '../../connectors/ports/scope.ts'
import type { ComponentHealth, Hub } from '../hub.ts'

export interface Readiness {
  readonly status: 'ready' | 'degraded' | 'unready' | 'draining'
  readonly components: readonly ComponentHealth[]
}

/** Whether the hub can serve: not while it drains, nor while a required part is down or its health cannot be had within the limit. */
export async function readiness(hub: Hub, options: { draining: boolean; timeoutMs: number; clock: Clock }): Promise<Readiness> {
  if (options.draining) return { status: 'draining', components: [] }
  const components = await withinLimit(hub, options)
  if (components.some(({ required, state }) => required && state === 'down')) return { status: 'unready', components }
  return { status: components.some(({ state }) => state !== 'up') ? 'degraded' : 'ready', components }
}

function withinLimit(hub: Hub, { timeoutMs, clock }: { timeoutMs: number; clock: Clock }): Promise<readonly ComponentHealth[]> {
  return new Promise(resolve => {
    const failed = (message: string) => resolve([{ name: 'health', state: 'down', required: true, message }])
    const cancel = clock.after(timeoutMs, () => failed(`The parts did not say how they are within ${timeoutMs} ms.`))
    hub.health().then(resolve, () => failed('The parts cannot be asked how they are.')).finally(cancel)
  })
}
