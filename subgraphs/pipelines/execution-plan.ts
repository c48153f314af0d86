import type { Step } from './document/datasets.ts'
import { isReadAgain } from './plan/read-again.ts'

/** What a run does, each step with its group: one behind the last of those it waits for. */
export function executionPlan(steps: readonly Step[]) {
  const groups = new Map<string, number>()
  return {
    steps: steps.map(step => {
      const { id, kind, dependsOn, checked: { element } } = step
      const parallelGroup = Math.max(0, ...dependsOn.map(one => (groups.get(one) ?? 0) + 1))
      groups.set(id, parallelGroup)
      return { id, kind: kind.toUpperCase(), type: element.name, line: element.at.line, dependsOn, parallelGroup, hint: isReadAgain(step, steps) ? 'CACHE' : null }
    }),
  }
}
