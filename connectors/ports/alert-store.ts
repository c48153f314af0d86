import type { Notice } from './notifier.ts'
import type { Scope } from './scope.ts'

/**
 * What people are told of runs: the rules of it, the alerts that came of them, and the notices that did not arrive. Of a tenant, for every hub that shares the store. Every method is one transaction, durable when answered. Moments are on the scope's clock, in
 * milliseconds.
 */
export interface AlertStore {
  /** Declares a rule, in the place of the one of its application that has its name. A text that cannot be kept, as it is too long or has a NUL → VALIDATION_ERROR. */
  putRule(scope: Scope, rule: NewAlertRule): Promise<AlertRule>
  /** Answers the rule that is no more; undefined: there was none. What it raised stays. */
  removeRule(scope: Scope, application: string, name: string): Promise<AlertRule | undefined>
  /** By application and name; of one application where it is given. */
  rules(scope: Scope, application?: string): Promise<readonly AlertRule[]>
  /**
   * Takes note of what a rule is to raise an alert for, once for each rule and event: undefined: that was done already. Where the group's last alert is younger than the rule's quiet time it is one more of that alert; else there is a new
   * one. How old an alert is counts from the first event in it.
   */
  raise(scope: Scope, cause: AlertCause): Promise<RaisedAlert | undefined>
  /** Whether an event is new: true once, for one of all who ask. */
  once(scope: Scope, event: string): Promise<boolean>
  /** Newest first, by when they were raised and then by id; at most `limit`, those behind `after`. */
  alerts(scope: Scope, filter: AlertFilter, limit: number, after?: AlertPlace): Promise<readonly Alert[]>
  /** Notes who has seen to an alert, in the place of who was noted before. None of this id → NOT_FOUND. */
  acknowledge(scope: Scope, id: string, comment: string | undefined): Promise<Alert>
  /** Keeps a notice that did not arrive, in the place of one of its id. */
  keepDead(scope: Scope, dead: NewDeadNotice): Promise<DeadNotice>
  /** Newest first, by when they were kept and then by id; at most `limit`, those behind `after`. */
  deadNotices(scope: Scope, filter: { readonly application?: string }, limit: number, after?: DeadNoticePlace): Promise<readonly DeadNotice[]>
  deadNotice(scope: Scope, id: string): Promise<DeadNotice | undefined>
  /** Answers the one that is kept no more; undefined: there was none. */
  dropDead(scope: Scope, id: string): Promise<DeadNotice | undefined>
  close(): Promise<void>
}

export type AlertKind = 'SLA_BREACH' | 'REPEATED_FAILURE'

export interface NewAlertRule {
  /** At most 255 characters, as the name. */
  readonly application: string
  readonly name: string
  readonly kind: AlertKind
  /** Absent: every pipeline and job of the application, each by itself. */
  readonly subject?: { readonly kind: 'pipeline' | 'job'; readonly id: string }
  /** Of REPEATED_FAILURE: from how many in a row. */
  readonly failures?: number
  readonly quietMs: number
  readonly targets: readonly AlertTarget[]
}

export interface AlertTarget {
  readonly kind: 'email' | 'webhook'
  /** An address, or a URL, which may be a secret. */
  readonly target: string
}

export interface AlertRule extends NewAlertRule {
  readonly changedBy: string
  readonly changedAtMs: number
}

export interface AlertCause {
  readonly rule: Pick<AlertRule, 'application' | 'name' | 'kind' | 'quietMs'>
  /** The same for what is one event to the rule, as a run. */
  readonly event: string
  /** The same for events of which one alert tells. */
  readonly group: string
  readonly subject: { readonly kind: 'pipeline' | 'job'; readonly id: string }
  readonly runId: string
  readonly atMs: number
  /** A sentence for people. */
  readonly message: string
}

export interface RaisedAlert {
  readonly alert: Alert
  /** False: it is one more event of an alert there was. */
  readonly isNew: boolean
}

export interface Alert {
  readonly id: string
  readonly application: string
  /** The rule's name. */
  readonly rule: string
  readonly kind: AlertKind
  readonly subject: { readonly kind: 'pipeline' | 'job'; readonly id: string }
  /** Of the last event, as the message. */
  readonly runId: string
  readonly message: string
  readonly count: number
  readonly firstAtMs: number
  readonly lastAtMs: number
  /** When somebody saw what had happened. */
  readonly raisedAtMs: number
  readonly acknowledged?: { readonly by: string; readonly atMs: number; readonly comment?: string }
}

export interface AlertFilter {
  readonly application?: string
  readonly kind?: AlertKind
  readonly subject?: { readonly kind: 'pipeline' | 'job'; readonly id: string }
  readonly isAcknowledged?: boolean
  /** Raised at this moment or later. */
  readonly sinceMs?: number
  /** Before this. */
  readonly untilMs?: number
}

export interface AlertPlace {
  readonly raisedAtMs: number
  readonly id: string
}

export interface NewDeadNotice {
  readonly application: string
  /** With all that is needed to send it again, which may be secret. */
  readonly notice: Notice
  readonly attempts: number
  readonly failure: { readonly code: string; readonly message: string }
}

export interface DeadNotice extends NewDeadNotice {
  readonly diedAtMs: number
}

export interface DeadNoticePlace {
  readonly diedAtMs: number
  readonly id: string
}
