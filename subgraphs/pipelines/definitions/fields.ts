import type { Context } from '../../../resolvers/context.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import { type DefinitionRoles, definitionShower } from '../definition-fields.ts'
import { mustHoldIn } from '../permissions.ts'
import type { Allow, Audit } from './audit.ts'
import type { Announce } from './definitions.ts'

/** Pipelines as they are put in, changed and taken away. */
export function changeFields({ store, definitions, check, audit }: DefinitionRoles & { readonly audit: Audit }): Subgraph['fields'] {
  const shown = definitionShower({ store, definitions, check })
  const announced = (allow: Allow): Announce => ({ id, version }) => allow(version === undefined ? {} : { version }, { subject: id })
  return {
    Mutation: {
      createPipeline: (_: unknown, { app, xml }: { app: string; xml: string }, { scope }: Context) => audit.of(scope, { action: 'pipeline.create', application: app, subject: '' }, async allow => {
        mustHoldIn(scope, 'pipeline:write', app)
        return shown((await definitions.create(scope, app, xml, { announce: announced(allow) })).definition)
      }),
      updatePipeline: (_: unknown, { app, id, xml, allowOlder }: { app: string; id: string; xml: string; allowOlder: boolean }, { scope }: Context) => audit.of(scope, { action: 'pipeline.update', application: app, subject: id }, async allow => {
        mustHoldIn(scope, 'pipeline:write', app)
        return shown((await definitions.update(scope, app, id, xml, allowOlder, { announce: announced(allow) })).definition)
      }),
      deletePipeline: (_: unknown, { app, id }: { app: string; id: string }, { scope }: Context) => audit.of(scope, { action: 'pipeline.delete', application: app, subject: id }, async allow => {
        mustHoldIn(scope, 'pipeline:write', app)
        await definitions.remove(scope, app, id, { announce: announced(allow) })
        return true
      }),
    },
  }
}
