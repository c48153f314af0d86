import { HubError } from '../schema/errors.ts'
import { fieldOfColumn, type EntityModel, type ListArgument } from '../schema/model.ts'
import { parseValue } from '../schema/scalars.ts'
import { compareValues, type Value } from '../schema/values.ts'
import type { Where } from './where.ts'

interface Given extends ListArgument {
  readonly value: Value
}

/** A list's declared arguments as conditions: those given must all hold, absent and null ones say nothing. A lower bound above an upper one of the same column → VALIDATION_ERROR naming both. */
export function parseArguments(entity: EntityModel, args: Readonly<Record<string, unknown>>): readonly Where[] {
  const given = (entity.arguments ?? []).flatMap((argument): Given[] => {
    const value = parseValue(fieldOfColumn(entity, argument.column).type, args[argument.name])
    return value === null ? [] : [{ ...argument, value }]
  })
  refuseCrossed(entity, given)
  return given.map(({ column, op, value }) => ({ column, op, value }))
}

function refuseCrossed(entity: EntityModel, given: readonly Given[]): void {
  const problems = given.filter(isLower).flatMap(low =>
    given.filter(high => isUpper(high) && high.column === low.column).flatMap(high => {
      const { type, field } = fieldOfColumn(entity, low.column)
      if (compareValues(type, low.value, high.value) <= 0) return []
      return [{ path: low.name, message: `${low.name} is ${shown(low.value)} and ${high.name} is ${shown(high.value)}: no ${field} is as high as the first and as low as the second. Swap them, or leave one out.` }]
    }),
  )
  const [first] = problems
  if (first) throw new HubError('VALIDATION_ERROR', problems.map(problem => problem.message).join(' '), { field: first.path, problems })
}

function isLower({ op }: Given): boolean {
  return op === 'gt' || op === 'gte'
}

function isUpper({ op }: Given): boolean {
  return op === 'lt' || op === 'lte'
}

function shown(value: Value): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}
