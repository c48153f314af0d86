import { type NotifyOptions, openNotifier } from '../../../connectors/notify/index.ts'
import { fileLineage, httpLineage } from '../../../connectors/openlineage/index.ts'
import type { AlertStore } from '../../../connectors/ports/alert-store.ts'
import type { NoticePlaces } from '../../../connectors/ports/notifier.ts'
import type { RunStore } from '../../../connectors/ports/run-store.ts'
import { HubError } from '../../../schema/errors.ts'
import { LineageEvents } from '../../../subgraphs/pipelines/lineage/lineage-events.ts'
import { Teller, type TellerOptions } from '../../../subgraphs/pipelines/notify/teller.ts'
import { lastingScope } from '../../assembly/scope.ts'
import type { Config } from '../../config.ts'

/** How long what is still to tell keeps a process that ends. */
const lineageMs = 10_000

export function openLineageEvents({ openLineageUrl: url, openLineageApiKey: apiKey, openLineageFile: file, openLineageNamespace: namespace }: Config['pipelines'], store: RunStore, parts: Omit<Parameters<typeof lastingScope>[0], 'signal'>) {
  const stopped = new AbortController()
  const sinks = [...(url === undefined ? [] : [httpLineage({ url, ...(apiKey !== undefined && { apiKey }) })]), ...(file === undefined ? [] : [fileLineage(file)])]
  const events = new LineageEvents({ sinks, store, namespace, producer: 'urn:tributary', scope: lastingScope({ ...parts, signal: stopped.signal }, 'lineage') })
  return {
    events,
    async close(): Promise<void> {
      const cancelTimer = parts.clock.after(lineageMs, () => stopped.abort(new HubError('SHUTTING_DOWN', `Events of lineage did not arrive within ${lineageMs / 1000} s after the last run.`)))
      await events.flush()
      cancelTimer()
    },
  }
}

/** Of each notice. */
const delivery = { attempts: 5, firstDelayMs: 1_000 }

/** Tells of runs by the ways that are set up, and where it may. */
export function openTeller(settings: Config['pipelines'], kept: AlertStore): { readonly teller: Teller; readonly places: NoticePlaces } {
  const { notify, missing } = notifying(settings)
  const notifier = openNotifier(notify)
  return { teller: new Teller({ notifier, missing, delivery, kept, ...(settings.consoleUrl !== undefined && { consoleUrl: settings.consoleUrl }) }), places: notifier }
}

/** Ways for notices, of those that are set up, and the settings that the others lack. */
function notifying({ smtpUrl, smtpFrom, smtpRequireTls, webhookSecret, webhookAllow }: Config['pipelines']): { readonly notify: NotifyOptions; readonly missing: TellerOptions['missing'] } {
  const email = smtpUrl !== undefined && smtpFrom !== undefined ? { url: smtpUrl, from: smtpFrom, ...(smtpRequireTls !== undefined && { requireTls: smtpRequireTls }) } : undefined
  const webhook = webhookSecret === undefined ? undefined : { secret: webhookSecret, allow: webhookAllow }
  const unset = (settings: Readonly<Record<string, string | undefined>>) => Object.keys(settings).filter(name => settings[name] === undefined).map(name => `pipelines.${name}`)
  return { notify: { ...(email && { email }), ...(webhook && { webhook }) }, missing: { email: unset({ smtpUrl, smtpFrom }), webhook: unset({ webhookSecret }) } }
}
