import type { HeldRun, RunLogLine, RunStore } from '../../../connectors/ports/run-store.ts'
import type { Log, Scope } from '../../../connectors/ports/scope.ts'
import type { Secrets } from '../../../connectors/ports/secrets.ts'
import { asHubError } from '../../../schema/errors.ts'
import { withoutSecrets } from '../../../schema/secret-names.ts'
import type { Json } from '../../../schema/values.ts'

/** How long a line waits for others, at most. */
const flushMs = 1_000
/** Of one text of a line. */
const mostCharacters = 2_000
/** Parts of a secret that are shorter stand in too many words. */
const leastSecret = 6

type Fields = Readonly<Record<string, unknown>>

/** The log of a run: lines from `info` on are kept with it, beside going where they went. What was read as a secret is in none of those that are kept, nor, where the run masks columns, what stands in quotes. */
export class RunLog implements Log {
  readonly #scope: Scope
  readonly #held: HeldRun
  readonly #store: RunStore
  readonly #masks: boolean
  readonly #secrets = new Set<string>()
  #waiting: RunLogLine[] = []
  #cancelTimer: (() => void) | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(scope: Scope, held: HeldRun, store: RunStore, { masks }: { readonly masks: boolean }) {
    this.#scope = { ...scope, signal: new AbortController().signal }
    this.#held = held
    this.#store = store
    this.#masks = masks
  }

  debug(message: string, fields?: Fields): void { this.#scope.log.debug(message, fields) }
  info(message: string, fields?: Fields): void { this.#told('info', message, fields) }
  warn(message: string, fields?: Fields): void { this.#told('warn', message, fields) }
  error(message: string, fields?: Fields): void { this.#told('error', message, fields) }

  /** A line that is kept with the run alone. */
  keep(level: RunLogLine['level'], message: string, fields: Fields = {}): void {
    this.#waiting.push({ atMs: this.#scope.clock.now(), level, message: this.#clean(message), fields: this.#plain(withoutSecrets(fields, withoutSecrets)) })
    this.#cancelTimer ??= this.#scope.clock.after(flushMs, () => void this.flush())
  }

  /** The same secrets, whose texts stand in no line from when they were read. */
  hiding(secrets: Secrets): Secrets {
    return {
      read: async (scope, name) => {
        const text = await secrets.read(scope, name)
        for (const part of [text.trim(), ...text.split(/[\s:;,"'{}[\]]+/)]) if (part.length >= leastSecret) this.#secrets.add(part)
        return text
      },
    }
  }

  /** Ends when what was told is kept. A store that does not answer keeps no lines. */
  flush(): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const lines = this.#waiting
    this.#waiting = []
    if (lines.length > 0) {
      this.#last = this.#last.then(() => this.#store.log(this.#scope, this.#held, lines)).catch((error: unknown) => {
        this.#scope.log.warn('Lines of a run could not be kept.', { run: this.#held.runId, lines: lines.length, reason: asHubError(error).message })
      })
    }
    return this.#last
  }

  #told(level: RunLogLine['level'], message: string, fields?: Fields): void {
    this.#scope.log[level](message, fields)
    this.keep(level, message, fields)
  }

  #clean(text: string): string {
    let clean = text.replace(/(:\/\/)[^\s/@"']+@/g, '$1***@')
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, '[secret]')
    if (this.#masks) clean = clean.replace(/'[^']*'|"[^"]*"/g, '…')
    return clean.length > mostCharacters ? `${clean.slice(0, mostCharacters)}…` : clean
  }

  #plain(value: unknown): Json {
    if (typeof value === 'string') return this.#clean(value)
    if (value instanceof Error) return this.#clean(value.message)
    if (Array.isArray(value)) return value.map(one => this.#plain(one))
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined).map(([name, one]) => [name, this.#plain(one)]))
    return typeof value === 'number' || typeof value === 'boolean' || value === null ? value : this.#clean(String(value))
  }
}
