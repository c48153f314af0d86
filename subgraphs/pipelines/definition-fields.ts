import type { RunStore } from '../../connectors/ports/run-store.ts'
import { simplePage } from '../../resolvers/connection.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { mustHold } from '../../resolvers/guard.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { instant } from '../../schema/values.ts'
import { executionPlan } from './execution-plan.ts'
import { type Definition, type Registry, versionText } from './registry.ts'
import { nextMoments } from './run/scheduler.ts'
import { shownRun } from './run-fields.ts'

/** A document as everybody may see it who may read it: passwords that stand in URLs, where none should, are not in it. */
function withoutPasswords(xml: string): string {
  return xml.replace(/(jdbc:[a-z]+:\/\/[^/@?"'<\s:]*:)[^"'<\s]*@/g, '$1***@').replace(/([?;&](?:password|pwd)=)[^&;"'<\s]*/gi, '$1***')
}

interface ListArguments {
  readonly app?: string | null
  readonly layer?: string | null
  readonly first?: number | null
  readonly after?: string | null
}

/** The pipelines of the registry. */
export function definitionFields({ registry, store, cursors }: { readonly registry: Registry; readonly store: RunStore; readonly cursors: CursorSealer }): Subgraph['fields'] {
  const shown = (definition: Definition) => {
    const { application, id, document } = definition
    return {
      ...definition, app: application, id, xml: withoutPasswords(definition.xml), version: document ? versionText(document) : null, layer: document?.layer.toUpperCase() ?? null, owner: document?.owner ?? null, description: document?.description ?? null, schedule: document?.schedule ?? null,
      slaMs: document?.slaMs ?? null, plan: document ? executionPlan(document.steps) : null,
      nextRuns: ({ count }: { readonly count: number }, { scope }: Context) => (document?.schedule === undefined ? [] : nextMoments(document.schedule, scope.clock.now(), Math.min(Math.max(count, 0), 100))),
      watermarks: async (_: unknown, { scope }: Context) => (await store.watermarks(scope, application, id)).map(({ movedAtMs, ...watermark }) => ({ ...watermark, movedAt: instant(movedAtMs) })),
      runs: async ({ first }: { readonly first: number }, { scope }: Context) => (await store.runs(scope, { application, subject: id, kind: 'pipeline' }, Math.min(Math.max(first, 0), 1000))).map(shownRun),
    }
  }
  return {
    Query: {
      pipelines: async (_: unknown, { app, layer, ...page }: ListArguments, { scope }: Context) => {
        mustHold(scope, 'pipeline:read')
        const found = (await registry.pipelines()).filter(({ application, document }) => (app ?? application) === application && (!layer || document?.layer.toUpperCase() === layer))
        return simplePage(found, { name: ({ application, id }) => `${application}/${id}`, show: shown, identity: JSON.stringify(['pipelines', scope.tenant, app ?? null, layer ?? null]), cursors }, page)
      },
      pipeline: async (_: unknown, { app, id }: { app: string; id: string }, { scope }: Context) => {
        mustHold(scope, 'pipeline:read')
        const found = (await registry.pipelines()).find(one => one.application === app && one.id === id)
        return found ? shown(found) : null
      },
    },
  }
}
