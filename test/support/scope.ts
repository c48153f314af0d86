import type { Caller, Clock, Log, Scope } from '../../connectors/ports/scope.ts'

/** A clock that only the test moves. Timers run, in order of their time, while it is moved past them. */
export class MovedClock implements Clock {
  #now: number
  #timers: { at: number; work: () => void }[] = []

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, work: () => void): () => void {
    const timer = { at: this.#now + delayMs, work }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const [next] = this.#timers.filter(timer => timer.at <= end).sort((a, b) => a.at - b.at)
      if (!next) break
      this.#timers = this.#timers.filter(timer => timer !== next)
      this.#now = Math.max(this.#now, next.at)
      next.work()
    }
    this.#now = end
  }
}

/** A clock that moves itself past every timer, and tells how long each was to wait. */
export class HastyClock extends MovedClock {
  readonly waitsMs: number[] = []

  override after(delayMs: number, work: () => void): () => void {
    this.waitsMs.push(delayMs)
    const cancel = super.after(delayMs, work)
    queueMicrotask(() => this.advance(delayMs))
    return cancel
  }
}

export interface TestScope extends Scope {
  readonly clock: MovedClock
  readonly entries: readonly { level: string; message: string; fields?: Readonly<Record<string, unknown>> }[]
  /** Ends when all work handed to `later` has; fails with its first failure. */
  settled(): Promise<void>
  abort(reason?: unknown): void
}

let count = 0

/** A scope of tenant `test` with a clock the test moves and a log it can read. */
export function testScope(overrides: { tenant?: string; caller?: Partial<Caller>; clock?: MovedClock; deadlineMs?: number } = {}): TestScope {
  const clock = overrides.clock ?? new MovedClock()
  const controller = new AbortController()
  const entries: { level: string; message: string; fields?: Readonly<Record<string, unknown>> }[] = []
  const pending: Promise<void>[] = []
  const log = (level: keyof Log) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    entries.push({ level, message, fields })
  }
  count += 1
  return {
    requestId: `test-${count}`,
    tenant: overrides.tenant ?? 'test',
    caller: { subject: overrides.caller?.subject ?? 'tester', scopes: overrides.caller?.scopes ?? new Set() },
    signal: controller.signal,
    deadlineMs: overrides.deadlineMs ?? clock.now() + 30_000,
    clock,
    log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    later(work) {
      pending.push(work())
    },
    entries,
    async settled() {
      while (pending.length > 0) await pending.shift()
    },
    abort(reason) {
      controller.abort(reason)
    },
  }
}
