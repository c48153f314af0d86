import type { Notice, Notifier } from '../../../connectors/ports/notifier.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import type { JobDocument, Notification } from '../document/job.ts'
import type { JobRecord } from '../run/job-record.ts'
import { deliver, type DeliverOptions } from './deliver.ts'
import { toldRun, type ToldOrder } from './told-run.ts'

export interface TellerOptions {
  readonly notifier: Notifier
  readonly delivery: DeliverOptions
  /** Settings that a kind lacks to be sent from here; none where it is set up. */
  readonly missing: Readonly<Record<Notification['kind'], readonly string[]>>
  /** Where people look at runs; absent: notices have no link. */
  readonly consoleUrl?: string
}

/** Tells people of runs, by the ways that are set up. What it sends goes out behind whoever has it to tell. */
export class Teller {
  readonly #options: TellerOptions

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
    const { notifier, delivery, consoleUrl } = this.#options
    return toldRun(scope, { ...order, document: this.tellable(document), ...(consoleUrl !== undefined && { consoleUrl }) }, { notifier, delivery }, run)
  }

  /** A job with the notices that can be sent from here. */
  tellable(document: JobDocument): JobDocument {
    return { ...document, notifications: document.notifications.filter(({ kind }) => this.#options.missing[kind].length === 0) }
  }

  send(scope: Scope, notices: readonly Notice[]): void {
    const { notifier, delivery } = this.#options
    for (const notice of notices) {
      scope.later(async () => {
        await deliver(scope, notifier, notice, delivery)
      })
    }
  }
}
