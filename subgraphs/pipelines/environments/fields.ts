import type { Context } from '../../../resolvers/context.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import { applicationsOf } from '../permissions.ts'
import type { Environment } from './environment.ts'
import type { Promotion, Promotions } from './promotions.ts'

export interface EnvironmentRoles {
  readonly environment: Environment
  readonly promotions: Promotions
}

/** Which environment the hub is, and which versions environments run. */
export function environmentFields({ environment, promotions }: EnvironmentRoles): Subgraph['fields'] {
  return {
    Query: {
      environment: (_: unknown, _args: unknown, { scope }: Context) => {
        applicationsOf(scope, 'pipeline:read')
        return environment
      },
    },
    Mutation: {
      promotePipeline: async (_: unknown, wanted: { app: string; id: string; version: string; to: Environment }, { scope }: Context) => shown(await promotions.promote(scope, wanted)),
    },
    PipelineDefinition: {
      promoted: async ({ app, id }: { app: string; id: string }) => (await promotions.of(app, id)).map(shown),
    },
  }
}

function shown({ environment, version, previous = null, commit = null }: Omit<Promotion, 'previous' | 'commit'> & { readonly previous?: string | null; readonly commit?: string | null }) {
  return { environment, version, previous, commit }
}
