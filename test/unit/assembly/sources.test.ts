import { openSources } from '../../../gateway/assembly/sources.ts'
import { HubError, type Code } from '../../../schema/errors.ts'
import type { SourceConnector, SourceTable } from '../../../connectors/ports/source-connector.ts'
import { testScope } from '../../support/scope.ts'

const declared = { type: 'sqlite', name: 'shop', file: '/shop.sqlite' } as const
const table: SourceTable = { name: 'orders', columns: [], key: [], foreignKeys: [], quarantine: { count: 0, samples: [] } }

/** A connector whose look into the source can be made to fail. */
function connector(): SourceConnector & { failing: Code | undefined } {
  return {
    name: 'shop', type: 'sqlite', failing: undefined,
    async tables() {
      if (this.failing) throw new HubError(this.failing, 'The shop is closed.')
      return [table]
    },
    async *scan() {},
    lookup: async () => [],
    close: async () => {},
  }
}

test('M-01 a known source that does not answer counts as it was, and the log says so', async () => {
  const scope = testScope()
  const shop = connector()
  const { sources } = await openSources(scope, [declared], [], async () => shop)
  shop.failing = 'UPSTREAM_UNAVAILABLE'
  const again = await openSources(scope, [declared], sources, async () => connector())
  expect(again).toEqual({ sources: [{ source: declared, connector: shop, tables: [table] }], findings: [] })
  expect(scope.entries).toEqual([expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ source: 'shop', reason: 'The shop is closed.' }) })])
})

test('a source that is new, or wrong rather than away, is a finding', async () => {
  const shop = connector()
  const { sources } = await openSources(testScope(), [declared], [], async () => shop)
  shop.failing = 'UPSTREAM_REJECTED'
  expect((await openSources(testScope(), [declared], sources, async () => shop)).findings).toEqual([{ path: ['sources', 'shop'], message: 'The shop is closed.' }])
  shop.failing = 'UPSTREAM_UNAVAILABLE'
  expect((await openSources(testScope(), [declared], [], async () => shop)).findings).toHaveLength(1)
})
