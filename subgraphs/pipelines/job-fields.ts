import type { RunStore } from '../../connectors/ports/run-store.ts'
import { simplePage } from '../../resolvers/connection.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { HubError } from '../../schema/errors.ts'
import { airflowDag } from './airflow/dag.ts'
import type { JobDocument } from './document/job.ts'
import { shownJobRun } from './job-run-fields.ts'
import { nextRuns } from './next-runs.ts'
import { chosenApplications, mustHoldIn } from './permissions.ts'
import { type JobDefinition, type Registry, versionText } from './registry.ts'
import { neededPipelines } from './run/needed.ts'

/** The jobs of the registry. */
export function jobFields({ registry, store, cursors }: { readonly registry: Registry; readonly store: RunStore; readonly cursors: CursorSealer }): Subgraph['fields'] {
  const shown = (definition: JobDefinition) => {
    const { application, id, document } = definition
    return {
      ...definition, app: application, xml: withoutPaths(definition.xml), version: document ? versionText(document) : null, refs: document ? refsOf(document) : [], notifications: document ? notificationsOf(document) : [], dag: document ? dagOf(document) : null,
      schedule: document?.schedule ?? null, nextRuns: nextRuns(document?.schedule),
      async airflowDag() {
        if (!document) throw new HubError('VALIDATION_ERROR', `The document of the job "${id}" has mistakes, which its findings tell. Mend them, and ask again.`, { job: id })
        return airflowDag(definition, document, await neededPipelines(registry, application, document))
      },
      runs: async ({ first }: { readonly first: number }, { scope }: Context) => (await store.runs(scope, { application, subject: id, kind: 'job' }, Math.min(Math.max(first, 0), 1000))).map(run => shownJobRun(run, store)),
    }
  }
  return {
    Query: {
      jobs: async (_: unknown, { app, ...page }: { readonly app?: string | null; readonly first?: number | null; readonly after?: string | null }, { scope }: Context) => {
        const applications = chosenApplications(scope, 'pipeline:read', app)
        const found = (await registry.jobs()).filter(({ application }) => applications?.includes(application) ?? true)
        return simplePage(found, { name: ({ application, id }) => `${application}/${id}`, show: shown, identity: JSON.stringify(['jobs', scope.tenant, applications ?? null]), cursors }, page)
      },
      job: async (_: unknown, { app, id }: { app: string; id: string }, { scope }: Context) => {
        mustHoldIn(scope, 'pipeline:read', app)
        const found = (await registry.jobs()).find(one => one.application === app && one.id === id)
        return found ? shown(found) : null
      },
    },
  }
}

function refsOf({ refs }: JobDocument) {
  return refs.map(({ id, dependsOn, onFailure, maxRetries, fallback }) => ({ pipelineId: id, dependsOn, onFailure: onFailure.toUpperCase(), maxRetries: onFailure === 'retry' ? maxRetries : null, fallback: fallback ?? null }))
}

function notificationsOf({ notifications }: JobDocument) {
  return notifications.map(({ kind, target, on }) => ({ kind: kind.toUpperCase(), target: kind === 'webhook' ? new URL(target).origin : target, on: on.toUpperCase() }))
}

function dagOf({ refs }: JobDocument) {
  return { nodes: refs.map(({ id, onFailure }) => ({ id, onFailure: onFailure.toUpperCase() })), edges: refs.flatMap(({ id, dependsOn }) => dependsOn.map(from => ({ from, to: id }))) }
}

/** A job's document as everybody may see it who may read it: the paths of webhooks are often all it takes to use them, and so are names and passwords before the host. */
function withoutPaths(xml: string): string {
  return xml.replace(/(https?:\/\/)(?!www\.w3\.org\/)(?:[^\s"'<>/?#@]*@)?([^\s"'<>/?#]*)[/?#][^\s"'<>]+/gi, '$1$2/***')
}
