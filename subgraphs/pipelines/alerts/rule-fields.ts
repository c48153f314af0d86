import type { AlertRule, AlertStore, AlertTarget, NewAlertRule } from '../../../connectors/ports/alert-store.ts'
import type { NoticePlaces } from '../../../connectors/ports/notifier.ts'
import type { Context } from '../../../resolvers/context.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import { HubError } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import { instant } from '../../../schema/values.ts'
import type { Registry } from '../registry.ts'
import { mustHoldIn, mustHoldWhere } from '../permissions.ts'

export interface AlertRoles {
  readonly alerts: AlertStore
  readonly registry: Registry
  /** Who may be told. */
  readonly places: NoticePlaces
}

interface RuleInput extends Pick<NewAlertRule, 'name' | 'kind'> {
  readonly app: string
  readonly pipelineId?: string | null
  readonly jobId?: string | null
  readonly failures?: number | null
  readonly quietMs?: number | string | null
  readonly email: readonly string[]
  readonly webhook: readonly string[]
}

const usualFailures = 3
const mostFailures = 100
const usualQuietMs = 3_600_000
const longestQuietMs = 30 * 86_400_000
const mostTargets = 20

/** Rules of who is told of what: listed, declared and removed. */
export function ruleFields({ alerts, registry, places }: AlertRoles): Subgraph['fields'] {
  return {
    Query: {
      alertRules: async (_: unknown, { app }: { app?: string | null }, { scope }: Context) => {
        mustHoldWhere(scope, 'pipeline:read', app)
        return (await alerts.rules(scope, app ?? undefined)).map(shownRule)
      },
    },
    Mutation: {
      putAlertRule: async (_: unknown, { rule }: { rule: RuleInput }, { scope }: Context) => {
        mustHoldIn(scope, 'pipeline:write', rule.app)
        const wanted = ruleOf(rule)
        await mustExist(registry, wanted)
        for (const { kind, target } of wanted.targets) await places.check(scope, kind, target)
        return shownRule(await alerts.putRule(scope, wanted))
      },
      removeAlertRule: async (_: unknown, { app, name }: { app: string; name: string }, { scope }: Context) => {
        mustHoldIn(scope, 'pipeline:write', app)
        const removed = await alerts.removeRule(scope, app, name)
        if (removed) return shownRule(removed)
        throw new HubError('NOT_FOUND', `There is no alert rule "${name}" in "${app}".${didYouMean(name, (await alerts.rules(scope, app)).map(one => one.name))}`, { app, name })
      },
    },
  }
}

function ruleOf({ app, name, kind, pipelineId, jobId, failures, quietMs, email, webhook }: RuleInput): NewAlertRule {
  const refuse = (field: string, message: string) => new HubError('VALIDATION_ERROR', message, { field })
  const targets: readonly AlertTarget[] = [...email.map(target => ({ kind: 'email' as const, target })), ...webhook.map(target => ({ kind: 'webhook' as const, target }))]
  const quiet = Number(quietMs ?? usualQuietMs)
  if (name.trim() === '') throw refuse('name', 'The name of the alert rule is empty. Give it one, such as "orders are late".')
  if (pipelineId && jobId) throw refuse('jobId', `The alert rule names the pipeline "${pipelineId}" and the job "${jobId}"; it may name one of them. Declare a rule for each.`)
  if (kind === 'SLA_BREACH' && failures !== undefined && failures !== null) throw refuse('failures', `"failures" is ${failures}, and means something only of the kind REPEATED_FAILURE. Leave it out.`)
  if (failures !== undefined && failures !== null && (failures < 1 || failures > mostFailures)) throw refuse('failures', `"failures" is ${failures}; 1 to ${mostFailures} are taken.`)
  if (quiet < 0 || quiet > longestQuietMs) throw refuse('quietMs', `"quietMs" is ${quiet}; 0 to ${longestQuietMs}, which are thirty days, are taken.`)
  if (targets.length === 0) throw refuse('email', `The alert rule "${name}" tells nobody. Name an address in "email", or a URL in "webhook".`)
  if (targets.length > mostTargets) throw refuse('email', `The alert rule "${name}" names ${targets.length} whom it tells; ${mostTargets} are the limit. Name a list of recipients.`)
  const id = pipelineId || jobId
  return { application: app, name, kind, ...(id && { subject: { kind: pipelineId ? 'pipeline' : 'job', id } }), ...(kind === 'REPEATED_FAILURE' && { failures: failures ?? usualFailures }), quietMs: quiet, targets }
}

/** A rule of what is not there would never tell of anything. */
async function mustExist(registry: Registry, { application, subject }: NewAlertRule): Promise<void> {
  const [pipelines, jobs] = await Promise.all([registry.pipelines(), registry.jobs()])
  const applications = new Set([...pipelines, ...jobs].map(one => one.application))
  if (!applications.has(application)) throw new HubError('NOT_FOUND', `There is no application "${application}" with pipelines.${didYouMean(application, applications)}`, { app: application })
  if (!subject) return
  const own = (subject.kind === 'pipeline' ? pipelines : jobs).filter(one => one.application === application).map(({ id }) => id)
  if (!own.includes(subject.id)) throw new HubError('NOT_FOUND', `There is no ${subject.kind} "${subject.id}" in "${application}".${didYouMean(subject.id, own)}`, { app: application, id: subject.id })
}

function shownRule({ application, subject, failures, targets, changedAtMs, ...rule }: AlertRule) {
  return {
    ...rule, app: application, ...idsOf(subject), failures: failures ?? null, changedAt: instant(changedAtMs),
    targets: targets.map(({ kind, target }) => ({ kind: kind.toUpperCase(), target: shownTarget(kind, target) })),
  }
}

/** Which of the two a rule or an alert is of. */
export function idsOf(subject: NewAlertRule['subject']): { readonly pipelineId: string | null; readonly jobId: string | null } {
  return { pipelineId: subject?.kind === 'pipeline' ? subject.id : null, jobId: subject?.kind === 'job' ? subject.id : null }
}

/** As everybody may see it who may read it. */
export function shownTarget(kind: AlertTarget['kind'], target: string): string {
  return kind === 'webhook' ? new URL(target).origin : target
}
