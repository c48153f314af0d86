import type { Context } from '../../resolvers/context.ts'
import { nextMoments } from './run/scheduler.ts'

/** The field `nextRuns` of what runs by a schedule: none without one. */
export function nextRuns(schedule: string | undefined) {
  return ({ count }: { readonly count: number }, { scope }: Context) => (schedule === undefined ? [] : nextMoments(schedule, scope.clock.now(), Math.min(Math.max(count, 0), 100)))
}
