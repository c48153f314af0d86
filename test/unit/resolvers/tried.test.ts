import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import type { SqlEngine } from '../../../connectors/ports/sql-engine.ts'
import { Filled } from '../../../resolvers/filled.ts'
import { partialRows } from '../../../resolvers/rows.ts'
import { HubError, type Code } from '../../../schema/errors.ts'
import type { EntityModel } from '../../../schema/model.ts'
import { testScope } from '../../support/scope.ts'

const fields = [{ name: 'id', field: 'id', type: 'String', nullable: false }] as const
const entity: EntityModel = {
  kind: 'region', name: 'orders', type: 'Order', key: ['id'], fields, listField: 'orders', lookupField: 'order', writable: false, complete: false, tenancy: 'SHARED', load: { source: 'shop', table: 'orders' },
}

/** What a reader of one key hears when the source fails so. */
async function failureOf(code: Code): Promise<unknown> {
  const scope = testScope()
  const store = await openMemoryRegions({ clock: scope.clock, log: scope.log })
  const region = await store.define({ name: 'orders', columns: fields, key: ['id'], indexes: [], atomicity: 'ATOMIC', expiry: {}, maxEntries: 100, durable: false, tenancy: 'SHARED' })
  const load = () => Promise.reject(new HubError(code, 'The shop is away.', { source: 'shop' }))
  const rows = partialRows({ entities: [entity], links: [], foreign: [] }, entity, { name: 'orders', region, flights: new Map(), filled: new Filled(), loader: 'postgresql', load }, undefined as unknown as SqlEngine)
  const failure = await rows.byKeys({ scope, at: '', perFetch: new Map() }, 'order', ['7']).catch((error: unknown) => error)
  await scope.settled().catch(() => undefined)
  await store.close()
  return failure
}

test('H-01 a read that neither the region nor its source can answer is UPSTREAM_UNAVAILABLE with who was asked, never an empty answer', async () => {
  expect(await failureOf('UPSTREAM_UNAVAILABLE')).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: 'The shop is away.', details: { source: 'shop', tried: ['memory', 'postgresql'] } })
})

test('what a source refuses stays what it is', async () => {
  expect(await failureOf('UPSTREAM_REJECTED')).toMatchObject({ code: 'UPSTREAM_REJECTED', details: { source: 'shop' } })
})
