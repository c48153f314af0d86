import type { Context } from '../../../resolvers/context.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import type { Layer } from '../document/pipeline.ts'
import { applicationsOf } from '../permissions.ts'

/** What lies in the folder of pipelines, by application and layer. */
export interface Layout {
  /** By their names, each with all its layers in their order. */
  applications(): Promise<readonly ApplicationLayout[]>
  /** As documents name them. */
  commonSchemas(): Promise<readonly string[]>
  /** As documents name them. */
  commonLookups(): Promise<readonly string[]>
}

export interface ApplicationLayout {
  readonly name: string
  readonly layers: readonly LayerLayout[]
}

export interface LayerLayout {
  readonly layer: Layer
  /** Ids. */
  readonly pipelines: readonly string[]
  /** Ids. */
  readonly jobs: readonly string[]
  /** As documents of the layer name them: `schemas/customer.avsc`. */
  readonly schemas: readonly string[]
  /** Below the layer's folder `resources`. */
  readonly resources: readonly string[]
}

/** Applications the caller may read, and what all of them share. */
export function layoutFields({ layout }: { readonly layout: Layout }): Subgraph['fields'] {
  return {
    Query: {
      applications: async (_: unknown, _args: unknown, { scope }: Context) => {
        const own = applicationsOf(scope, 'pipeline:read')
        const all = await layout.applications()
        return all.filter(({ name }) => own === 'ALL' || own.has(name)).map(({ name, layers }) => ({ name, layers: layers.map(({ layer, ...files }) => ({ layer: layer.toUpperCase(), ...files })) }))
      },
      commonSchemas: (_: unknown, _args: unknown, { scope }: Context) => {
        applicationsOf(scope, 'pipeline:read')
        return layout.commonSchemas()
      },
      commonLookups: (_: unknown, _args: unknown, { scope }: Context) => {
        applicationsOf(scope, 'pipeline:read')
        return layout.commonLookups()
      },
    },
  }
}
