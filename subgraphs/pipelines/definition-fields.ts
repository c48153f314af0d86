import type { RunStore } from '../../connectors/ports/run-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { simplePage } from '../../resolvers/connection.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { HubError } from '../../schema/errors.ts'
import { instant } from '../../schema/values.ts'
import type { Definitions } from './definitions/definitions.ts'
import { executionPlan } from './execution-plan.ts'
import { type Finding, inOrder } from './finding.ts'
import { nextRuns } from './next-runs.ts'
import { chosenApplications, mustHoldIn } from './permissions.ts'
import { type Definition, type Registry, versionText } from './registry.ts'
import { shownRun } from './run-fields.ts'

/** A document as everybody may see it who may read it: passwords that stand in URLs, where none should, are not in it. */
export function withoutPasswords(xml: string): string {
  return xml.replace(/(jdbc:[a-z]+:\/\/[^/@?"'<\s:]*:)[^"'<\s]*@/g, '$1***@').replace(/([?;&](?:password|pwd)=)[^&;"'<\s]*/gi, '$1***')
}

interface ListArguments {
  readonly app?: string | null
  readonly layer?: string | null
  readonly first?: number | null
  readonly after?: string | null
}

export interface DefinitionRoles {
  readonly registry: Registry
  readonly store: RunStore
  readonly cursors: CursorSealer
  readonly definitions: Definitions
  /** What data and environment have against a pipeline that has nothing wrong by itself. */
  readonly check: (definition: Definition) => Promise<readonly Finding[]>
}

/** A pipeline as the graph shows it; without a `check` with what its document alone has against it. */
export function definitionShower({ store, definitions, check }: Pick<DefinitionRoles, 'store' | 'definitions'> & Partial<Pick<DefinitionRoles, 'check'>>) {
  return (definition: Definition) => {
    const { application, id, document } = definition
    return {
      ...definition, app: application, id, xml: withoutPasswords(definition.xml), version: document ? versionText(document) : null, layer: document?.layer.toUpperCase() ?? null, owner: document?.owner ?? null, description: document?.description ?? null, schedule: document?.schedule ?? null,
      slaMs: document?.slaMs ?? null, plan: document ? executionPlan(document.steps) : null,
      nextRuns: nextRuns(document?.schedule),
      watermarks: async (_: unknown, { scope }: Context) => (await store.watermarks(scope, application, id)).map(({ movedAtMs, ...watermark }) => ({ ...watermark, movedAt: instant(movedAtMs) })),
      runs: async ({ first }: { readonly first: number }, { scope }: Context) => (await store.runs(scope, { application, subject: id, kind: 'pipeline' }, Math.min(Math.max(first, 0), 1000))).map(shownRun),
      findings: async () => inOrder([...definition.findings, ...((await check?.(definition)) ?? [])]),
      versions: ({ first }: { readonly first: number }, { scope }: Context) => versionsOf(scope, definitions, definition, first),
    }
  }
}

async function versionsOf(scope: Scope, definitions: Definitions, { application, id }: Definition, first: number) {
  if (first < 0 || first > 1000) throw new HubError('BAD_USER_INPUT', `first is ${first}; it takes 0 to 1000.`, { field: 'first' })
  return (await definitions.versions(scope, application, id)).slice(0, first).map(({ version, commit, atMs, author }) => ({ version: version ?? null, commit, at: instant(atMs), author }))
}

/** The pipelines of the registry. */
export function definitionFields({ registry, store, cursors, definitions, check }: DefinitionRoles): Subgraph['fields'] {
  const listed = definitionShower({ store, definitions })
  const shown = definitionShower({ store, definitions, check })
  return {
    Query: {
      pipelines: async (_: unknown, { app, layer, ...page }: ListArguments, { scope }: Context) => {
        const applications = chosenApplications(scope, 'pipeline:read', app)
        const found = (await registry.pipelines()).filter(({ application, document }) => (applications?.includes(application) ?? true) && (!layer || document?.layer.toUpperCase() === layer))
        return simplePage(found, { name: ({ application, id }) => `${application}/${id}`, show: listed, identity: JSON.stringify(['pipelines', scope.tenant, applications ?? null, layer ?? null]), cursors }, page)
      },
      pipeline: async (_: unknown, { app, id, version }: { app: string; id: string; version?: string | null }, { scope }: Context) => {
        mustHoldIn(scope, 'pipeline:read', app)
        const found = await (version ? definitions.findVersion(scope, app, id, version) : registry.pipelines().then(all => all.find(one => one.application === app && one.id === id)))
        return found ? shown(found) : null
      },
    },
  }
}
