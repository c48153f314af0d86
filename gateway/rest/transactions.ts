import { z } from 'zod'
import { HubError, type Problem } from '../../schema/errors.ts'
import { closed } from '../../schema/findings.ts'
import { decimalText, sameDecimal } from '../../schema/decimal.ts'
import type { Hub } from '../hub.ts'
import type { Route, RouteRequest } from '../http/routes.ts'
import { word } from './forms.ts'
import { operation } from './operation.ts'
import { problem } from './problem.ts'
import { route } from './route.ts'

interface Executed {
  readonly id: string
  readonly state: string
  readonly effectiveIsolation: string
  readonly attempts: number
  readonly durationMs: number
  readonly results: readonly { readonly region: string; readonly op: string; readonly key: string; readonly found: boolean | null; readonly row: Values | null }[]
}

type Values = Readonly<Record<string, unknown>>

const execute = operation<{ executeTransaction: Executed }>(
  'mutation RestTransaction($input: TransactionInput!, $idempotencyKey: String) { executeTransaction(input: $input, idempotencyKey: $idempotencyKey) { id state effectiveIsolation attempts durationMs results { region op key found row } } }',
)

const find = operation<{ transaction: { readonly id: string; readonly state: string; readonly participants: readonly unknown[] } | null }>('query RestTransactionState($id: ID!) { transaction(id: $id) { id state participants { region node vote } } }')

const values = z.record(z.string(), z.unknown())
const body = closed({
  operations: z.array(closed({
    region: z.string(),
    operation: word(['get', 'insert', 'put', 'upsert', 'update', 'delete']),
    data: closed({
      key: z.string().optional(),
      updates: values.optional().describe('For update: numbers, and texts that are numbers, are added to what is stored; anything else replaces it.'),
      set: values.optional().describe('For update: what takes these values, numbers too.'),
      value: z.unknown().optional().describe('For insert and put: the whole entry.'),
      expect: values.optional().describe('Goes on only if the entry has these values.'),
    }),
  })),
  isolation: word(['READ_UNCOMMITTED', 'READ_COMMITTED', 'REPEATABLE_READ', 'SERIALIZABLE']).optional().describe('Default SERIALIZABLE.'),
  timeout: z.int().optional().describe('Milliseconds, 1 to 60000. Default 5000.'),
  retry: closed({ max_attempts: z.int() }).optional(),
})
type Body = z.output<typeof body>

/** Transactions over entries of several regions. */
export function transactionRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'POST', path: '/api/v1/dih/transactions', summary: 'Runs operations on entries of several regions, all or none.', body, failure,
      answers: { 200: 'It is committed, and durable.', 409: 'Others were first, or a guard was not met; `Retry-After` where it may be run again.', 504: 'Its time ran out; `waitedOn` says what it waited for.' },
      answer: async (request, given) => {
        const { executeTransaction: done } = await execute(hub, request, { input: inputOf(given.body, await exactly(request)) })
        const results = done.results.map(({ op, row, ...same }) => ({ ...same, operation: op.toLowerCase(), value: row }))
        return { status: 200, body: { transaction_id: done.id, status: done.state, results, effective_isolation: done.effectiveIsolation, attempts: done.attempts, duration_ms: done.durationMs } }
      },
    }),
    route({
      method: 'GET', path: '/api/v1/dih/transactions/{id}', summary: 'What became of a transaction since the hub started.', answers: { 200: 'Its state, and the vote of each region.' },
      answer: async request => {
        const { id = '' } = request.params
        const { transaction } = await find(hub, request, { id })
        if (!transaction) throw new HubError('NOT_FOUND', `There was no transaction "${id.slice(0, 100)}" since the hub started, or it is long ago.`, { transaction: id.slice(0, 100) })
        return { status: 200, body: { transaction_id: transaction.id, state: transaction.state, participants: transaction.participants } }
      },
    }),
  ]
}

const plainFailure = problem({ timeoutMs: 'timeout', maxAttempts: 'max_attempts' })

/** Places of mistakes as they are in this body, and when to come back after a conflict. */
function failure(error: Parameters<typeof plainFailure>[0]): ReturnType<typeof plainFailure> {
  const { problems } = error.extensions as { readonly problems?: readonly Problem[] }
  const placed = problems?.map(one => ({ ...one, path: one.path.replace(/^(operations\[\d+\])\.(increments|set|value|expect|key)\b/, (_, at: string, member: string) => `${at}.data.${member === 'increments' ? 'updates' : member}`) }))
  const answer = plainFailure(placed ? { ...error, extensions: { ...error.extensions, problems: placed } } : error)
  return error.extensions.code === 'TX_CONFLICT' ? { ...answer, headers: { ...answer.headers, 'retry-after': '1' } } : answer
}

/** The graph's input. `exact` is the body with each number as a text that JSON's numbers cannot hold exactly. */
function inputOf({ operations, isolation, timeout, retry }: Body, exact: Pick<Body, 'operations'>) {
  return {
    operations: operations.map(({ region, operation: op, data }, index) => {
      const { key, updates, set, value, expect } = exact.operations[index]?.data ?? data
      const isAdded = (name: string) => isNumber(data.updates?.[name])
      const [added, replaced] = [entriesOf(updates, isAdded), entriesOf(updates, name => !isAdded(name))]
      const sets = replaced || set ? { ...replaced, ...set } : undefined
      return { region, op: op === 'upsert' ? 'PUT' : op.toUpperCase(), key, increments: added, set: sets, value, expect }
    }),
    ...(isolation !== undefined && { isolation }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(retry && { retry: { maxAttempts: retry.max_attempts } }),
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value))
}

function entriesOf(given: Values | undefined, chosen: (name: string) => boolean): Values | undefined {
  const found = Object.entries(given ?? {}).filter(([name]) => chosen(name))
  return found.length > 0 ? Object.fromEntries(found) : undefined
}

/** The body once more, with numbers that a binary one would round as the texts they are written as. */
async function exactly(request: RouteRequest): Promise<Body> {
  const keep = (_: string, value: unknown, { source }: { readonly source?: string }) => (typeof value === 'number' && source !== undefined && rounds(value, source) ? source : value)
  const parse = JSON.parse as (text: string, reviver: typeof keep) => Body
  return parse((await request.bytes()).toString('utf8'), keep)
}

function rounds(value: number, source: string): boolean {
  const held = decimalText(value)
  const written = decimalText(source)
  return written !== undefined && (held === undefined || !sameDecimal(held, written))
}
