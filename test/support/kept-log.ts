import type { Log } from '../../connectors/ports/scope.ts'

export interface LogLine {
  readonly level: keyof Log
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface KeptLog extends Log {
  readonly lines: readonly LogLine[]
  /** The next line to come that passes. */
  next(passes: (line: LogLine) => boolean): Promise<LogLine>
}

/** A log that a test reads and waits for. */
export function keptLog(): KeptLog {
  const lines: LogLine[] = []
  const waiting = new Set<(line: LogLine) => void>()
  const at = (level: keyof Log) => (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
    const line = { level, message, fields }
    lines.push(line)
    for (const wake of waiting) wake(line)
  }
  return {
    debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'),
    lines,
    next: passes =>
      new Promise(resolve => {
        const wake = (line: LogLine) => {
          if (!passes(line)) return
          waiting.delete(wake)
          resolve(line)
        }
        waiting.add(wake)
      }),
  }
}

/** Waits until all have been refused, and expects that neither what was told nor what was logged has the secret. */
export async function expectRefusedInSilence(secret: RegExp, { lines }: KeptLog, asked: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(asked)) {
    const error: unknown = outcome.status === 'rejected' ? outcome.reason : 'it was not refused'
    expect(error).toMatchObject({ name: 'HubError' })
    expect(JSON.stringify([String(error), (error as { details: unknown }).details, lines])).not.toMatch(secret)
  }
}
