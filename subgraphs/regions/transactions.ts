import { HubError, type Problem } from '../../schema/errors.ts'
import type { EntityModel, Model } from '../../schema/model.ts'
import type { Row } from '../../schema/values.ts'
import type { Region, RegionStore } from '../../connectors/ports/region-store.ts'
import type { Isolation, RegionTransaction } from '../../connectors/ports/region-transaction.ts'
import type { Context } from '../../resolvers/context.ts'
import { mustHold } from '../../resolvers/guard.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { withinBatch } from './entries.ts'
import { failed, operationsOf, within, type Operation, type OperationInput } from './transaction-operations.ts'

export interface TransactionRoles {
  readonly model: Model
  readonly region: (name: string) => Region
  readonly transact: RegionStore['transact']
  readonly transaction: RegionStore['transaction']
}

interface TransactionInput {
  readonly operations: readonly OperationInput[]
  readonly isolation: Isolation
  readonly timeoutMs: number
  readonly retry?: { readonly maxAttempts: number } | null
}

const longestMs = 60_000
const mostAttempts = 100

/** `executeTransaction`: operations over entries of several regions, all or none; `transaction`: what became of it. */
export function transactionFields(roles: TransactionRoles): Subgraph['fields'] {
  return {
    Query: {
      transaction: async (_: unknown, { id }: { id: string }, { scope }: Context) => {
        mustHold(scope, 'cache:read')
        return (await roles.transaction(scope, id)) ?? null
      },
    },
    Mutation: {
      executeTransaction: async (_: unknown, { input }: { input: TransactionInput }, { scope }: Context) => {
        mustHold(scope, 'cache:read')
        if (input.operations.some(({ op }) => op !== 'GET')) mustHold(scope, 'cache:write')
        const began = performance.now()
        checkLimits(input)
        const operations = operationsOf(roles.model, input.operations)
        const { isolation, timeoutMs, retry } = input
        const options = { isolation, timeoutMs, label: scope.requestId, ...(retry && { maxAttempts: retry.maxAttempts }) }
        try {
          const { id, result, effectiveIsolation, attempts } = await roles.transact(scope, options, tx => run(roles, tx, operations))
          for (const { entity, op } of operations) if (op !== 'GET') scope.session?.wrote(entity.name)
          return { id, state: 'COMMITTED', results: result, effectiveIsolation, attempts, durationMs: Math.round(performance.now() - began) }
        } catch (error) {
          throw error instanceof HubError ? ofOperation(roles, operations, error) : error
        }
      },
    },
  }
}

function checkLimits({ operations, timeoutMs, retry }: TransactionInput): void {
  withinBatch('executeTransaction', operations.length)
  const problems: Problem[] = []
  if (operations.length === 0) problems.push({ path: 'operations', message: 'operations is empty; a transaction has at least one.' })
  if (timeoutMs < 1 || timeoutMs > longestMs) problems.push({ path: 'timeoutMs', message: `timeoutMs is ${timeoutMs}; it takes 1 to ${longestMs}.` })
  if (retry && (retry.maxAttempts < 1 || retry.maxAttempts > mostAttempts)) problems.push({ path: 'retry.maxAttempts', message: `retry.maxAttempts is ${retry.maxAttempts}; it takes 1 to ${mostAttempts}.` })
  if (problems.length > 0) throw new HubError('VALIDATION_ERROR', problems.map(problem => problem.message).join(' '), { problems })
}

/** Reads every entry some operation looks at, one read a region; takes the steps in order; writes what they led to, again by region. Regions and keys in order of their names, so that engines that lock do so in one order. */
export async function run(roles: Pick<TransactionRoles, 'region'>, tx: RegionTransaction, operations: readonly Operation[]) {
  const rows = new Map<string, Map<string, Row | undefined>>()
  const names = [...new Set(operations.map(({ entity }) => entity.name))].sort()
  const stored = (name: string) => roles.region(name).definition.name
  const keysOf = (name: string, chosen: (operation: Operation) => boolean) => [...new Set(operations.filter(one => one.entity.name === name && chosen(one)).map(({ key }) => key))].sort()
  for (const name of names) {
    const keys = keysOf(name, ({ looks }) => looks)
    const entries = await inRegion(operations, name, tx.getMany(stored(name), keys))
    rows.set(name, new Map(keys.map((key, index) => [key, entries[index]?.row])))
  }
  const results = operations.map((operation, index) => within(index, () => {
    const { entity, op, key, looks, apply } = operation
    const known = rows.get(entity.name)
    const before = known?.get(key)
    const after = apply(before)
    const found = looks || known?.has(key) ? before !== undefined : null
    known?.set(key, after)
    return { region: entity.name, op, key, found, ...described(entity, after) }
  }))
  for (const name of names) {
    const left = keysOf(name, ({ op }) => op !== 'GET').map(key => ({ key, row: rows.get(name)?.get(key) }))
    const written = left.flatMap(({ row }) => (row ? [row] : []))
    const removed = left.filter(({ row }) => !row).map(({ key }) => key)
    if (written.length > 0) await inRegion(operations, name, tx.putMany(stored(name), written))
    if (removed.length > 0) await inRegion(operations, name, tx.removeMany(stored(name), removed))
  }
  return results
}

function described({ fields }: EntityModel, row: Row | undefined) {
  if (!row) return { value: null, row: null }
  return { value: Object.fromEntries(fields.map(({ name, field }) => [field, row[name] ?? null])), row: Object.fromEntries(fields.map(({ name }) => [name, row[name] ?? null])) }
}

/** What a region refuses is the refusal of the first operation on it. */
async function inRegion<T>(operations: readonly Operation[], name: string, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw error instanceof HubError && error.code !== 'TX_CONFLICT' ? failed(operations.findIndex(({ entity }) => entity.name === name), error) : error
  }
}

/** The failure of a commit, with the operation that last wrote the entry it is about. */
function ofOperation(roles: TransactionRoles, operations: readonly Operation[], error: HubError): HubError {
  const { region, key, keys, operation } = error.details as { readonly region?: string; readonly key?: string; readonly keys?: readonly string[]; readonly operation?: number }
  const about = key ?? keys?.[0]
  if (operation !== undefined || region === undefined || about === undefined) return error
  const index = operations.findLastIndex(one => roles.region(one.entity.name).definition.name === region && one.key === about)
  return index < 0 ? error : failed(index, error)
}
