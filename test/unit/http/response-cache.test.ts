import type { Footprint, RegionVersions } from '../../../connectors/ports/footprint.ts'
import { cachedOperation } from '../../../gateway/http/response-cache/operation.ts'
import { ResponseCache } from '../../../gateway/http/response-cache/response-cache.ts'
import type { Answer, Prepared } from '../../../gateway/http/operations.ts'
import { createMetrics } from '../../../gateway/telemetry/metrics.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { getOperationAST, parse } from 'graphql'
import { testScope } from '../../support/scope.ts'

/** Entries that the test numbers; of one tenant. */
class Numbers implements RegionVersions {
  readonly entries = new Map<string, number>()
  count: number | undefined = 0

  entry(_tenant: string, key: string): number {
    return this.entries.get(key) ?? 0
  }

  rows(): number | undefined {
    return this.count
  }
}

function open(text: string, limits = { maxBytes: 100_000, maxEntries: 3 }) {
  const metrics = createMetrics({ process: false })
  const cache = new ResponseCache(limits, metrics)
  const document = parse(text)
  const node = getOperationAST(document)!
  const cached = cachedOperation(document, node)!
  const still = new Numbers()
  const ask = async (read: (footprint: Footprint) => Answer | Promise<Answer>, variables: Record<string, unknown> = {}, scope: Scope = testScope()) => {
    const seen: { cache?: string } = {}
    const prepared = { document, node, text, params: { variables }, cached } as unknown as Prepared
    const answer = await cache.answer(cached, prepared, scope, { explain: false, seen: seen as never }, async (own, noted) => {
      expect(own.document).not.toBe(document)
      noted.footprint!.entry(still, '', 'always', 0)
      return read(noted.footprint!)
    })
    return [seen.cache, JSON.stringify({ data: answer.data })]
  }
  return { ask, cache, cached, metrics }
}

const never = () => Promise.reject(new Error('Nothing is to be read.'))

test('what changes between the look at the rows and their reading is a change, and so is what changes behind it', async () => {
  const { ask } = open('query @cached { a }')
  const region = new Numbers()
  expect(await ask(footprint => {
    footprint.rows(region, '')
    region.count = 1
    return { data: { a: 1 } }
  })).toEqual(['MISS', '{"data":{"a":1}}'])
  const read = (footprint: Footprint) => {
    footprint.rows(region, '')
    return { data: { a: region.count } }
  }
  expect(await ask(read)).toEqual(['MISS', '{"data":{"a":1}}'])
  expect(await ask(never)).toEqual(['HIT', '{"data":{"a":1}}'])
  region.count = 2
  expect(await ask(read)).toEqual(['MISS', '{"data":{"a":2}}'])
})

test('an answer of which one entry was read twice, and was another the second time, is not given again', async () => {
  const { ask } = open('query @cached { a }')
  const region = new Numbers()
  region.entries.set('k', 2)
  const read = (...found: number[]) => (footprint: Footprint) => {
    for (const version of found) footprint.entry(region, '', 'k', version)
    return { data: { a: found } }
  }
  await ask(read(1, 2))
  expect((await ask(read(2, 2)))[0]).toBe('MISS')
  expect((await ask(never))[0]).toBe('HIT')
})

test('rows nobody can number just then, errors and what nobody tells of are not kept, and what failed is not either', async () => {
  const { ask, cache, cached } = open('query @cached { a }')
  const region = new Numbers()
  region.count = undefined
  const reads: readonly ((footprint: Footprint) => Answer)[] = [
    footprint => {
      footprint.rows(region, '')
      return { data: { a: 1 } }
    },
    () => ({ data: { a: null }, errors: [{ message: 'It failed.', extensions: { code: 'INTERNAL', http: { status: 500 }, requestId: '' } }] }),
    footprint => {
      footprint.unknown('The weather.')
      return { data: { a: 1 } }
    },
  ]
  for (const read of reads) expect([(await ask(read))[0], (await ask(read))[0]]).toEqual(['BYPASS', 'BYPASS'])
  await expect(cache.answer(cached, { params: { variables: {} } } as unknown as Prepared, testScope(), { explain: false }, never)).rejects.toThrow('Nothing is to be read.')
  expect((await ask(() => ({ data: { a: 2 } })))[0]).toBe('MISS')
})

test('an answer nothing is known of, as one another request was given, is not kept', async () => {
  const { cache, cached } = open('query @cached { a }')
  const ask = () => cache.answer(cached, { params: { variables: {} } } as unknown as Prepared, testScope(), { explain: true }, async () => ({ data: { a: 1 } }))
  for (const _ of [1, 2]) expect(await ask()).toEqual({ data: { a: 1 }, extensions: { hub: { reads: [], plan: { steps: [] }, cache: { status: 'BYPASS', reason: 'Nothing is known of what it was made from.' } } } })
})

test('data is JSON for who takes it so, and objects for who does not, whichever it came as', async () => {
  const still = new Numbers()
  for (const made of [{ data: { a: 1 } }, { json: '{"a":1}' }]) {
    const { cache, cached } = open('query @cached { a }')
    const ask = (wanted: { readonly explain: boolean; readonly json?: boolean }) => cache.answer(cached, { params: { variables: {} } } as unknown as Prepared, testScope(), wanted, async (_, { footprint }) => {
      footprint!.entry(still, '', 'k', 0)
      return made
    })
    for (const _ of ['kept', 'given']) {
      expect(await ask({ explain: false, json: true })).toEqual({ json: '{"a":1}' })
      expect(await ask({ explain: false })).toEqual({ data: { a: 1 } })
      expect(await ask({ explain: true, json: true })).toMatchObject({ data: { a: 1 }, extensions: { hub: { cache: { status: 'HIT' } } } })
    }
  }
})

test('a variable that is null, one that is left out and one that is text have answers of their own, and those of no meaning do not', async () => {
  const { ask } = open('query ($a: String, $b: String) @cached { a }', { maxBytes: 100_000, maxEntries: 100 })
  for (const variables of [{}, { a: null }, { b: null }, { a: 'null' }, { a: '\n' }, { a: '', b: '' }, { b: '' }]) expect([variables, (await ask(() => ({ data: { variables } }), variables))[0]]).toEqual([variables, 'MISS'])
  expect(await ask(never, { a: null, c: 1 })).toEqual(['HIT', '{"data":{"variables":{"a":null}}}'])
})

test('tenants, rights and bounds on age do not meet, and subjects do', async () => {
  const { ask } = open('query @cached { a }', { maxBytes: 100_000, maxEntries: 100 })
  const scope = (tenant: string, scopes: readonly string[], subject = 'ada') => testScope({ tenant, caller: { subject, scopes: new Set(scopes) } })
  const read = () => ({ data: { a: 1 } })
  for (const one of [scope('a', ['x', 'y']), scope('b', ['x', 'y']), scope('a', ['x']), scope('a', ['x,y']), { ...scope('a', ['x']), consistency: { level: 'BOUNDED_STALENESS' as const, maxStalenessMs: 5, from: 'header' as const } }]) {
    expect((await ask(read, {}, one))[0]).toBe('MISS')
  }
  expect((await ask(never, {}, scope('a', ['y', 'x'], 'bob')))[0]).toBe('HIT')
})

test('no more answers and bytes are kept than may be, and the one unused longest goes first', async () => {
  const { ask, cache, metrics } = open('query ($n: Int) @cached { a }')
  const read = () => ({ data: { a: 'x' } })
  for (const n of [1, 2, 3]) await ask(read, { n })
  await ask(never, { n: 1 })
  await ask(read, { n: 4 })
  expect([(await ask(never, { n: 1 }))[0], (await ask(never, { n: 3 }))[0], (await ask(read, { n: 2 }))[0]]).toEqual(['HIT', 'HIT', 'MISS'])
  expect((await ask(() => ({ data: { a: 'x'.repeat(60_000) } }), { n: 5 }))[0]).toBe('BYPASS')
  const { entries, sizeBytes } = metrics.keptAnswers()
  expect([entries, sizeBytes > 500 && sizeBytes < 5_000]).toEqual([3, true])
  expect(await metrics.registry.metrics()).toContain(`response_cache_bytes ${sizeBytes}`)
  cache.clear()
  expect(metrics.keptAnswers()).toEqual({ entries: 0, sizeBytes: 0 })
})
