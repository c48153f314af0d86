import type { AlertStore, DeadNotice } from '../../../connectors/ports/alert-store.ts'
import type { Notice, Notifier } from '../../../connectors/ports/notifier.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { asHubError, HubError } from '../../../schema/errors.ts'
import type { JobDocument, Notification } from '../document/job.ts'
import type { JobRecord } from '../run/job-record.ts'
import { deliver, type DeliverOptions } from './deliver.ts'
import { toldRun, type ToldOrder } from './told-run.ts'

export interface TellerOptions {
  readonly notifier: Notifier
  readonly delivery: Omit<DeliverOptions, 'onDead'>
  /** Has what did not arrive. */
  readonly kept: Pick<AlertStore, 'keepDead' | 'deadNotice' | 'dropDead'>
  /** Settings that a kind lacks to be sent from here; none where it is set up. */
  readonly missing: Readonly<Record<Notification['kind'], readonly string[]>>
  /** Where people look at runs; absent: notices have no link. */
  readonly consoleUrl?: string
}

/** What is kept of a notice may take longer than whoever had it to send. */
const keepMs = 10_000

/** Tells people of runs, by the ways that are set up. What it sends goes out behind whoever has it to tell; what does not arrive is kept. */
export class Teller {
  readonly #options: TellerOptions
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: TellerOptions) {
    this.#options = options
  }

  get consoleUrl(): string | undefined {
    return this.#options.consoleUrl
  }

  /** Of the kinds that a job names and that are not set up, which settings they lack. */
  warning({ notifications }: JobDocument): string | undefined {
    const { missing } = this.#options
    const kinds = [...new Set(notifications.map(({ kind }) => kind).filter(kind => missing[kind].length > 0))]
    if (kinds.length === 0) return undefined
    const settings = kinds.flatMap(kind => missing[kind])
    return `Notices by ${kinds.join(' and ')} are not sent: ${settings.join(', ')} ${settings.length === 1 ? 'is' : 'are'} not set.`
  }

  /** Runs a job, and tells whom it names how that goes. */
  told(scope: Scope, { document, ...order }: ToldOrder, run: () => Promise<JobRecord>): Promise<JobRecord> {
    const { notifier, consoleUrl } = this.#options
    const tracked = { ...scope, later: (work: () => Promise<void>) => this.#later(scope, work) }
    return toldRun(tracked, { ...order, document: this.tellable(document), ...(consoleUrl !== undefined && { consoleUrl }) }, { notifier, delivery: this.#deliveryOf(scope, order.application) }, run)
  }

  /** A job with the notices that can be sent from here. */
  tellable(document: JobDocument): JobDocument {
    return { ...document, notifications: document.notifications.filter(({ kind }) => this.#options.missing[kind].length === 0) }
  }

  send(scope: Scope, application: string, notices: readonly Notice[]): void {
    for (const notice of notices) {
      this.#later(scope, async () => {
        await deliver(scope, this.#options.notifier, notice, this.#deliveryOf(scope, application))
      })
    }
  }

  /** Sends once what did not arrive before. Where it arrives now it is kept no more; else it is, with the new failure, which is thrown. None of this id → NOT_FOUND. */
  async retry(scope: Scope, id: string): Promise<DeadNotice> {
    const { notifier, kept } = this.#options
    const dead = await kept.deadNotice(scope, id)
    if (!dead) throw noSuchDeadNotice(id)
    try {
      await notifier.send(scope, dead.notice)
    } catch (error) {
      const { code, message } = asHubError(error)
      scope.signal.throwIfAborted()
      await kept.keepDead(scope, { ...dead, attempts: dead.attempts + 1, failure: { code, message } })
      throw error
    }
    await kept.dropDead(scope, id)
    return dead
  }

  /** Ends when nothing is on its way. What waits for its next attempt is kept where its scope has ended. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  #deliveryOf(scope: Scope, application: string): DeliverOptions {
    const { delivery, kept } = this.#options
    return {
      ...delivery,
      onDead: async (notice, { code, message }, attempts) => {
        await kept.keepDead({ ...scope, signal: AbortSignal.timeout(keepMs) }, { application, notice, attempts, failure: { code, message } })
      },
    }
  }

  #later(scope: Scope, work: () => Promise<void>): void {
    const done = Promise.withResolvers<void>()
    this.#underWay.add(done.promise)
    scope.later(() => work().finally(() => {
      this.#underWay.delete(done.promise)
      done.resolve()
    }))
  }
}

export function noSuchDeadNotice(id: string): HubError {
  return new HubError('NOT_FOUND', `There is no dead notice "${id}". It may have arrived, or somebody discarded it; the list "deadNotices" has those there are.`, { id })
}
