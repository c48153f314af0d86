import type { Clock } from '../../connectors/ports/scope.ts'

/** Runs `work` again and again, `intervalMs` apart, until the answer is called. */
export function every(clock: Clock, intervalMs: number, work: () => void): () => void {
  let stopped = false
  let cancel = () => {}
  const plan = () => {
    cancel = clock.after(intervalMs, () => {
      work()
      if (!stopped) plan()
    })
  }
  plan()
  return () => {
    stopped = true
    cancel()
  }
}
