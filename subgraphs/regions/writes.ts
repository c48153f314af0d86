import { HubError } from '../../schema/errors.ts'
import { plural, type EntityModel } from '../../schema/model.ts'
import type { Row, Value } from '../../schema/values.ts'
import type { Region } from '../../connectors/ports/region-store.ts'
import type { Context } from '../../resolvers/context.ts'
import { keyReader } from '../../resolvers/entity.ts'
import { mustHold } from '../../resolvers/guard.ts'
import type { FieldResolution } from '../../resolvers/subgraph.ts'
import { putMany, removeOne } from './entries.ts'

const largestBatch = 10_000

/** `put…`, `put…s` and `remove…` of one region: one commit each, durable when answered. */
export function writes(entity: EntityModel, region: Region): Record<string, FieldResolution> {
  const { type } = entity
  const { ofFields } = keyReader(entity)
  return {
    [`put${type}`]: async (_: unknown, { input }: { input: Input }, { scope }: Context) => {
      mustHold(scope, 'cache:write')
      const [stored] = await putMany(scope, entity, region, [rowOf(entity, input)])
      return stored?.row
    },
    [`put${plural(type)}`]: async (_: unknown, { input }: { input: readonly Input[] }, { scope }: Context) => {
      mustHold(scope, 'cache:write')
      if (input.length > largestBatch) throw new HubError('PAYLOAD_TOO_LARGE', `put${plural(type)} was given ${input.length} entries; it takes ${largestBatch} at once. Split them.`, { field: 'input' })
      return (await putMany(scope, entity, region, input.map(one => rowOf(entity, one)))).map(entry => entry.row)
    },
    [`remove${type}`]: async (_: unknown, args: Record<string, unknown>, { scope }: Context) => {
      mustHold(scope, 'cache:write')
      return removeOne(scope, entity, region, ofFields(args))
    },
  }
}

type Input = Readonly<Record<string, Value | undefined>>

function rowOf(entity: EntityModel, input: Input): Row {
  return Object.fromEntries(entity.fields.map(({ name, field }) => [name, input[field] ?? null]))
}
