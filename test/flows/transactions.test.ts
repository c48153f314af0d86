import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'

const catalog = `
sources:
  shop: { type: files, root: ./shop }
regions:
  accounts: { type: Account, key: id, fields: { id: ID!, owner: String, balance: Decimal, visits: Long, points: Int, ratio: Float } }
  ledger: { type: LedgerLine, key: [account, number], fields: { account: String!, number: Int!, amount: Decimal } }
  counters: { type: Counter, key: id, fields: { id: ID!, count: Int }, atomicity: ATOMIC }
  products: { type: Product, key: id, load: { source: shop, table: products } }
`
const mutation = `mutation ($input: TransactionInput!, $key: String) {
  executeTransaction(input: $input, idempotencyKey: $key) { id state effectiveIsolation attempts durationMs results { region op key found value row } }
}`

interface Executed {
  readonly executeTransaction: { readonly id: string; readonly state: string; readonly effectiveIsolation: string; readonly attempts: number; readonly durationMs: number; readonly results: readonly { readonly found: boolean | null; readonly value: Readonly<Record<string, unknown>> | null }[] }
}

describe('transactions', () => {
  const folder = catalogFolder({ 'hub.yaml': catalog, 'shop/products.csv': 'id,name\n1,tea\n' })
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })
  beforeEach(async () => {
    await hub.query('mutation { clearCacheRegion(name: "accounts") other: clearCacheRegion(name: "ledger") }')
    await hub.query('mutation { putAccounts(input: [{ id: "a", balance: "1000.00", owner: "ada", points: 1, visits: 9007199254740993, ratio: 0.1 }, { id: "b", balance: "0.1" }]) { id } }')
  })

  async function run(operations: readonly unknown[], rest: Readonly<Record<string, unknown>> = {}) {
    const { data, errors } = await hub.query<Executed>(mutation, { input: { operations, ...rest } })
    return { done: data?.executeTransaction, error: errors?.[0] && { message: errors[0].message, ...(errors[0].extensions as { readonly code: string; readonly operation?: number; readonly retryable?: boolean; readonly problems?: readonly { readonly path: string }[] }) } }
  }
  const balances = async () => (await hub.query<{ accounts: { nodes: readonly { readonly id: string; readonly balance: string | null }[] } }>('{ accounts { nodes { id balance } } }')).data?.accounts.nodes.map(({ id, balance }) => [id, balance])
  const update = (key: string, increments: unknown) => ({ region: 'accounts', op: 'UPDATE', key, increments })

  test('H-30 H-31 a transfer over two entries is committed, exactly, and says how it ran', async () => {
    const { done } = await run([update('a', { balance: -100.0 }), update('b', { balance: '100.00' })])
    expect(done).toMatchObject({ state: 'COMMITTED', effectiveIsolation: 'SERIALIZABLE', attempts: 1, results: [{ found: true, value: { id: 'a', balance: '900.00' } }, { found: true, value: { balance: '100.10' } }] })
    expect(done?.id).toMatch(/\S/)
    expect(await balances()).toEqual([['a', '900.00'], ['b', '100.10']])
  })

  test('H-31 the sum is unchanged under a thousand concurrent transfers', async () => {
    const transfers = Array.from({ length: 1000 }, (_, index) => run([update(index % 2 ? 'a' : 'b', { balance: '-1.5' }), update(index % 2 ? 'b' : 'a', { balance: '1.5' })], { retry: { maxAttempts: 100 }, timeoutMs: 30_000 }))
    const failures = (await Promise.all(transfers)).filter(({ error }) => error)
    expect(failures).toEqual([])
    expect(await balances()).toEqual([['a', '1000.00'], ['b', '0.1']])
  }, 120_000)

  test('H-32 get, insert, put, update and delete see what those before them did, in one region and over several', async () => {
    const { done } = await run([
      { region: 'accounts', op: 'GET', key: 'a' },
      { region: 'accounts', op: 'GET', key: 'nobody' },
      { region: 'accounts', op: 'INSERT', key: 'c', value: { balance: '5', owner: 'cy' } },
      { region: 'accounts', op: 'UPDATE', key: 'c', increments: { balance: 1 }, set: { owner: 'cyd' } },
      { region: 'accounts', op: 'PUT', value: { id: 'd', balance: '1' } },
      { region: 'ledger', op: 'INSERT', value: { account: 'c', number: 1, amount: '6' } },
      { region: 'accounts', op: 'DELETE', key: 'b' },
      { region: 'accounts', op: 'DELETE', key: 'b' },
    ])
    expect(done?.results.map(({ found, value }) => [found, value?.['balance'] ?? value?.['amount'] ?? null])).toEqual([[true, '1000.00'], [false, null], [false, '5'], [true, '6'], [null, '1'], [false, '6'], [true, null], [false, null]])
    expect(await balances()).toEqual([['a', '1000.00'], ['c', '6'], ['d', '1']])
    expect((await hub.query('{ ledgerLine(account: "c", number: 1) { amount } }')).data).toEqual({ ledgerLine: { amount: '6' } })
  })

  test('H-30 H-32 what fails rolls all of it back and names the operation', async () => {
    const first = update('a', { balance: -1 })
    const fails = async (operation: unknown, code: string, message: RegExp | string) => {
      const { error } = await run([first, operation])
      expect(error).toMatchObject({ code, operation: 1 })
      expect(error?.message).toMatch(message)
    }
    await fails(update('nobody', { balance: 1 }), 'KEY_NOT_FOUND', /^operations\[1\]: Region "accounts" has no entry "nobody"/)
    await fails({ region: 'accounts', op: 'INSERT', key: 'b', value: {} }, 'CONFLICT', 'has an entry "b" already')
    await fails({ ...update('b', { balance: 1 }), expect: { balance: '0.2' } }, 'PRECONDITION_FAILED', 'not as expected in "balance"')
    await fails({ region: 'accounts', op: 'DELETE', key: 'nobody', expect: {} }, 'PRECONDITION_FAILED', 'one is expected')
    await fails(update('b', { owner: 1 }), 'VALIDATION_ERROR', '"owner" is String')
    await fails({ region: 'acounts', op: 'GET', key: 'a' }, 'NOT_FOUND', 'Did you mean "accounts"')
    await fails({ region: 'counters', op: 'PUT', value: { id: 'a', count: 1 } }, 'REGION_NOT_TRANSACTIONAL', 'Region "counters" is ATOMIC')
    await fails({ region: 'products', op: 'DELETE', key: '1' }, 'FORBIDDEN', 'clients do not write it')
    await fails(update('b', { points: 1 }), 'VALIDATION_ERROR', 'there is no number yet')
    expect(await balances()).toEqual([['a', '1000.00'], ['b', '0.1']])
    expect((await run([{ ...first, expect: { balance: '1000', owner: 'ada' } }])).done).toMatchObject({ state: 'COMMITTED' })
  })

  test('H-32 every mistake of form is told at once, with its place', async () => {
    const { error } = await run([{ region: 'accounts', op: 'UPDATE' }, { region: 'accounts', op: 'GET', key: 'a', set: { owner: 'x' } }, { region: 'accounts', op: 'UPDATE', key: 'a', set: { ownr: 'x', id: 'z' }, increments: { balance: 'much' } }])
    expect(error?.code).toBe('VALIDATION_ERROR')
    expect(error?.problems?.map(({ path }) => path)).toEqual(['operations[0]', 'operations[0].key', 'operations[1].set', 'operations[2].increments.balance', 'operations[2].set.ownr', 'operations[2].set.id'])
  })

  test('H-30 H-33 no operations, no time, or too much of it is refused', async () => {
    for (const [operations, rest] of [[[], {}], [[update('a', { balance: 1 })], { timeoutMs: 0 }], [[update('a', { balance: 1 })], { timeoutMs: 60_001 }], [[update('a', { balance: 1 })], { retry: { maxAttempts: 0 } }]] as const) {
      expect((await run(operations, rest)).error).toMatchObject({ code: 'VALIDATION_ERROR' })
    }
  })

  test('H-35 numbers are added exactly, in each type as far as it goes', async () => {
    const sumOf = async (key: string, increments: unknown) => (await run([update(key, increments)])).done?.results[0]?.value
    expect((await sumOf('b', { balance: 0.2 }))?.['balance']).toBe('0.3')
    expect((await sumOf('a', { ratio: 0.2 }))?.['ratio']).toBe(0.3)
    expect((await sumOf('a', { visits: 1 }))?.['visits']).toBe('9007199254740994')
    expect((await sumOf('a', { points: -3 }))?.['points']).toBe(-2)
    expect((await sumOf('b', { balance: '-0.3000' }))?.['balance']).toBe('0.0000')
    const refused = async (increments: unknown) => expect((await run([update('a', increments)])).error).toMatchObject({ code: 'VALIDATION_ERROR', operation: 0 })
    await refused({ balance: '1'.repeat(39) })
    await refused({ balance: 1e38 })
    await refused({ balance: `9${'9'.repeat(37)}` })
    await refused({ balance: 0.1 + 0.2 })
    await refused({ points: 2_147_483_650 })
    await refused({ points: 0.5 })
    await refused({ visits: '9223372036854775807' })
  })

  test('asked again under one key it is done once', async () => {
    const ask = () => hub.query<Executed>(mutation, { input: { operations: [update('a', { balance: 1 })] }, key: 'once' })
    expect(await ask()).toEqual(await ask())
    expect(await balances()).toEqual([['a', '1001.00'], ['b', '0.1']])
  })

  test('H-18 regions count the transactions they took part in', async () => {
    const stats = async () => (await hub.query<{ cacheRegion: { stats: { txCommits: number; txRollbacks: number } } }>('{ cacheRegion(name: "accounts") { stats { txCommits txRollbacks } } }')).data?.cacheRegion.stats ?? { txCommits: -1, txRollbacks: -1 }
    const before = await stats()
    await run([update('a', { balance: 1 })])
    await run([update('nobody', { balance: 1 })])
    expect(await stats()).toEqual({ txCommits: before.txCommits + 1, txRollbacks: before.txRollbacks + 1 })
  })

  test('H-27 a subscriber is told of the whole transaction, entry by entry, as it was committed', async () => {
    const events = hub.subscribe<{ accountChanged: { type: string; after: { balance: string } | null } }>('subscription { accountChanged(initial: false) { type after { balance } } }')
    const first = events.next()
    // What is subscribed is told from here on: written until the first is there.
    let told = false
    void first.then(() => { told = true })
    while (!told) {
      await run([update('a', { balance: 0 }), update('b', { balance: 0 })])
      await new Promise(resolve => setImmediate(resolve))
    }
    expect((await first).value?.data?.accountChanged).toEqual({ type: 'UPDATED', after: { balance: '1000.00' } })
    expect((await events.next()).value?.data?.accountChanged).toEqual({ type: 'UPDATED', after: { balance: '0.1' } })
    await events.return()
  })

  describe('over REST', () => {
    async function call(body: unknown, headers: Readonly<Record<string, string>> = {}) {
      const response = await fetch(`${hub.url}/api/v1/dih/transactions`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) })
      return { status: response.status, retryAfter: response.headers.get('retry-after'), body: (await response.json()) as Readonly<Record<string, unknown>> }
    }

    test('H-30 the documented body works on a region created with a name only', async () => {
      await hub.query('mutation { createCacheRegion(input: { name: "account_balances" }) { changed } }')
      await hub.query('mutation { a: cachePut(region: "account_balances", key: "account_123", value: { balance: 500.25 }) { key } b: cachePut(region: "account_balances", key: "account_456", value: { balance: 0.1 }) { key } }')
      const sample = `{"operations": [{"region": "account_balances", "operation": "update", "data": {"key": "account_123", "updates": {"balance": -100.00}}},
        {"region": "account_balances", "operation": "update", "data": {"key": "account_456", "updates": {"balance": 100.00}}}], "isolation": "SERIALIZABLE", "timeout": 5000}`
      const answer = await call(sample)
      expect(answer).toMatchObject({ status: 200, body: { status: 'COMMITTED', transaction_id: expect.any(String), duration_ms: expect.any(Number), effective_isolation: 'SERIALIZABLE' } })
      const outcome = await fetch(`${hub.url}/api/v1/dih/transactions/${answer.body['transaction_id']}`)
      expect([outcome.status, await outcome.json()]).toMatchObject([200, { state: 'COMMITTED', participants: [{ region: 'account_balances', vote: 'COMMIT' }] }])
      expect((await fetch(`${hub.url}/api/v1/dih/transactions/never`)).status).toBe(404)
      expect(answer.body['results']).toMatchObject([{ key: 'account_123', operation: 'update', value: { value: { balance: 400.25 } } }, { key: 'account_456', value: { value: { balance: 100.1 } } }])
      expect(await call({ operations: [{ region: 'account_balances', operation: 'UPDATE', data: { key: 'account_456', updates: { balance: 0.2, note: 'paid' } } }] })).toMatchObject({ status: 200, body: { results: [{ value: { value: { balance: 100.3, note: 'paid' } } }] } })
      expect(await call({ operations: [{ region: 'account_balances', operation: 'update', data: { key: 'account_456', updates: { note: 1 } } }] })).toMatchObject({ status: 422 })
    })

    test('H-35 numbers of many digits are taken as they are written', async () => {
      const body = '{"operations":[{"region":"accounts","operation":"update","data":{"key":"a","updates":{"balance":12345678901234567890.123456789}}}]}'
      expect(await call(body)).toMatchObject({ status: 200, body: { results: [{ value: { balance: '12345678901234568890.123456789' } }] } })
      expect(await call(body.replace('12345678901234567890.123456789', '1'.repeat(39)))).toMatchObject({ status: 422, body: { errors: [{ loc: ['body', 'operations', 0, 'data', 'updates', 'balance'] }] } })
      expect(await call(body.replace('12345678901234567890.123456789', '1e60'))).toMatchObject({ status: 422 })
      expect(await call(body.replace('12345678901234567890.123456789', '"-0.123456789"'))).toMatchObject({ status: 200, body: { results: [{ value: { balance: '12345678901234568890.000000000' } }] } })
    })

    test('H-30 H-32 H-33 what is wrong has its status, and the index of the operation', async () => {
      const one = (operation: string, data: unknown, region = 'accounts') => ({ operations: [{ region, operation, data }] })
      expect(await call(one('update', { key: 'nobody', updates: { balance: 1 } }))).toMatchObject({ status: 404, body: { code: 'KEY_NOT_FOUND', operation: 0 } })
      expect(await call(one('insert', { key: 'a', value: { balance: '1' } }))).toMatchObject({ status: 409, body: { code: 'CONFLICT' } })
      expect(await call(one('upsert', { key: 'a', value: { balance: '1' } }))).toMatchObject({ status: 200, body: { results: [{ operation: 'put' }] } })
      expect(await call(one('update', { key: 'a', set: { balance: '7' }, expect: { balance: 2 } }))).toMatchObject({ status: 409, body: { code: 'PRECONDITION_FAILED' } })
      expect(await call(one('update', { key: 'a', set: { balance: '7' }, expect: { balance: 1 } }))).toMatchObject({ status: 200, body: { results: [{ value: { balance: '7' } }] } })
      expect(await call(one('move', { key: 'a' }))).toMatchObject({ status: 400 })
      expect(await call(one('get', { key: 'a' }, 'nowhere'))).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
      expect(await call({ operations: [] })).toMatchObject({ status: 422 })
      expect(await call({ ...one('get', { key: 'a' }), timeout: 0 })).toMatchObject({ status: 422, body: { errors: [{ loc: ['body', 'timeout'] }] } })
      expect(await call({ ...one('get', { key: 'a' }), isolation: 'CHAOS' })).toMatchObject({ status: 400 })
      expect(await call({ ...one('get', { key: 'a' }), isolation: 'read_committed' })).toMatchObject({ status: 200, body: { effective_isolation: 'SERIALIZABLE' } })
      expect(await call({ ...one('get', { key: 'a' }), timout: 1 })).toMatchObject({ status: 422 })
    })

    test('H-34 a conflict says when to come back, and is run again when that is asked for', async () => {
      const body = { operations: [{ region: 'accounts', operation: 'update', data: { key: 'a', updates: { balance: '1' } } }] }
      const hot = async (retry: object) => Promise.all(Array.from({ length: 40 }, () => call({ ...body, ...retry, timeout: 20_000 })))
      expect((await hot({ retry: { max_attempts: 100 } })).map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 200))
      for (const { status, retryAfter, body: problem } of await hot({})) {
        expect([200, 409]).toContain(status)
        if (status === 409) expect([problem['code'], retryAfter]).toEqual(['TX_CONFLICT', '1'])
      }
    })
  })
})
