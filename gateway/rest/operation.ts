import { parse } from 'graphql'
import type { Read } from '../../resolvers/context.ts'
import type { Hub } from '../hub.ts'
import type { RouteRequest } from '../http/routes.ts'
import { untilAborted } from '../http/scope.ts'

export type Variables = Readonly<Record<string, unknown>>

/** An operation of the graph that routes are made of: what it answers is its data, and the first error is thrown. A mutation may take `$idempotencyKey`, from the header of that name. `explain` is told what was read. */
export function operation<Data>(text: string): (hub: Hub, request: Pick<RouteRequest, 'scope' | 'headers'>, variables: Variables, explain?: (read: Read) => void) => Promise<Data> {
  const document = parse(text)
  const isKeyed = text.includes('$idempotencyKey')
  return async ({ supergraph }, { scope, headers }, given, explain) => {
    // To GraphQL a variable that is there without a value is null, and hides the default of its argument.
    const said = Object.entries(given).filter(([, value]) => value !== undefined)
    const variables = Object.fromEntries(isKeyed && headers['idempotency-key'] !== undefined ? [...said, ['idempotencyKey', headers['idempotency-key']]] : said)
    const { data, errors: [first] = [] } = await untilAborted(supergraph.execute({ document, text, variables, scope, explain }), scope.signal)
    if (first) throw first
    return data as Data
  }
}
