import type { Context } from '../../../resolvers/context.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import { type DefinitionRoles, definitionShower } from '../definition-fields.ts'
import { mustHoldIn } from '../permissions.ts'

const announce = async () => ({})

/** Pipelines as they are put in, changed and taken away. */
export function changeFields({ store, definitions }: DefinitionRoles): Subgraph['fields'] {
  const shown = definitionShower({ store, definitions })
  return {
    Mutation: {
      createPipeline: async (_: unknown, { app, xml }: { app: string; xml: string }, { scope }: Context) => {
        mustHoldIn(scope, 'pipeline:write', app)
        return shown((await definitions.create(scope, app, xml, { announce })).definition)
      },
      updatePipeline: async (_: unknown, { app, id, xml, allowOlder }: { app: string; id: string; xml: string; allowOlder: boolean }, { scope }: Context) => {
        mustHoldIn(scope, 'pipeline:write', app)
        return shown((await definitions.update(scope, app, id, xml, allowOlder, { announce })).definition)
      },
      deletePipeline: async (_: unknown, { app, id }: { app: string; id: string }, { scope }: Context) => {
        mustHoldIn(scope, 'pipeline:write', app)
        await definitions.remove(scope, app, id, { announce })
        return true
      },
    },
  }
}
