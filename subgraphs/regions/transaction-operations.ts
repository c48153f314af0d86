import { HubError, type Problem } from '../../schema/errors.ts'
import { openColumn, type EntityModel, type Model } from '../../schema/model.ts'
import type { Row } from '../../schema/values.ts'
import { keyOf } from '../../connectors/ports/region-store.ts'
import { canonicalKey } from '../../resolvers/rows.ts'
import { regionNamed, rowsOf, writable } from './entries.ts'
import { amount, isExpected, membersOf, parsed, read, sum, withMembers } from './transaction-members.ts'

export interface OperationInput {
  readonly region: string
  readonly op: 'GET' | 'INSERT' | 'PUT' | 'UPDATE' | 'DELETE'
  readonly key?: string | null
  readonly increments?: Members | null
  readonly set?: Members | null
  readonly value?: unknown
  readonly expect?: Members | null
}

type Members = Readonly<Record<string, unknown>>

/** One step of a transaction on one entry. */
export interface Operation {
  readonly entity: EntityModel
  readonly op: OperationInput['op']
  readonly key: string
  /** Whether it must know what is there. */
  readonly looks: boolean
  /** The entry behind it: a row, or undefined for none. Fails where the step may not be taken. */
  readonly apply: (row: Row | undefined) => Row | undefined
}

/** The operations in order, or the first's unknown or unwritable region, or VALIDATION_ERROR with every mistake in any of them. */
export function operationsOf(model: Model, inputs: readonly OperationInput[]): Operation[] {
  const entities = inputs.map((input, index) => within(index, () => entityOf(model, input)))
  const problems: Problem[] = []
  const operations = inputs.map((input, index) => operationOf(entities[index] as EntityModel, input, `operations[${index}]`, problems))
  if (problems.length === 0) return operations as Operation[]
  const more = problems.length > 20 ? ` And ${problems.length - 20} more.` : ''
  throw new HubError('VALIDATION_ERROR', `${problems.slice(0, 20).map(problem => problem.message).join(' ')}${more}`, { operation: Number(/\d+/.exec(problems[0]?.path ?? '')?.[0] ?? 0), problems: problems.slice(0, 100) })
}

/** Runs a part of one operation; a failure says which it was. */
export function within<T>(index: number, part: () => T): T {
  try {
    return part()
  } catch (error) {
    throw error instanceof HubError ? failed(index, error) : error
  }
}

export function failed(index: number, error: HubError): HubError {
  const message = error.message.startsWith('operations[') ? error.message : `operations[${index}]: ${error.message}`
  return new HubError(error.code, message, { ...error.details, operation: index }, { cause: error })
}

function entityOf(model: Model, { region, op }: OperationInput): EntityModel {
  const entity = regionNamed(model, region)
  if (op !== 'GET') return writable(entity)
  if (entity.complete) return entity
  throw new HubError('VALIDATION_ERROR', `Region "${region}" holds only rows that were asked for, so a transaction cannot tell which are absent. Read it outside with cacheGet.`, { region })
}

/** Members an operation may have, beside `key` and `expect`; those with `true` it must have, or one of them. */
const taken: Record<OperationInput['op'], readonly ('increments' | 'set' | 'value')[]> = { GET: [], INSERT: ['value'], PUT: ['value'], UPDATE: ['increments', 'set'], DELETE: [] }

function operationOf(entity: EntityModel, input: OperationInput, path: string, problems: Problem[]): Operation | undefined {
  const found = problems.length
  const { op } = input
  for (const member of ['increments', 'set', 'value'] as const) {
    if ((input[member] ?? undefined) !== undefined && !taken[op].includes(member)) add(`${path}.${member}`, `${path} is ${op}, which takes no "${member}".`)
  }
  if (taken[op].length > 0 && taken[op].every(member => (input[member] ?? undefined) === undefined)) add(path, `${path} is ${op} and lacks ${taken[op].map(member => `"${member}"`).join(' or ')}.`)
  if (op === 'INSERT' && input.expect) add(`${path}.expect`, `${path} is INSERT, which expects that there is no entry; leave "expect" out.`)
  const expected = membersOf(entity, input.expect ?? {}, `${path}.expect`, problems).map(member => [member, parsed(member, problems)] as const)
  const changes = changesOf(entity, input, path, problems)
  const whole = taken[op].includes('value') ? attempt(() => rowOf(entity, input, path)) : undefined
  const key = whole ? keyOf(entity.key, whole) : input.key === null || input.key === undefined ? missingKey() : attempt(() => canonicalKey(entity, input.key as string))
  if (problems.length > found || key === undefined) return undefined

  const guard = (row: Row | undefined) => {
    if (!input.expect) return
    if (!row) throw new HubError('PRECONDITION_FAILED', `Region "${entity.name}" has no entry "${key}", and one is expected.`, { region: entity.name, key })
    const other = expected.filter(([member, value]) => !isExpected(member, read(entity, row, member), value)).map(([member]) => member.name)
    if (other.length > 0) throw new HubError('PRECONDITION_FAILED', `Entry "${key}" of region "${entity.name}" is not as expected in ${other.map(name => `"${name}"`).join(', ')}. Read it again.`, { region: entity.name, key, members: other })
  }
  const steps: Record<OperationInput['op'], (row: Row | undefined) => Row | undefined> = {
    GET: row => row,
    DELETE: () => undefined,
    PUT: () => whole,
    INSERT: row => {
      if (row) throw new HubError('CONFLICT', `Region "${entity.name}" has an entry "${key}" already. PUT replaces it, UPDATE changes it.`, { region: entity.name, key })
      return whole
    },
    UPDATE: row => {
      if (!row) throw new HubError('KEY_NOT_FOUND', `Region "${entity.name}" has no entry "${key}" to update. INSERT it first.`, { region: entity.name, key })
      return changes(row)
    },
  }
  const apply = (row: Row | undefined) => {
    guard(row)
    return steps[op](row)
  }
  return { entity, op, key, looks: op !== 'PUT' || Boolean(input.expect), apply }

  function add(at: string, message: string): void {
    problems.push({ path: at, message })
  }

  function missingKey(): undefined {
    if (!taken[op].includes('value')) add(`${path}.key`, `${path} lacks its "key".`)
    return undefined
  }

  /** The answer, or undefined with its mistakes noted. */
  function attempt<T>(part: () => T): T | undefined {
    try {
      return part()
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      const inner = error.details['problems'] as readonly Problem[] | undefined
      if (inner) problems.push(...inner)
      else add(`${path}.key`, `${path}.key: ${error.message}`)
      return undefined
    }
  }
}

/** What an UPDATE does to a row. */
function changesOf(entity: EntityModel, { increments, set }: OperationInput, path: string, problems: Problem[]): (row: Row) => Row {
  const added = membersOf(entity, increments ?? {}, `${path}.increments`, problems).map(member => [member, amount(member, problems)] as const)
  const replaced = membersOf(entity, set ?? {}, `${path}.set`, problems).map(member => [member, parsed(member, problems)] as const)
  for (const [{ path: at, name, field }, value] of [...added, ...replaced]) {
    if (field && entity.key.includes(field.name)) problems.push({ path: at, message: `${at}: "${field.field}" names the entry and does not change. DELETE this one and INSERT another.` })
    else if (field && value === null && !field.nullable) problems.push({ path: at, message: `${at}: "${field.field}" is never null.` })
    if (replaced.some(([other]) => other.path !== at && (other.field ? other.field === field : !field && other.name === name))) problems.push({ path: at, message: `${at} is given twice. Give it once.` })
  }
  return row => {
    const after = withMembers(entity, row, replaced)
    return withMembers(entity, after, added.map(([member, text]) => [member, sum(member, read(entity, after, member), text)] as const))
  }
}

/** The entry that `value` is, as `cachePut` takes it; in an open region also one that is no object. */
function rowOf(entity: EntityModel, { key, value }: OperationInput, path: string): Row | undefined {
  if (value === null || value === undefined) return undefined
  const open = openColumn(entity)
  const plain = open && (typeof value !== 'object' || Array.isArray(value)) ? { [open.name]: value } : value
  const [row] = rowsOf(entity, [plain], () => `${path}.value`, key ?? undefined)
  return row
}
