import type { AuditAnchor, AuditEntry, AuditLog, AuditVerdict, NewAuditEntry } from '../../../connectors/ports/audit-log.ts'
import type { Commit, DefinitionStore } from '../../../connectors/ports/definition-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { asHubError } from '../../../schema/errors.ts'
import type { Json } from '../../../schema/values.ts'

export type AuditedEvent = Pick<NewAuditEntry, 'action' | 'application' | 'subject'>

/** Says that what is to be done is let through; what it answers stands in the commit that does it. */
export type Allow = (detail?: Json, closer?: Partial<AuditedEvent>) => Promise<Readonly<Record<string, string>>>

const trailer = 'Audit-Entry'
/** Commits that are looked through for entries they name. */
const mostCommits = 1_000

/** Writes down what is done to definitions before it is done, what failed, and what was refused. */
export class Audit {
  readonly #log: AuditLog
  readonly #store: DefinitionStore | undefined

  constructor(log: AuditLog, store: DefinitionStore | undefined) {
    this.#log = log
    this.#store = store
  }

  /** Does what calls `allow` once it knows that it may go on, and before it changes anything: without that entry nothing is changed. A refusal (FORBIDDEN) is an entry, and so is a failure behind `allow`. */
  async of<T>(scope: Scope, event: AuditedEvent, work: (allow: Allow) => Promise<T>): Promise<T> {
    let allowed: AuditEntry | undefined
    let told = event
    try {
      return await work(async (detail = {}, closer = {}) => {
        told = { ...event, ...closer }
        allowed = await this.#log.append(scope, { ...told, outcome: 'ALLOWED', detail })
        return { [trailer]: `${allowed.sequence} ${allowed.hash} ${encodeURIComponent(scope.tenant)}` }
      })
    } catch (error) {
      const { code, message } = asHubError(error)
      if (code === 'FORBIDDEN') await this.#note(scope, { ...told, outcome: 'REFUSED', detail: { reason: message } })
      else if (allowed) await this.#note(scope, { ...told, outcome: 'FAILED', detail: { code, reason: message, of: allowed.sequence } })
      throw error
    }
  }

  entries(...given: Parameters<AuditLog['entries']>): ReturnType<AuditLog['entries']> {
    return this.#log.entries(...given)
  }

  /** Whether the log is as it was written, also by what the last 1,000 commits remember of it. */
  async verify(scope: Scope): Promise<AuditVerdict> {
    const anchors: AuditAnchor[] = []
    if (this.#store) {
      let seen = 0
      for await (const commit of this.#store.commits(scope)) {
        const anchor = anchorIn(scope, commit)
        if (anchor) anchors.push(anchor)
        if (++seen === mostCommits) break
      }
    }
    return this.#log.verify(scope, anchors)
  }

  /** What is over already is noted also for a caller who has left. What cannot be noted changes nothing of it. */
  async #note(scope: Scope, entry: NewAuditEntry): Promise<void> {
    try {
      await this.#log.append({ ...scope, signal: new AbortController().signal }, entry)
    } catch (error) {
      scope.log.error('The audit log could not be written.', { action: entry.action, app: entry.application, outcome: entry.outcome, reason: asHubError(error).message })
    }
  }
}

function anchorIn({ tenant }: Scope, { trailers }: Commit): AuditAnchor | undefined {
  const [, sequence, hash, of] = /^(\d{1,15}) ([0-9a-f]{64}) (\S+)$/.exec(trailers[trailer] ?? '') ?? []
  return hash !== undefined && of === encodeURIComponent(tenant) ? { sequence: Number(sequence), hash } : undefined
}
