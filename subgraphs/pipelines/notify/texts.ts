import { createHash } from 'node:crypto'

/** Where something is told. */
interface Target {
  readonly kind: 'email' | 'webhook'
  readonly target: string
}

/** Of what is told and where: the same each time. */
export function noticeId(of: string, { kind, target }: Target): string {
  return `${of}.${createHash('sha256').update(JSON.stringify([kind, target])).digest('hex').slice(0, 12)}`
}

export function isSlack(url: string): boolean {
  return URL.canParse(url) && new URL(url).hostname === 'hooks.slack.com'
}

/** In Slack's own markup, in which three signs mean something (https://api.slack.com/reference/surfaces/formatting#escaping). */
export function slackText(said: string, link: string | undefined): string {
  const escaped = said.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return link === undefined ? escaped : `${escaped} <${link}>`
}

/** Where people look at a run. */
export function linkOf(consoleUrl: string, runId: string): string {
  return `${consoleUrl.replace(/\/+$/, '')}/runs/${encodeURIComponent(runId)}`
}
