import { isDeepStrictEqual } from 'node:util'
import type { RunningHub } from '../../support/hub.ts'
import { Feed } from './feed.ts'
import { accountsOf, cities, headersOf, other, secretOf, tenants, type Account, type Tenant } from './world.ts'

export interface Step {
  readonly tenant: Tenant
  readonly action: number
  readonly a: number
  readonly b: number
}

export interface Note {
  readonly id: string
  readonly city: string | null
  readonly account: string | null
  readonly body: string
  readonly weight: number
}

const ids = ['n0', 'n1', 'n2', 'n3', 'n4', 'n5']
const fields = 'id city account body weight'

type Rows = readonly Readonly<Record<string, unknown>>[]
type Action = (attack: Attack, tenant: Tenant, a: number, b: number) => Promise<void>

const pick = <T>(list: readonly T[], at: number): T => list[at % list.length] as T

function note(tenant: Tenant, id: string, a: number, b: number): Note {
  return { id, city: pick(['BER', 'OSL', 'ROM', 'XXX', null], a), account: pick(['a1', 'a2', 'a3', 'a9', null], b), body: `${secretOf[tenant]} ${pick(['red', 'green', 'blue'], a + b)}`, weight: a % 20 }
}

/** The two tenants, what each must see by two plain maps, and every door either may try. */
export class Attack {
  readonly hub: RunningHub
  readonly notes: Readonly<Record<Tenant, Map<string, Note>>> = { acme: new Map(), globex: new Map() }
  readonly feeds: Readonly<Record<Tenant, Feed>>
  readonly #done = new Set<string>()
  #sentinels = 0

  private constructor(hub: RunningHub) {
    this.hub = hub
    this.feeds = { acme: new Feed(hub, 'acme'), globex: new Feed(hub, 'globex') }
  }

  static async begin(hub: RunningHub): Promise<Attack> {
    const attack = new Attack(hub)
    await attack.settled()
    return attack
  }

  /** One operation; nothing of the other tenant may be in the answer, nor in the cursors it carries. */
  async ask<Data = Readonly<Record<string, never>>>(tenant: Tenant, document: string, variables: Readonly<Record<string, unknown>> = {}, headers: Readonly<Record<string, string>> = {}) {
    const answer = await this.hub.query<Data>(document, variables, { ...headersOf(tenant), ...headers })
    mustNotTell(tenant, JSON.stringify(answer))
    return answer
  }

  async expect(tenant: Tenant, document: string, variables: Readonly<Record<string, unknown>>, data: unknown): Promise<void> {
    const answer = await this.ask(tenant, document, variables)
    if (!isDeepStrictEqual(plain(answer), plain({ data }))) expect({ tenant, document, variables, notes: Object.fromEntries(this.notes[tenant]), answer }).toEqual({ answer: { data } })
  }

  async run({ tenant, action, a, b }: Step): Promise<void> {
    const [name, act] = pick(actions, action)
    this.#done.add(name)
    await act(this, tenant, a, b)
  }

  /** Doors nobody tried. */
  missing(): readonly string[] {
    return actions.map(([name]) => name).filter(name => !this.#done.has(name))
  }

  async clear(): Promise<void> {
    for (const tenant of tenants) {
      await this.expect(tenant, 'mutation { clearCacheRegion(name: "notes") }', {}, { clearCacheRegion: this.notes[tenant].size })
      this.notes[tenant].clear()
    }
  }

  /** Waits until both tenants' subscriptions told everything, and compares what they make of it. */
  async settled(): Promise<void> {
    this.#sentinels += 1
    for (const tenant of tenants) await this.put(tenant, { id: `s${this.#sentinels}`, city: null, account: null, body: secretOf[tenant], weight: 0 })
    for (const tenant of tenants) expect(await this.feeds[tenant].until(`s${this.#sentinels}`)).toEqual({ typed: Object.fromEntries(this.notes[tenant]), generic: Object.fromEntries(this.notes[tenant]), accounts: Object.fromEntries(accountsOf[tenant].map(one => [one.id, one.owner])), spied: 0 })
  }

  async end(): Promise<void> {
    for (const tenant of tenants) await this.feeds[tenant].end()
  }

  async put(tenant: Tenant, input: Note): Promise<void> {
    await this.expect(tenant, `mutation ($input: NoteInput!) { putNote(input: $input) { ${fields} } }`, { input }, { putNote: input })
    this.notes[tenant].set(input.id, input)
  }

  own(tenant: Tenant, keep: (one: Note) => boolean = () => true): Note[] {
    return [...this.notes[tenant].values()].filter(keep).toSorted((one, two) => (one.id < two.id ? -1 : 1))
  }
}

/** Fails where a text, or a cursor in it, has the other tenant's secret. */
export function mustNotTell(tenant: Tenant, text: string): void {
  const secret = secretOf[other(tenant)]
  const cursors = [...text.matchAll(/"([A-Za-z0-9_-]{20,})"/g)].map(([, cursor = '']) => Buffer.from(cursor, 'base64url').toString('latin1'))
  for (const one of [text, ...cursors]) if (one.includes(secret)) throw new Error(`${tenant} was told "${secret}": ${one.slice(0, 400)}`)
}

const account = (tenant: Tenant, id: string | null): Account | undefined => accountsOf[tenant].find(one => one.id === id)
const noteFilters: readonly (readonly [where: unknown, keep: (one: Note, tenant: Tenant) => boolean])[] = [
  [{}, () => true],
  [{ weight: { gte: 7 } }, one => one.weight >= 7],
  [{ body: { like: '%green' } }, one => one.body.endsWith('green')],
  [{ body: { like: '%Acme%' } }, (_, tenant) => tenant === 'acme'],
  [{ not: { body: { like: '%Globex%' } } }, (_, tenant) => tenant === 'acme'],
  [{ or: [{ id: { in: ids } }, { body: { startsWith: 'xGlobex' } }] }, (one, tenant) => ids.includes(one.id) || tenant === 'globex'],
  [{ place: { name: { eq: 'Oslo' } } }, one => one.city === 'OSL'],
  [{ payer: { owner: { like: '%a1' } } }, (one, tenant) => account(tenant, one.account)?.id === 'a1'],
  [{ payer: { owner: { like: '%Globex%' } } }, (one, tenant) => tenant === 'globex' && account(tenant, one.account) !== undefined],
  [{ not: { payer: { balance: { gt: 0 } } } }, (one, tenant) => account(tenant, one.account) === undefined],
  [{ place: { accounts: { owner: { like: '%a1' } } } }, (one, tenant) => one.city === account(tenant, 'a1')?.city],
]

const loads = (attack: Attack, tenant: Tenant) =>
  ['BER', 'OSL', 'ROM', 'XXX'].flatMap(city => {
    const own = attack.own(tenant, one => one.city === city)
    return own.length === 0 ? [] : [{ city, notes: own.length, weight: own.reduce((sum, one) => sum + one.weight, 0), top: own.map(one => one.body).toSorted().at(-1) ?? '' }]
  })
const balances = (tenant: Tenant) =>
  ['BER', 'OSL', 'ROM'].flatMap(city => {
    const own = accountsOf[tenant].filter(one => one.city === city)
    return own.length === 0 ? [] : [{ city, total: own.reduce((sum, one) => sum + one.balance, 0), firstOwner: own.map(one => one.owner).toSorted()[0] }]
  })

/** Statements, and the rows each must give to a tenant. */
const statements: readonly (readonly [sql: string, params: readonly unknown[], rows: (attack: Attack, tenant: Tenant) => unknown])[] = [
  ['SELECT count(*), count(DISTINCT id) FROM hub.notes', [], (attack, tenant) => [[attack.notes[tenant].size, attack.notes[tenant].size]]],
  ['SELECT id, body FROM notes ORDER BY id', [], (attack, tenant) => attack.own(tenant).map(one => [one.id, one.body])],
  ['SELECT n.id, a.owner FROM "SHOP"."Accounts" a JOIN hub.notes n ON n.account = a.id ORDER BY 1', [], (attack, tenant) => attack.own(tenant).flatMap(one => { const payer = account(tenant, one.account); return payer ? [[one.id, payer.owner]] : [] })],
  ['WITH notes AS (SELECT * FROM hub.notes), accounts AS (SELECT * FROM shop.accounts) SELECT (SELECT count(*) FROM notes), (SELECT count(*) FROM accounts)', [], (attack, tenant) => [[attack.notes[tenant].size, accountsOf[tenant].length]]],
  ['WITH accounts AS (SELECT 1 AS x) SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM shop.accounts), (SELECT count(*) FROM hub.accounts)', [], (_, tenant) => [[1, accountsOf[tenant].length, accountsOf[tenant].length]]],
  ['SELECT owner FROM shop.accounts WHERE tenant = ? OR 1 = 1 ORDER BY id', ['globex'], (_, tenant) => accountsOf[tenant].map(one => [one.owner])],
  ['SELECT owner FROM hub.accounts WHERE tenant <> ?', ['acme'], (_, tenant) => (tenant === 'acme' ? [] : accountsOf.globex.map(one => [one.owner]))],
  ['SELECT count(*) FROM hub.notes x CROSS JOIN hub.notes y', [], (attack, tenant) => [[attack.notes[tenant].size ** 2]]],
  ['SELECT city, notes, weight, top FROM hub.city_notes ORDER BY city', [], (attack, tenant) => loads(attack, tenant).map(one => Object.values(one))],
  ['SELECT city, top FROM heavy ORDER BY city', [], (attack, tenant) => loads(attack, tenant).filter(one => one.weight > 10).map(one => [one.city, one.top])],
  ['SELECT id FROM hub.notes WHERE body LIKE ? UNION ALL SELECT id FROM shop.accounts WHERE owner LIKE ? ORDER BY 1', ['%Globex%', '%Globex%'], (attack, tenant) => (tenant === 'acme' ? [] : [...accountsOf.globex, ...attack.own('globex')].map(one => [one.id]))],
  ['SELECT c.code, (SELECT max(body) FROM hub.notes n WHERE n.city = c.code) FROM hub.cities c ORDER BY 1', [], (attack, tenant) => cities.map(({ code }) => [code, loads(attack, tenant).find(one => one.city === code)?.top ?? null])],
]

/** Statements that reach for what is behind the tables. Whatever they answer, it holds nothing of the other tenant. */
const tricks = [
  'SELECT * FROM "shop#1".accounts', 'SELECT * FROM shop."accounts.csv"', "SELECT * FROM 'shop/accounts.csv'", 'SELECT * FROM main.accounts', 'SELECT * FROM typed', 'SELECT * FROM raw', 'SELECT * FROM information_schema.tables',
  'SELECT * FROM duckdb_tables()', "SELECT * FROM query_table('accounts')", 'SHOW TABLES', 'TABLE hub.accounts', 'SELECT CAST(body AS integer) FROM hub.notes', 'SELECT CAST(owner AS date) FROM shop.accounts',
  'SELECT fail(body) FROM hub.notes', 'SELECT * FROM hub.notes FOR VERSION AS OF 1', 'SELECT id FROM hub.notes WHERE weight = (SELECT body FROM hub.notes)', 'SELECT * FROM hub.accounts TABLESAMPLE BERNOULLI (100)',
  'SELECT array_agg(owner) FROM shop.accounts', 'SELECT * FROM hub.accounts a, LATERAL (SELECT * FROM hub.accounts b WHERE b.id = a.id)', 'SELECT (SELECT owner FROM shop.accounts)',
]

/** Lists a cursor can be carried away from: the document, and where its page stands in the answer. */
const paged: readonly (readonly [document: string, page: readonly string[]])[] = [
  ['query ($after: String) { notes(first: 1, after: $after, orderBy: [{ weight: DESC }]) { nodes { id body } pageInfo { endCursor } } }', ['notes']],
  ['query ($after: String) { accounts(first: 1, after: $after) { nodes { owner } pageInfo { endCursor } } }', ['accounts']],
  ['query ($after: String) { cities(first: 1, after: $after, where: { notes: { weight: { gte: 0 } } }) { nodes { name } pageInfo { endCursor } } }', ['cities']],
  ['query ($after: String) { cityNotes(first: 1, after: $after) { nodes { top } pageInfo { endCursor } } }', ['cityNotes']],
  ['query ($after: String) { sqlQuery(query: "SELECT id, body FROM hub.notes ORDER BY id", pageSize: 1, after: $after) { rows pageInfo { endCursor } } }', ['sqlQuery']],
  ['query ($after: String) { unifiedQuery(sql: "SELECT id, owner FROM shop.accounts ORDER BY id", maxRows: 1, after: $after) { rows pageInfo { endCursor } } }', ['unifiedQuery']],
  ['query ($after: String) { cacheRegions(first: 1, after: $after) { nodes { name } pageInfo { endCursor } } }', ['cacheRegions']],
  ['query ($after: String) { city(code: "OSL") { accounts(first: 1, after: $after) { nodes { owner } pageInfo { endCursor } } } }', ['city', 'accounts']],
]

export const actions: readonly (readonly [name: string, act: Action])[] = [
  ['put', (attack, tenant, a, b) => attack.put(tenant, note(tenant, pick(ids, a), a, b))],
  ['put', (attack, tenant, a, b) => attack.put(tenant, note(tenant, pick(ids, b), a, b))],
  ['put many', async (attack, tenant, a, b) => {
    const input = [note(tenant, pick(ids, a), a, b), note(tenant, pick(ids, a + 1), b, a)]
    await attack.expect(tenant, `mutation ($input: [NoteInput!]!) { putNotes(input: $input) { ${fields} } }`, { input }, { putNotes: input })
    for (const one of input) attack.notes[tenant].set(one.id, one)
  }],
  ['cachePut', async (attack, tenant, a, b) => {
    const value = note(tenant, pick(ids, a), a, b)
    const values = [note(tenant, pick(ids, a + 1), a, a), note(tenant, pick(ids, a + 2), b, a)]
    await attack.expect(tenant, 'mutation ($value: JSON!, $values: [JSON!]!) { cachePut(region: "notes", value: $value) { key value } cachePutAll(region: "notes", values: $values) { key value } }', { value, values },
      { cachePut: { key: value.id, value }, cachePutAll: values.map(one => ({ key: one.id, value: one })) })
    for (const one of [value, ...values]) attack.notes[tenant].set(one.id, one)
  }],
  ['remove', async (attack, tenant, a, b) => {
    const [id, also] = [pick(ids, a), pick(ids, b)]
    const first = attack.notes[tenant].delete(id)
    await attack.expect(tenant, 'mutation ($id: ID!, $also: ID!) { removeNote(id: $id) cacheRemove(region: "notes", key: $also) }', { id, also }, { removeNote: first, cacheRemove: attack.notes[tenant].delete(also) })
  }],
  ['clear', async (attack, tenant) => {
    await attack.expect(tenant, 'mutation { clearCacheRegion(name: "notes") }', {}, { clearCacheRegion: attack.notes[tenant].size })
    attack.notes[tenant].clear()
  }],
  ['write what is loaded', async (attack, tenant, a) => {
    const value = { tenant: other(tenant), id: pick(['a1', 'a2'], a), owner: 'x' }
    const writes = ['cachePut(region: "accounts", value: $value) { key }', 'cachePutAll(region: "accounts", values: [$value]) { key }', `cacheRemove(region: "accounts", key: "${value.id}")`, 'clearCacheRegion(name: "accounts")']
    const { errors = [] } = await attack.ask(tenant, `mutation${a % 4 < 2 ? ' ($value: JSON!)' : ''} { ${pick(writes, a)} }`, { value })
    expect(errors.map(error => error.extensions?.['code'])).toEqual(['FORBIDDEN'])
  }],
  ['look up', async (attack, tenant, a) => {
    const id = pick(ids, a)
    const found = attack.notes[tenant].get(id)
    const city = cities.find(one => one.code === found?.city)
    const payer = found && account(tenant, found.account)
    await attack.expect(tenant, `query ($id: ID!) { note(id: $id) { ${fields} payer { owner notes { totalCount } } place { name notes { totalCount nodes { id } } accounts { totalCount } load { top } } } }`, { id }, {
      note: found ? {
        ...found,
        payer: payer ? { owner: payer.owner, notes: { totalCount: attack.own(tenant, one => one.account === payer.id).length } } : null,
        place: city ? {
          name: city.name, notes: { totalCount: attack.own(tenant, one => one.city === city.code).length, nodes: attack.own(tenant, one => one.city === city.code).map(one => ({ id: one.id })) },
          accounts: { totalCount: accountsOf[tenant].filter(one => one.city === city.code).length }, load: { top: loads(attack, tenant).find(one => one.city === city.code)?.top },
        } : null,
      } : null,
    })
  }],
  ['by keys', async (attack, tenant) => {
    const found = ids.map(id => attack.notes[tenant].get(id) ?? null)
    await attack.expect(tenant, `query ($ids: [ID!]!) { notesByKey(keys: $ids) { ${fields} } cacheGetAll(region: "notes", keys: $ids) { key value } one: cacheGet(region: "notes", key: "n1") { value } account: cacheGet(region: "accounts", key: "a3") { key } }`, { ids }, {
      notesByKey: found, cacheGetAll: found.map(one => one && { key: one.id, value: one }), one: attack.notes[tenant].has('n1') ? { value: attack.notes[tenant].get('n1') } : null, account: tenant === 'acme' ? { key: 'a3' } : null,
    })
  }],
  ['list', async (attack, tenant, a, b) => {
    const [where, keep] = pick(noteFilters, a)
    const order = pick<readonly [unknown, (one: Note) => number | string | null]>([[[], one => one.id], [[{ weight: 'ASC' }], one => one.weight], [[{ payer: { owner: 'ASC' } }], one => account(tenant, one.account)?.owner ?? '\uffff'], [[{ place: { load: { weight: 'ASC' } } }], one => loads(attack, tenant).find(load => load.city === one.city && load.city !== 'XXX')?.weight ?? Infinity]], b)
    const expected = attack.own(tenant, one => keep(one, tenant)).toSorted((one, two) => compare(order[1](one), order[1](two)) || compare(one.id, two.id))
    await attack.expect(tenant, `query ($where: NoteFilter, $orderBy: [NoteOrder!]) { notes(where: $where, orderBy: $orderBy) { totalCount edges { node { ${fields} } } } }`, { where, orderBy: order[0] }, { notes: { totalCount: expected.length, edges: expected.map(node => ({ node })) } })
  }],
  ['shared rows seen through tenants\'', async (attack, tenant, a) => {
    const [where, keep] = pick(noteFilters, a)
    const has = (code: string) => attack.own(tenant, one => one.city === code).some(one => keep(one, tenant))
    const codes = cities.filter(({ code }) => has(code)).map(({ code }) => ({ code }))
    const weight = (code: string) => loads(attack, tenant).find(one => one.city === code)?.weight
    const heavy = cities.toSorted((one, two) => compare(weight(two.code) ?? Infinity, weight(one.code) ?? Infinity) || compare(one.code, two.code)).map(({ code }) => ({ code, load: weight(code) === undefined ? null : { weight: weight(code) } }))
    const rich = cities.filter(({ code }) => accountsOf[tenant].some(one => one.city === code && one.balance > 20)).length
    await attack.expect(tenant, 'query ($where: NoteFilter) { cities(where: { notes: $where }) { totalCount nodes { code } } heavy: cities(orderBy: [{ load: { weight: DESC } }]) { nodes { code load { weight } } } rich: cities(where: { accounts: { balance: { gt: 20 } } }) { totalCount } }', { where },
      { cities: { totalCount: codes.length, nodes: codes }, heavy: { nodes: heavy }, rich: { totalCount: rich } })
  }],
  ['accounts', async (attack, tenant) => {
    const nodes = accountsOf[tenant].map(one => ({ id: one.id, tenant, owner: one.owner, notes: { totalCount: attack.own(tenant, each => each.account === one.id).length } }))
    await attack.expect(tenant, '{ accounts { totalCount nodes { id tenant owner notes { totalCount } } } spied: accounts(where: { tenant: { ne: "acme" } }) { totalCount } noted: accounts(where: { notes: { weight: { gte: 7 } } }) { totalCount } }', {}, {
      accounts: { totalCount: nodes.length, nodes }, spied: { totalCount: tenant === 'acme' ? 0 : nodes.length }, noted: { totalCount: accountsOf[tenant].filter(one => attack.own(tenant, each => each.account === one.id && each.weight >= 7).length > 0).length },
    })
  }],
  ['views', async (attack, tenant, a) => {
    const city = pick(['BER', 'OSL', 'ROM'], a)
    const all = loads(attack, tenant)
    await attack.expect(tenant, 'query ($city: ID!) { cityNotes { totalCount nodes { city notes weight top place { name } } } cityLoad(city: $city) { top } heavy { nodes { city top } } balances { nodes { city total firstOwner } } balancesByKey(keys: ["BER", $city]) { total } }', { city }, {
      cityNotes: { totalCount: all.length, nodes: all.map(one => ({ ...one, place: cities.some(({ code }) => code === one.city) ? { name: cities.find(({ code }) => code === one.city)?.name } : null })) },
      cityLoad: all.some(one => one.city === city) ? { top: all.find(one => one.city === city)?.top } : null,
      heavy: { nodes: all.filter(one => one.weight > 10).map(one => ({ city: one.city, top: one.top })) },
      balances: { nodes: balances(tenant) },
      balancesByKey: ['BER', city].map(code => { const found = balances(tenant).find(one => one.city === code); return found ? { total: found.total } : null }),
    })
  }],
  ['sql', async (attack, tenant, a) => {
    const [sql, params, rows] = pick(statements, a)
    await attack.expect(tenant, 'query ($sql: String!, $params: [JSON]) { sqlQuery(query: $sql, params: $params) { rows } unifiedQuery(sql: $sql, params: $params) { rows } }', { sql, params }, { sqlQuery: { rows: rows(attack, tenant) }, unifiedQuery: { rows: rows(attack, tenant) } })
  }],
  ['sql tricks', async (attack, tenant, a) => {
    const sql = pick(tricks, a)
    await attack.ask(tenant, 'query ($sql: String!) { sqlQuery(query: $sql) { rows } unifiedQuery(sql: $sql) { rows lineage { inputs } } sqlExplain(query: $sql) { text } explainQuery(sql: $sql) { text } queryLineage(sql: $sql) { inputs unresolved } }', { sql })
  }],
  ['another\'s cursor', async (attack, tenant, a) => {
    const [document, path] = pick(paged, a)
    const { data } = await attack.ask(tenant, document)
    const page = path.reduce<unknown>((at, name) => (at as Record<string, unknown> | null)?.[name], data) as { pageInfo: { endCursor: string | null } } | undefined
    const after = page?.pageInfo.endCursor
    if (!after) return
    expect((await attack.ask(tenant, document, { after })).errors).toBeUndefined()
    expect((await attack.ask(other(tenant), document, { after })).errors?.map(error => error.extensions?.['code'])).toEqual(['BAD_CURSOR'])
  }],
  ['another\'s place in the changes', async (attack, tenant) => {
    const after = attack.feeds[tenant].cursor
    if (after === undefined) return
    const stranger = other(tenant)
    for (const document of ['subscription ($after: String) { noteChanged(after: $after) { key after { body } } }', 'subscription ($after: String) { cacheChanges(region: "notes", after: $after) { key after } }']) {
      const events = attack.hub.subscribe(document, { after }, headersOf(stranger))
      const refused = await events.next().then(step => step.value?.errors, (errors: readonly { extensions?: Record<string, unknown> }[]) => errors)
      mustNotTell(stranger, JSON.stringify(refused))
      expect(refused?.map(error => error.extensions?.['code'])).toEqual(['BAD_CURSOR'])
    }
  }],
  ['at one time', async (attack, _tenant, a) => {
    const id = pick(ids, a)
    await Promise.all([...tenants, ...tenants].map(tenant => {
      const found = attack.notes[tenant].get(id)
      return attack.expect(tenant, 'query ($id: ID!, $code: ID!) { note(id: $id) { body } farCity(code: $code) { name firstNote { id } } account(id: "a1") { owner } unifiedQuery(sql: "SELECT max(body) FROM hub.notes") { rows } }', { id, code: 'OSL' }, {
        note: found ? { body: found.body } : null, farCity: { name: 'Oslo', firstNote: attack.own(tenant, one => one.city === 'OSL').map(one => ({ id: one.id }))[0] ?? null },
        account: { owner: account(tenant, 'a1')?.owner }, unifiedQuery: { rows: [[attack.own(tenant).map(one => one.body).toSorted().at(-1) ?? null]] },
      })
    }))
  }],
  ['what was read', async (attack, tenant) => {
    const { extensions } = await attack.ask(tenant, '{ notes { nodes { id payer { owner } } } cityNotes { nodes { city } } }', {}, { 'x-hub-explain': '1' })
    const reads = (extensions?.['hub'] as { reads: Rows } | undefined)?.reads ?? []
    expect(reads.filter(read => read['path'] === 'notes').map(read => read['rows'])).toEqual([attack.notes[tenant].size])
    expect(reads.filter(read => read['path'] === 'cityNotes').map(read => read['rows'])).toEqual([loads(attack, tenant).length])
  }],
  ['what is known', async (attack, tenant) => {
    await attack.ask(tenant, '{ lineage(of: "Note", direction: BOTH, depth: 20) { nodes { id description } edges { from to } unresolved } federatedViews { nodes { name sql } } queryDataSources { name tables { name quarantineSamples { line reason } } } cacheRegions { nodes { name stats { hits misses } } } }')
    for (const path of ['/metrics', '/readyz?verbose=1']) mustNotTell(tenant, await (await fetch(attack.hub.url + path)).text())
  }],
]

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

function compare(a: number | string | null, b: number | string | null): number {
  return a === b ? 0 : (a ?? 0) < (b ?? 0) ? -1 : 1
}
