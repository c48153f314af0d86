import type { Notice } from '../../../connectors/ports/notifier.ts'
import type { Json } from '../../../schema/values.ts'
import type { JobDocument, Notification } from '../document/job.ts'
import type { JobRecord } from '../run/job-record.ts'
import type { RunFailure } from '../run/record.ts'
import { isSlack, linkOf, noticeId, slackText } from './texts.ts'

/** Whose notices they are, and what they say beside how it went. */
export interface NoticeOrder {
  readonly document: JobDocument
  readonly runId: string
  readonly application: string
  /** Where people look at runs: https://hub.example/console. Absent: notices have no link. */
  readonly consoleUrl?: string
}

export type JobEvent = Notification['on']

/** What happened with a job. */
export interface Happened {
  readonly event: JobEvent
  readonly state: 'QUEUED' | 'RUNNING' | JobRecord['state']
  /** Since it began. Absent: it begins. */
  readonly durationMs?: number
  readonly error?: RunFailure
  /** Of `sla_breach`: whose time is over. */
  readonly pipeline?: string
}

const words: Readonly<Record<JobEvent, (state: Happened['state']) => string>> = {
  start: () => 'has started', success: () => 'succeeded', failure: () => 'failed', sla_breach: state => (isOpen(state) ? 'takes longer than it may' : 'took longer than it may'),
  completion: state => ({ QUEUED: 'waits', RUNNING: 'goes on', SUCCEEDED: 'succeeded', FAILED: 'failed', CANCELLED: 'was cancelled' })[state],
}

/**
 * The notices of those who want to hear of an event, in the order of the document. The body of a webhook:
 *   event        start, success, failure, completion or sla_breach
 *   run_id, job, version, application, state
 *   duration_ms  since the job began; not of `start`
 *   pipeline     of `sla_breach`: the pipeline whose time is over
 *   error        { category, message, step }, where there is one; step is a pipeline
 *   link         where people look at the run, if the hub knows that
 *   text         for Slack alone: the same in a sentence
 * A notice's id is made of the run, the event and where it goes: the same each time.
 */
export function noticesOf(order: NoticeOrder, happened: Happened): readonly Notice[] {
  return order.document.notifications.filter(({ on }) => on === happened.event).map((notification): Notice => {
    const { kind, target } = notification
    const id = noticeId(`${order.runId}.${happened.event}`, notification)
    if (kind === 'email') return { kind, id, to: target.split(',').map(one => one.trim()), subject: `[${order.application}] ${headline(order, happened)}`, text: mail(order, happened) }
    const body = bodyOf(order, happened)
    return { kind, id, url: target, body: isSlack(target) ? { ...body, text: said(order, happened) } : body }
  })
}

function bodyOf({ document: { id, version: { major, minor, patch } }, runId, application, consoleUrl }: NoticeOrder, { event, state, durationMs, error, pipeline }: Happened): { readonly [name: string]: Json } {
  return {
    event, run_id: runId, job: id, version: `${major}.${minor}.${patch}`, application, state, ...(durationMs !== undefined && { duration_ms: durationMs }), ...(pipeline !== undefined && { pipeline }),
    ...(error && { error: { category: error.category, message: error.message, ...(error.step !== undefined && { step: error.step }) } }), ...(consoleUrl !== undefined && { link: linkOf(consoleUrl, runId) }),
  }
}

function headline({ document }: NoticeOrder, { event, state }: Happened): string {
  return `Job ${document.id} ${words[event](state)}`
}

function mail(order: NoticeOrder, happened: Happened): string {
  const { runId, application, consoleUrl } = order
  const { state, durationMs, error, pipeline } = happened
  const lines = [
    `${headline(order, happened)}.`, '', ...(error ? [error.message, ''] : []), `Application: ${application}`, `Run: ${runId}`, `State: ${state}`, ...(durationMs === undefined ? [] : [`Duration: ${durationText(durationMs)}`]),
    ...(pipeline === undefined ? [] : [`Pipeline: ${pipeline}`]), ...(error ? [`Category: ${error.category}`] : []), ...(consoleUrl === undefined ? [] : ['', linkOf(consoleUrl, runId)]),
  ]
  return `${lines.join('\n')}\n`
}

function said(order: NoticeOrder, happened: Happened): string {
  const { durationMs, error } = happened
  const text = `${headline(order, happened)}${durationMs === undefined ? '' : ` after ${durationText(durationMs)}`}.${error ? ` ${error.message}` : ''}`
  return slackText(text, order.consoleUrl === undefined ? undefined : linkOf(order.consoleUrl, order.runId))
}

function isOpen(state: Happened['state']): boolean {
  return state === 'QUEUED' || state === 'RUNNING'
}

/** `4.2 s`, `3 min 5 s`, `2 h 10 min`. */
function durationText(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000)
  if (seconds < 60) return `${(durationMs / 1000).toFixed(1)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}
