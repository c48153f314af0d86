import type { Alert, AlertKind, AlertTarget } from '../../../connectors/ports/alert-store.ts'
import type { Notice } from '../../../connectors/ports/notifier.ts'
import { isSlack, linkOf, noticeId, slackText } from '../notify/texts.ts'

const headlines: Readonly<Record<AlertKind, string>> = { SLA_BREACH: 'takes longer than it may', REPEATED_FAILURE: 'fails again and again' }

/**
 * The notices of an alert, in the order of its targets. The body of a webhook:
 *   event        sla_breach or repeated_failure
 *   alert_id, rule, application, run_id
 *   pipeline     or `job`: of what
 *   message      a sentence
 *   link         where people look at the run, if the hub knows that
 *   text         for Slack alone: the same in its markup
 */
export function alertNotices(alert: Alert, targets: readonly AlertTarget[], consoleUrl: string | undefined): readonly Notice[] {
  const { id: alertId, application, rule, kind, subject, runId, message } = alert
  const link = consoleUrl === undefined ? undefined : linkOf(consoleUrl, runId)
  const headline = `${subject.kind === 'job' ? 'Job' : 'Pipeline'} ${subject.id} ${headlines[kind]}`
  const body = { event: kind.toLowerCase(), alert_id: alertId, rule, application, run_id: runId, [subject.kind]: subject.id, message, ...(link !== undefined && { link }) }
  const mail = [`${headline}.`, '', message, '', `Application: ${application}`, `Rule: ${rule}`, `Run: ${runId}`, ...(link === undefined ? [] : ['', link])]
  return targets.map((place): Notice => {
    const id = noticeId(alertId, place)
    const { target } = place
    if (place.kind === 'email') return { kind: 'email', id, to: [target], subject: `[${application}] ${headline}`, text: `${mail.join('\n')}\n` }
    return { kind: 'webhook', id, url: target, body: isSlack(target) ? { ...body, text: slackText(`[${application}] ${message}`, link) } : body }
  })
}
