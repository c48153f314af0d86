import { createHash } from 'node:crypto'
import type { Notice } from '../../../connectors/ports/notifier.ts'
import type { Json } from '../../../schema/values.ts'
import type { JobDocument, Notification } from '../document/job.ts'
import type { JobRecord } from '../run/job-record.ts'
import type { RunFailure } from '../run/record.ts'

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
  readonly state: 'RUNNING' | JobRecord['state']
  /** Since it began. Absent: it begins. */
  readonly durationMs?: number
  readonly error?: RunFailure
}

const words: Readonly<Record<JobEvent, (state: Happened['state']) => string>> = {
  start: () => 'has started', success: () => 'succeeded', failure: () => 'failed', sla_breach: () => 'takes longer than it may',
  completion: state => ({ RUNNING: 'goes on', SUCCEEDED: 'succeeded', FAILED: 'failed', CANCELLED: 'was cancelled' })[state],
}

/**
 * The notices of those who want to hear of an event, in the order of the document. The body of a webhook:
 *   event        start, success, failure, completion or sla_breach
 *   run_id, job, version, application, state
 *   duration_ms  since the job began; not of `start`
 *   error        { category, message, step }, where there is one; step is a pipeline
 *   link         where people look at the run, if the hub knows that
 *   text         for Slack alone: the same in a sentence
 * A notice's id is made of the run, the event and where it goes: the same each time.
 */
export function noticesOf(order: NoticeOrder, happened: Happened): readonly Notice[] {
  return order.document.notifications.filter(({ on }) => on === happened.event).map((notification): Notice => {
    const { kind, target } = notification
    const id = `${order.runId}.${happened.event}.${createHash('sha256').update(JSON.stringify([kind, target])).digest('hex').slice(0, 12)}`
    if (kind === 'email') return { kind, id, to: target.split(',').map(one => one.trim()), subject: `[${order.application}] ${headline(order, happened)}`, text: mail(order, happened) }
    const body = bodyOf(order, happened)
    return { kind, id, url: target, body: isSlack(target) ? { ...body, text: slackText(order, happened) } : body }
  })
}

function bodyOf({ document: { id, version: { major, minor, patch } }, runId, application, consoleUrl }: NoticeOrder, { event, state, durationMs, error }: Happened): { readonly [name: string]: Json } {
  return {
    event, run_id: runId, job: id, version: `${major}.${minor}.${patch}`, application, state, ...(durationMs !== undefined && { duration_ms: durationMs }),
    ...(error && { error: { category: error.category, message: error.message, ...(error.step !== undefined && { step: error.step }) } }), ...(consoleUrl !== undefined && { link: linkOf(consoleUrl, runId) }),
  }
}

function headline({ document }: NoticeOrder, { event, state }: Happened): string {
  return `Job ${document.id} ${words[event](state)}`
}

function mail(order: NoticeOrder, happened: Happened): string {
  const { runId, application, consoleUrl } = order
  const { state, durationMs, error } = happened
  const lines = [
    `${headline(order, happened)}.`, '', ...(error ? [error.message, ''] : []), `Application: ${application}`, `Run: ${runId}`, `State: ${state}`, ...(durationMs === undefined ? [] : [`Duration: ${durationText(durationMs)}`]),
    ...(error ? [`Category: ${error.category}`] : []), ...(consoleUrl === undefined ? [] : ['', linkOf(consoleUrl, runId)]),
  ]
  return `${lines.join('\n')}\n`
}

/** In Slack's own markup, in which three signs mean something (https://api.slack.com/reference/surfaces/formatting#escaping). */
function slackText(order: NoticeOrder, happened: Happened): string {
  const { durationMs, error } = happened
  const said = `${headline(order, happened)}${durationMs === undefined ? '' : ` after ${durationText(durationMs)}`}.${error ? ` ${error.message}` : ''}`
  const escaped = said.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return order.consoleUrl === undefined ? escaped : `${escaped} <${linkOf(order.consoleUrl, order.runId)}>`
}

function isSlack(url: string): boolean {
  return URL.canParse(url) && new URL(url).hostname === 'hooks.slack.com'
}

function linkOf(consoleUrl: string, runId: string): string {
  return `${consoleUrl.replace(/\/+$/, '')}/runs/${encodeURIComponent(runId)}`
}

/** `4.2 s`, `3 min 5 s`, `2 h 10 min`. */
function durationText(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000)
  if (seconds < 60) return `${(durationMs / 1000).toFixed(1)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}
