import { HubError } from '../../schema/errors.ts'
import type { Notice, NoticePlaces, Notifier } from '../ports/notifier.ts'
import { type EmailOptions, emailNotifier } from './email.ts'
import { webhookNotifier, type WebhookOptions } from './webhook.ts'

export type { EmailOptions } from './email.ts'
export type { WebhookOptions } from './webhook.ts'

export interface NotifyOptions {
  readonly webhook?: WebhookOptions
  readonly email?: EmailOptions
}

/** What has to be set for each kind. */
const settings: Readonly<Record<Notice['kind'], string>> = { email: 'pipelines.smtpUrl', webhook: 'pipelines.webhookSecret' }

/** Notices of every kind that is set up; of another → VALIDATION_ERROR, which names the setting. */
export function openNotifier({ webhook, email }: NotifyOptions): Notifier & NoticePlaces {
  const webhooks = webhook && webhookNotifier(webhook)
  const mails = email && emailNotifier(email)
  const unset = (kind: Notice['kind']) => new HubError('VALIDATION_ERROR', `A notice by ${kind} cannot be sent here: ${settings[kind]} is not set. The operator sets it.`, { kind, setting: settings[kind] })
  return {
    async send(scope, notice) {
      if (notice.kind === 'email' && mails) return mails.send(scope, notice)
      if (notice.kind === 'webhook' && webhooks) return webhooks.send(scope, notice)
      throw unset(notice.kind)
    },
    async check(scope, kind, place) {
      const channel = kind === 'email' ? mails : webhooks
      if (!channel) throw unset(kind)
      await channel.check(scope, place)
    },
  }
}
