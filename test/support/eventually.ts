import { setTimeout as pause } from 'node:timers/promises'

/** Ends when the answer is yes; fails, naming what it waited for, when the time is up. For what no event tells of: another process's work. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const until = performance.now() + limitMs
  while (!(await isSo())) {
    if (performance.now() > until) throw new Error(`Not within ${limitMs} ms: ${what}.`)
    await pause(20)
  }
}
