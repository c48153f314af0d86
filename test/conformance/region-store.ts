import type { Change, LogEntry } from '../../schema/change.ts'
import type { HubError } from '../../schema/errors.ts'
import type { Row, Value } from '../../schema/values.ts'
import type { RegionDefinition, RegionStore } from '../../connectors/ports/region-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { must } from '../support/conformance.ts'

/** A store under test, with what only its adapter's test can do. */
export interface RegionStoreSubject {
  readonly store: RegionStore
  /** What a reopened store has again. DURABLE: durable entries, and the log with its id. ALL: filled entries as well, for they are elsewhere, and a log that begins anew. */
  readonly reopens: 'DURABLE' | 'ALL'
  /** Whether `reopen` finds the change log as it was; absent: where it drops what is not durable. */
  readonly keepsLog?: boolean
  scope(tenant?: string): Scope
  /** Ends when so much time has passed on the store's clock. */
  elapse(ms: number): Promise<void>
  /** Lets go of the store and opens it again; durable entries stay. */
  reopen(): Promise<void>
  close(): Promise<void>
}

export const airports: RegionDefinition = {
  name: 'airports',
  columns: [
    { name: 'iata', type: 'String', nullable: false },
    { name: 'country', type: 'String', nullable: true },
    { name: 'altitude_ft', type: 'Int', nullable: true },
    { name: 'visits', type: 'Long', nullable: true },
  ],
  key: ['iata'],
  indexes: [['country'], ['altitude_ft'], ['country', 'altitude_ft']],
  atomicity: 'TRANSACTIONAL',
  expiry: {},
  maxEntries: 10_000,
  durable: true,
  tenancy: 'SHARED',
}

export function airport(iata: string, country: string | null = null, altitude: number | null = null, visits: number | bigint | null = null): Row {
  return { iata, country, altitude_ft: altitude, visits }
}

/** No two airports of one altitude. */
const unique = { unique: [['altitude_ft']] } satisfies Partial<RegionDefinition>

/** The region of a definition like `airports` but for what is given. */
function open(subject: RegionStoreSubject, changed: Partial<RegionDefinition> = {}) {
  return subject.store.define({ ...airports, ...changed })
}

const three = [airport('CDG', 'France', 392), airport('LYS', 'France', 821), airport('KEF', 'Iceland', 171)]

async function* batches(...rows: readonly (readonly Row[])[]): AsyncGenerator<readonly Row[]> {
  yield* rows
}

/** What the log says from a place on, as it can be compared. */
async function told(subject: RegionStoreSubject, from: number): Promise<readonly (readonly [Change['type'], string])[]> {
  return (await entriesFrom(subject, from)).flatMap(entry => entry.changes.map(change => [change.type, change.key] as const))
}

async function entriesFrom({ store }: RegionStoreSubject, from: number): Promise<readonly LogEntry[]> {
  return store.changes.read(from, 1000)
}

const code = (wanted: HubError['code']) => expect.objectContaining({ code: wanted })
const iatas = (rows: readonly Row[]) => rows.map(row => row['iata'])

export const regionStoreChecks = [
  must<RegionStoreSubject>('RS01', 'H-20 a bulk read answers in the order asked, with undefined for an absent key', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), three)
    const found = await region.getMany(subject.scope(), ['KEF', 'XXX', 'CDG', 'KEF'])
    expect(found.map(entry => entry?.row)).toEqual([three[2], undefined, three[0], three[2]])
    expect(found.map(entry => entry?.key)).toEqual(['KEF', undefined, 'CDG', 'KEF'])
  }),
  must<RegionStoreSubject>('RS02', 'a write answers the stored entries in the order given, and of two rows with one key the later wins', async subject => {
    const region = await open(subject)
    const stored = await region.putMany(subject.scope(), [airport('CDG', 'Gaul'), airport('KEF'), airport('CDG', 'France')])
    expect(stored.map(entry => [entry.key, entry.row['country']])).toEqual([['CDG', 'France'], ['KEF', null], ['CDG', 'France']])
    expect(await region.count(subject.scope())).toBe(2)
  }),
  must<RegionStoreSubject>('RS03', 'a write with a bad row lists every problem and writes nothing', async subject => {
    const region = await open(subject)
    const rows = [airport('CDG'), { country: 'France' }, { iata: 'LYS', contry: 'France' }, { iata: null }] as Row[]
    const failure = (await region.putMany(subject.scope(), rows).catch((error: unknown) => error)) as HubError
    expect(failure).toMatchObject({ code: 'VALIDATION_ERROR' })
    const paths = (failure.details['problems'] as { path: string }[]).map(problem => problem.path)
    expect(paths).toEqual(['rows[1].iata', 'rows[2].contry', 'rows[3].iata'])
    expect(failure.message).toContain('Did you mean "country"?')
    expect(await region.count(subject.scope())).toBe(0)
  }),
  must<RegionStoreSubject>('RS04', 'a row without a nullable column has null there', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), [{ iata: 'CDG' }])
    const [entry] = await region.getMany(subject.scope(), ['CDG'])
    expect(entry?.row).toEqual(airport('CDG'))
  }),
  must<RegionStoreSubject>('RS05', 'a Long beyond the safe integers comes back exactly, before and after a restart and in the log', async subject => {
    const visits = 9_223_372_036_854_775_807n
    const from = subject.store.changes.end
    const region = await open(subject)
    await region.putMany(subject.scope(), [airport('CDG', 'France', 1, visits)])
    const changes = (await entriesFrom(subject, from)).flatMap(entry => entry.changes)
    expect(changes[0]?.after?.['visits']).toBe(visits)
    await subject.reopen()
    const [entry] = await (await open(subject)).getMany(subject.scope(), ['CDG'])
    expect(entry?.row['visits']).toBe(visits)
  }),
  must<RegionStoreSubject>('RS06', 'versions of a key grow with every write, also over a removal and a restart', async subject => {
    let region = await open(subject)
    const versions: (number | undefined)[] = []
    const put = async () => versions.push((await region.putMany(subject.scope(), [airport('CDG')]))[0]?.version)
    await put()
    await put()
    await region.removeMany(subject.scope(), ['CDG'])
    await region.fill(subject.scope(), [airport('CDG')], region.mark())
    versions.push((await region.getMany(subject.scope(), ['CDG']))[0]?.version)
    await subject.reopen()
    region = await open(subject)
    await put()
    expect(versions).toEqual([...versions].sort((a, b) => Number(a) - Number(b)))
    expect(new Set(versions).size).toBe(4)
  }),
  must<RegionStoreSubject>('RS07', 'a removal answers per key whether there was an entry', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), three)
    expect(await region.removeMany(subject.scope(), ['LYS', 'XXX'])).toEqual([true, false])
    expect(await region.removeMany(subject.scope(), ['LYS'])).toEqual([false])
    expect(await region.count(subject.scope())).toBe(2)
  }),
  must<RegionStoreSubject>('RS08', 'H-19 clearing removes every entry of the tenant and answers how many', async subject => {
    const region = await open(subject, { tenancy: 'TENANT' })
    await region.putMany(subject.scope('red'), three)
    await region.putMany(subject.scope('blue'), three)
    expect(await region.clear(subject.scope('red'))).toBe(3)
    expect(await region.count(subject.scope('red'))).toBe(0)
    expect(await region.count(subject.scope('blue'))).toBe(3)
  }),
  must<RegionStoreSubject>('RS09', 'tenants of one region never see or change each other\'s entries', async subject => {
    const region = await open(subject, { tenancy: 'TENANT' })
    await region.putMany(subject.scope('red'), [airport('CDG', 'red')])
    await region.putMany(subject.scope('blue'), [airport('CDG', 'blue')])
    await region.removeMany(subject.scope('blue'), ['CDG'])
    expect((await region.getMany(subject.scope('red'), ['CDG']))[0]?.row['country']).toBe('red')
    expect(await region.getMany(subject.scope('blue'), ['CDG'])).toEqual([undefined])
    expect(await region.select(subject.scope('green'), {})).toEqual([])
    expect((await region.snapshot(subject.scope('blue'))).entries).toEqual([])
  }),
  must<RegionStoreSubject>('RS10', 'a shared region is one for all tenants, and its changes name none', async subject => {
    const from = subject.store.changes.end
    const region = await open(subject)
    await region.putMany(subject.scope('red'), [airport('CDG')])
    expect(await region.getMany(subject.scope('blue'), ['CDG'])).toEqual([expect.objectContaining({ key: 'CDG' })])
    const [change] = (await entriesFrom(subject, from)).flatMap(entry => entry.changes)
    expect(change?.tenant).toBe('')
  }),
  must<RegionStoreSubject>('RS11', 'each write is one entry of the log with before and after', async subject => {
    const region = await open(subject)
    const from = subject.store.changes.end
    await region.putMany(subject.scope(), [airport('CDG', 'Gaul'), airport('KEF')])
    await region.putMany(subject.scope(), [airport('CDG', 'France')])
    await region.removeMany(subject.scope(), ['CDG'])
    const entries = await entriesFrom(subject, from)
    expect(entries.map(entry => entry.offset)).toEqual([from, from + 1, from + 2])
    expect(entries.map(entry => entry.changes.map(({ type, key, before, after }) => [type, key, before?.['country'], after?.['country']]))).toEqual([
      [['CREATED', 'CDG', undefined, 'Gaul'], ['CREATED', 'KEF', undefined, null]],
      [['UPDATED', 'CDG', 'Gaul', 'France']],
      [['REMOVED', 'CDG', 'France', undefined]],
    ])
  }),
  must<RegionStoreSubject>('RS12', 'listeners hear each commit in order and in its own step, and the end of a write finds it durable', async subject => {
    const region = await open(subject)
    const heard: number[] = []
    const from = subject.store.changes.end
    const stop = subject.store.changes.onCommit(entry => heard.push(entry.offset))
    await Promise.all([region.putMany(subject.scope(), [airport('CDG')]), region.putMany(subject.scope(), [airport('LYS')])])
    expect(heard).toEqual([from, from + 1])
    expect(subject.store.changes.durable).toBe(from + 2)
    stop()
    await region.putMany(subject.scope(), [airport('KEF')])
    expect(heard).toEqual([from, from + 1])
  }),
  must<RegionStoreSubject>('RS13', 'a snapshot holds exactly what the log says below its offset', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), three)
    const later = region.putMany(subject.scope(), [airport('NCE', 'France')])
    const { entries, offset } = await region.snapshot(subject.scope(), { column: 'country', op: 'eq', value: 'France' })
    await later
    await region.putMany(subject.scope(), [airport('ORY', 'France')])
    expect(entries.map(entry => entry.key).sort()).toEqual(['CDG', 'LYS', 'NCE'])
    expect(await told(subject, offset)).toEqual([['CREATED', 'ORY']])
  }),
  must<RegionStoreSubject>('RS14', 'a fill stores only keys that are empty, tells nobody, and answers how many it stored', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), [airport('CDG', 'France')])
    const from = subject.store.changes.end
    const mark = region.mark()
    expect(await region.fill(subject.scope(), [airport('CDG', 'stale'), airport('LYS', 'France')], mark)).toBe(1)
    expect((await region.getMany(subject.scope(), ['CDG', 'LYS'])).map(entry => entry?.row['country'])).toEqual(['France', 'France'])
    expect(await told(subject, from)).toEqual([])
  }),
  must<RegionStoreSubject>('RS15', 'a fill that lost to a newer change stores nothing', async subject => {
    const region = await open(subject)
    const mark = region.mark()
    await region.putMany(subject.scope(), [airport('CDG', 'new')])
    await region.removeMany(subject.scope(), ['CDG', 'LYS'])
    expect(await region.fill(subject.scope(), [airport('CDG', 'stale'), airport('LYS', 'stale'), airport('KEF', 'fine')], mark)).toBe(1)
    expect(iatas(await region.select(subject.scope(), {}))).toEqual(['KEF'])
    expect(await region.fill(subject.scope(), [airport('CDG', 'seen since')], region.mark())).toBe(1)
  }),
  must<RegionStoreSubject>('RS16', 'a fill that began before a clear stores nothing', async subject => {
    const region = await open(subject)
    const mark = region.mark()
    await region.clear(subject.scope())
    expect(await region.fill(subject.scope(), [airport('CDG')], mark)).toBe(0)
  }),
  must<RegionStoreSubject>('RS17', 'replacing all keeps the version of equal rows and tells the rest as changes of one commit', async subject => {
    const region = await open(subject)
    const before = await region.putMany(subject.scope(), three)
    const from = subject.store.changes.end
    const result = await region.replaceAll(subject.scope(), batches([airport('CDG', 'France', 392)], [airport('LYS', 'France', 822), airport('NCE')]))
    expect(result).toEqual({ entries: 3, created: 1, updated: 1, removed: 1 })
    expect(await told(subject, from)).toEqual(expect.arrayContaining([['UPDATED', 'LYS'], ['CREATED', 'NCE'], ['REMOVED', 'KEF']]))
    expect(await told(subject, from)).toHaveLength(3)
    const [cdg, lys] = await region.getMany(subject.scope(), ['CDG', 'LYS'])
    expect(cdg?.version).toBe(before[0]?.version)
    expect(lys?.version).toBeGreaterThan(before[1]?.version ?? 0)
  }),
  must<RegionStoreSubject>('RS18', 'replacing all in silence is one reset in the log, and the rows are there after a restart', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), three)
    const from = subject.store.changes.end
    await region.replaceAll(subject.scope(), batches([airport('NCE', 'France')]), { silent: true })
    const said = (await entriesFrom(subject, from)).filter(({ changes, resets }) => changes.length + resets.length > 0)
    expect(said.map(({ changes, resets }) => ({ changes, resets }))).toEqual([{ changes: [], resets: ['airports'] }])
    await subject.reopen()
    expect(await (await open(subject)).select(subject.scope(), {})).toEqual([airport('NCE', 'France')])
  }),
  must<RegionStoreSubject>('RS19', 'replacing all from rows that fail to come leaves the old set', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), three)
    const failing = (async function* () {
      yield [airport('NCE')]
      throw new Error('the source went away')
    })()
    await expect(region.replaceAll(subject.scope(), failing)).rejects.toThrow('the source went away')
    expect(iatas(await region.select(subject.scope(), {}))).toEqual(['CDG', 'KEF', 'LYS'])
  }),
  must<RegionStoreSubject>('RS20', 'select filters by key, by index and by neither with one result', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), three)
    const select = async (filter: Parameters<typeof region.count>[1]) => [iatas(await region.select(subject.scope(), { filter })), await region.count(subject.scope(), filter)]
    expect(await select({ column: 'iata', op: 'in', value: ['LYS', 'XXX', 'LYS'] })).toEqual([['LYS'], 1])
    expect(await select({ column: 'country', op: 'eq', value: 'France' })).toEqual([['CDG', 'LYS'], 2])
    expect(await select({ column: 'altitude_ft', op: 'gt', value: 171 })).toEqual([['CDG', 'LYS'], 2])
    expect(await select({ and: [{ column: 'country', op: 'eq', value: 'France' }, { column: 'altitude_ft', op: 'lte', value: 392 }] })).toEqual([['CDG'], 1])
    expect(await select({ not: { column: 'country', op: 'eq', value: 'France' } })).toEqual([['KEF'], 1])
    expect(await select({ column: 'visits', op: 'isNull', value: true })).toEqual([['CDG', 'KEF', 'LYS'], 3])
    expect(await select({ column: 'visits', op: 'eq', value: null })).toEqual([[], 0])
    expect(await select({ column: 'iata', op: 'in', value: [] })).toEqual([[], 0])
  }),
  must<RegionStoreSubject>('RS21', 'pages forwards and backwards are the whole list in order, nulls where the order says', async subject => {
    const region = await open(subject)
    const rows = Array.from({ length: 23 }, (_, index) => airport(`A${String(index).padStart(2, '0')}`, index % 4 === 0 ? null : `C${index % 3}`))
    await region.putMany(subject.scope(), rows)
    for (const nullsFirst of [true, false]) {
      for (const descending of [true, false]) {
        const order = [{ column: 'country', descending, nullsFirst }]
        const all = await region.select(subject.scope(), { order })
        expect(all).toHaveLength(23)
        expect(all[nullsFirst ? 0 : 22]?.['country']).toBeNull()
        const forwards: Row[] = []
        for (let page = await region.select(subject.scope(), { order, limit: 5 }); page.length > 0; page = await region.select(subject.scope(), { order, limit: 5, after: forwards.at(-1) })) forwards.push(...page)
        expect(forwards).toEqual(all)
        const backwards: Row[] = []
        for (let page = await region.select(subject.scope(), { order, limit: 5, backwards: true }); page.length > 0; page = await region.select(subject.scope(), { order, limit: 5, backwards: true, after: backwards[0] })) backwards.unshift(...page)
        expect(backwards).toEqual(all)
      }
    }
  }),
  must<RegionStoreSubject>('RS80', 'a limit per value counts for each value by itself, with an index of the column and without, forwards and backwards, behind a place and under a filter', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), Array.from({ length: 30 }, (_, index) => airport(`A${String((index * 7) % 30).padStart(2, '0')}`, index % 5 === 0 ? null : `C${index % 3}`, index, index % 4)))
    const order = [{ column: 'altitude_ft', descending: true, nullsFirst: false }]
    const filter = { column: 'altitude_ft', op: 'lt' as const, value: 27 }
    for (const per of [{ column: 'country', values: ['C2', 'C0', 'C9', 'C2'] as readonly Value[] }, { column: 'visits', values: [3, 1, 9] }]) {
      for (const backwards of [false, true]) {
        for (const [limit, after] of [[2, undefined], [undefined, undefined], [3, airport('A07', null, 14)], [0, undefined]] as const) {
          const rows = await region.select(subject.scope(), { per, order, filter, limit, backwards, ...(after && { after }) })
          const expected = []
          for (const value of new Set(per.values)) {
            const each = await region.select(subject.scope(), { order, filter: { and: [filter, { column: per.column, op: 'eq', value }] }, limit, backwards, ...(after && { after }) })
            expected.push(...each)
          }
          const byValue = (a: Row, b: Row) => String(a[per.column]).localeCompare(String(b[per.column]))
          expect([...rows].sort(byValue)).toEqual([...expected].sort(byValue))
        }
      }
    }
    await expect(region.select(subject.scope(), { per: { column: 'contry', values: ['x'] }, limit: 1 })).rejects.toEqual(code('BAD_USER_INPUT'))
  }),
  must<RegionStoreSubject>('RS22', 'a page goes on behind a row that is no longer there', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), three)
    const [first] = await region.select(subject.scope(), { limit: 1 })
    await region.removeMany(subject.scope(), ['CDG'])
    expect(iatas(await region.select(subject.scope(), { after: first, limit: 1 }))).toEqual(['KEF'])
  }),
  must<RegionStoreSubject>('RS23', 'a filter or order by an unknown column is refused by name', async subject => {
    const region = await open(subject)
    await expect(region.select(subject.scope(), { filter: { column: 'contry', op: 'eq', value: 'x' } })).rejects.toEqual(code('BAD_USER_INPUT'))
    await expect(region.select(subject.scope(), { order: [{ column: 'contry', descending: false, nullsFirst: false }] })).rejects.toEqual(code('BAD_USER_INPUT'))
  }),
  must<RegionStoreSubject>('RS24', 'H-13 an entry lives as long after its creation as the region says, whatever is written or read meanwhile', async subject => {
    const region = await open(subject, { expiry: { createMs: 3000 } })
    await region.putMany(subject.scope(), [airport('CDG', 'old')])
    await subject.elapse(2000)
    await region.putMany(subject.scope(), [airport('CDG', 'new')])
    expect(await region.count(subject.scope())).toBe(1)
    await subject.elapse(1000)
    expect(await region.getMany(subject.scope(), ['CDG'])).toEqual([undefined])
    expect(await region.select(subject.scope(), {})).toEqual([])
    expect(await region.count(subject.scope())).toBe(0)
    expect((await region.snapshot(subject.scope())).entries).toEqual([])
  }),
  must<RegionStoreSubject>('RS25', 'H-13 being written moves the end of an entry that expires by its last write', async subject => {
    const region = await open(subject, { expiry: { updateMs: 3000 } })
    await region.putMany(subject.scope(), [airport('CDG'), airport('LYS')])
    await subject.elapse(2000)
    await region.putMany(subject.scope(), [airport('CDG')])
    await subject.elapse(2000)
    expect(iatas(await region.select(subject.scope(), {}))).toEqual(['CDG'])
  }),
  must<RegionStoreSubject>('RS26', 'H-13 being read by key moves the end of an entry that expires by its last read; a list does not', async subject => {
    const region = await open(subject, { expiry: { accessMs: 3000 } })
    await region.putMany(subject.scope(), [airport('CDG'), airport('LYS')])
    await subject.elapse(2000)
    await region.getMany(subject.scope(), ['CDG'])
    await region.select(subject.scope(), {})
    await subject.elapse(2000)
    expect(iatas(await region.select(subject.scope(), {}))).toEqual(['CDG'])
  }),
  must<RegionStoreSubject>('RS27', 'H-16 an expired entry is told as EXPIRED within a second, and its key starts anew', async subject => {
    const region = await open(subject, { expiry: { createMs: 3000 } })
    await region.putMany(subject.scope(), [airport('CDG', 'first')])
    const from = subject.store.changes.end
    await subject.elapse(4000)
    expect(await told(subject, from)).toEqual([['EXPIRED', 'CDG']])
    await region.putMany(subject.scope(), [airport('CDG', 'second')])
    expect(await told(subject, from)).toEqual([['EXPIRED', 'CDG'], ['CREATED', 'CDG']])
    expect(await region.stats(subject.scope())).toMatchObject({ entries: 1, expiries: 1 })
  }),
  must<RegionStoreSubject>('RS28', 'H-15 above the limit the entries used longest ago go, counted, and the writer is not bothered', async subject => {
    const region = await open(subject, { maxEntries: 3 })
    for (const row of three) await region.putMany(subject.scope(), [row])
    await region.getMany(subject.scope(), ['CDG'])
    const from = subject.store.changes.end
    await region.putMany(subject.scope(), [airport('NCE'), airport('ORY')])
    expect(iatas(await region.select(subject.scope(), {}))).toEqual(['CDG', 'NCE', 'ORY'])
    expect(await region.stats(subject.scope())).toMatchObject({ entries: 3, evictions: 2 })
    expect((await told(subject, from)).filter(([type]) => type === 'REMOVED').map(([, key]) => key).sort()).toEqual(['KEF', 'LYS'])
  }),
  must<RegionStoreSubject>('RS55', 'H-15 under FIFO the entries created first go, whatever was read or written since; a store that cannot tell refuses it by name', async subject => {
    const opened = await open(subject, { maxEntries: 3, evictionPolicy: 'FIFO' }).catch((error: unknown) => error as HubError)
    if ('code' in opened) {
      expect(opened).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('FIFO') })
      return
    }
    for (const row of three) await opened.putMany(subject.scope(), [row])
    await opened.getMany(subject.scope(), ['CDG'])
    await opened.putMany(subject.scope(), [airport('CDG', 'France', 393)])
    await opened.putMany(subject.scope(), [airport('NCE')])
    expect(iatas(await opened.select(subject.scope(), {}))).toEqual(['KEF', 'LYS', 'NCE'])
    await opened.removeMany(subject.scope(), ['LYS'])
    await opened.putMany(subject.scope(), [airport('LYS'), airport('ORY')])
    expect(iatas(await opened.select(subject.scope(), {}))).toEqual(['LYS', 'NCE', 'ORY'])
  }),
  must<RegionStoreSubject>('RS29', 'H-18 statistics count reads, writes and removals, and know no means before the first call', async subject => {
    const region = await open(subject)
    expect(await region.stats(subject.scope())).toEqual({ entries: 0, sizeBytes: 0, hits: 0, misses: 0, gets: 0, puts: 0, removals: 0, evictions: 0, expiries: 0, txCommits: 0, txRollbacks: 0, avgGetMicros: null, avgPutMicros: null })
    await region.putMany(subject.scope(), three)
    await region.getMany(subject.scope(), ['CDG', 'XXX'])
    await region.removeMany(subject.scope(), ['KEF'])
    const stats = await region.stats(subject.scope())
    expect(stats).toMatchObject({ entries: 2, hits: 1, misses: 1, gets: 2, puts: 3, removals: 1 })
    expect(stats.sizeBytes).toBeGreaterThan(0)
    expect(stats.avgGetMicros).toBeGreaterThanOrEqual(0)
    expect(stats.avgPutMicros).toBeGreaterThanOrEqual(0)
  }),
  must<RegionStoreSubject>('RS30', 'H-07 an equal definition answers the region there is; one that cannot go on from it is refused, naming the difference', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), three)
    const again = await open(subject)
    expect(await again.count(subject.scope())).toBe(3)
    await expect(open(subject, { key: ['country'] })).rejects.toEqual(code('CONFLICT'))
    await expect(open(subject, { key: ['country'] })).rejects.toThrow('key is ["iata"], not ["country"]')
    await expect(subject.store.check({ ...airports, key: ['country'] })).rejects.toThrow('key is ["iata"], not ["country"]')
    await subject.store.check({ ...airports, columns: [...airports.columns, { name: 'city', type: 'String', nullable: true }] })
    expect(region.definition.columns.length).toBe(airports.columns.length)
    await expect(open(subject, { columns: airports.columns.slice(0, 3), indexes: [] })).rejects.toEqual(code('CONFLICT'))
    await expect(open(subject, { columns: [...airports.columns, { name: 'city', type: 'String', nullable: false }] })).rejects.toThrow('"city" must be nullable')
  }),
  must<RegionStoreSubject>('RS31', 'H-19 new indexes, expiry, limits and nullable columns are taken over with the entries kept', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), three)
    const columns = [...airports.columns, { name: 'city', type: 'String', nullable: true } as const]
    const grown = await open(subject, { columns, indexes: [['city']], expiry: { createMs: 5000 }, maxEntries: 2 })
    expect(grown.definition.columns).toHaveLength(5)
    expect(await grown.count(subject.scope())).toBe(2)
    expect((await grown.select(subject.scope(), { limit: 1 }))[0]).toHaveProperty('city', null)
    expect(await grown.select(subject.scope(), { filter: { column: 'city', op: 'isNull', value: true } })).toHaveLength(2)
    await subject.elapse(5000)
    expect(await grown.count(subject.scope())).toBe(0)
  }),
  must<RegionStoreSubject>('RS32', 'H-08 a definition with mistakes is refused with all of them', async subject => {
    const failure = (await open(subject, { name: '1st', key: ['iota'], maxEntries: 0, expiry: { createMs: 0 }, indexes: [['nowhere']] }).catch((error: unknown) => error)) as HubError
    expect(failure).toMatchObject({ code: 'VALIDATION_ERROR' })
    expect((failure.details['problems'] as { path: string }[]).map(problem => problem.path)).toEqual(['name', 'key[0]', 'indexes[0][0]', 'expiry.createMs', 'maxEntries'])
  }),
  must<RegionStoreSubject>('RS33', 'an unknown region is answered with the nearest name', async subject => {
    await open(subject)
    expect(() => subject.store.region('airport')).toThrow('Did you mean "airports"?')
    expect(subject.store.names).toEqual(['airports'])
  }),
  must<RegionStoreSubject>('RS34', 'H-19 a dropped region is gone with its entries, its readers are told by a reset, and who still holds it gets NOT_FOUND', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), three)
    const from = subject.store.changes.end
    expect(await subject.store.drop('airports')).toBe(true)
    expect(await subject.store.drop('airports')).toBe(false)
    expect((await entriesFrom(subject, from)).flatMap(entry => entry.resets)).toEqual(['airports'])
    await expect(region.getMany(subject.scope(), ['CDG'])).rejects.toEqual(code('NOT_FOUND'))
    await expect(region.putMany(subject.scope(), three)).rejects.toEqual(code('NOT_FOUND'))
    expect(await (await open(subject, { key: ['country', 'iata'], columns: airports.columns.map(column => ({ ...column, nullable: false })) })).count(subject.scope())).toBe(0)
  }),
  must<RegionStoreSubject>('RS40', 'a retired region tells its readers by a reset and keeps its entries', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), three)
    const from = subject.store.changes.end
    expect(await subject.store.retire('airports')).toBe(true)
    expect(await subject.store.retire('nowhere')).toBe(false)
    expect(await entriesFrom(subject, from)).toEqual([expect.objectContaining({ resets: ['airports'], changes: [] })])
    expect(await region.count(subject.scope())).toBe(three.length)
  }),
  must<RegionStoreSubject>('RS35', 'a call whose scope is aborted fails with the signal\'s reason and does nothing', async subject => {
    const region = await open(subject)
    const reason = new Error('the client left')
    const scope = { ...subject.scope(), signal: AbortSignal.abort(reason) }
    await expect(region.putMany(scope, three)).rejects.toBe(reason)
    await expect(region.getMany(scope, ['CDG'])).rejects.toBe(reason)
    await expect(region.select(scope, {})).rejects.toBe(reason)
    expect(await region.count(subject.scope())).toBe(0)
  }),
  must<RegionStoreSubject>('RS36', 'durable entries are there after a restart with their versions; filled ones and those of a region that is not durable are not', async subject => {
    const region = await open(subject)
    const [stored] = await region.putMany(subject.scope(), [airport('CDG', 'France')])
    await region.fill(subject.scope(), [airport('LYS')], region.mark())
    await (await open(subject, { name: 'cached', durable: false })).putMany(subject.scope(), three)
    const { id } = subject.store.changes
    const from = subject.store.changes.end
    await subject.reopen()
    const all = subject.reopens === 'ALL'
    expect(subject.store.changes.id === id).toBe(subject.keepsLog ?? !all)
    if (!all) expect((await entriesFrom(subject, from)).flatMap(entry => entry.resets)).toEqual(['cached'])
    expect(await (await open(subject)).getMany(subject.scope(), ['CDG', 'LYS'])).toEqual([stored, all ? expect.objectContaining({ key: 'LYS' }) : undefined])
    expect(await (await open(subject, { name: 'cached', durable: false })).count(subject.scope())).toBe(0)
  }),
  must<RegionStoreSubject>('RS37', 'an entry that expired while the store was closed does not come back', async subject => {
    const region = await open(subject, { expiry: { createMs: 3000 } })
    await region.putMany(subject.scope(), three)
    await subject.elapse(2000)
    await region.putMany(subject.scope(), [airport('CDG', 'again')])
    await subject.reopen()
    await subject.elapse(1000)
    expect(await (await open(subject, { expiry: { createMs: 3000 } })).select(subject.scope(), {})).toEqual([])
  }),
  must<RegionStoreSubject>('RS38', 'a key of several columns is one entry for each combination', async subject => {
    const region = await open(subject, { name: 'routes', key: ['iata', 'country'], columns: airports.columns.map(column => ({ ...column, nullable: !['iata', 'country'].includes(column.name) })) })
    await region.putMany(subject.scope(), [airport('A', 'x,y'), airport('A', 'z'), airport('B', 'z')])
    expect((await region.getMany(subject.scope(), ['["A","z"]']))[0]?.row).toEqual(airport('A', 'z'))
    const filter = { and: [{ column: 'iata', op: 'in', value: ['A', 'B'] }, { column: 'country', op: 'eq', value: 'z' }] } as const
    expect(iatas(await region.select(subject.scope(), { filter }))).toEqual(['A', 'B'])
  }),
  must<RegionStoreSubject>('RS39', 'rows handed out never change, and cannot be changed', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), three)
    const [before] = await region.getMany(subject.scope(), ['CDG'])
    await region.putMany(subject.scope(), [airport('CDG', 'elsewhere')])
    expect(before?.row).toEqual(three[0])
    expect(() => Object.assign(before?.row ?? {}, { country: 'mine' })).toThrow(TypeError)
  }),
  must<RegionStoreSubject>('RS41', 'an entry that has expired is neither in a snapshot nor told of behind it', async subject => {
    const region = await open(subject, { expiry: { createMs: 2500 } })
    await region.putMany(subject.scope(), three)
    await subject.elapse(2600)
    const { entries, offset } = await region.snapshot(subject.scope())
    expect(entries).toEqual([])
    await subject.elapse(3000)
    await region.putMany(subject.scope(), [airport('LYS')])
    expect((await entriesFrom(subject, offset)).flatMap(entry => entry.changes.map(({ key, type }) => `${type} ${key}`))).toEqual(['CREATED LYS'])
  }),
  must<RegionStoreSubject>('RS42', 'H-14 a write that would give two entries one value in a unique index is refused whole, naming index, value and the key that holds it', async subject => {
    const region = await open(subject, unique)
    await region.putMany(subject.scope(), three)
    const from = subject.store.changes.end
    const failure = (await region.putMany(subject.scope(), [airport('ORY', 'France', 291), airport('NCE', 'France', 821), airport('TXL', null, 171)]).catch((error: unknown) => error)) as HubError
    expect(failure).toMatchObject({ code: 'CONFLICT', details: { region: 'airports', problems: [{ path: 'rows[1].altitude_ft' }, { path: 'rows[2].altitude_ft' }] } })
    expect(failure.message).toContain('rows[1].altitude_ft: Entry "LYS" has altitude_ft 821 already, and the index (altitude_ft) is unique.')
    expect(await region.getMany(subject.scope(), ['ORY', 'NCE', 'TXL'])).toEqual([undefined, undefined, undefined])
    expect(subject.store.changes.end).toBe(from)
    expect(await region.stats(subject.scope())).toMatchObject({ entries: 3, puts: 3 })
  }),
  must<RegionStoreSubject>('RS43', 'H-14 in a unique index of several columns the combination counts, and a null in it is like no other', async subject => {
    const region = await open(subject, { indexes: [['country', 'altitude_ft']], unique: [['country', 'altitude_ft']] })
    await region.putMany(subject.scope(), [airport('A', 'x', 1), airport('B', 'x', 2), airport('C', 'y', 1), airport('D', 'x'), airport('E', 'x'), airport('F', null, 1), airport('G', null, 1), airport('H'), airport('I')])
    await expect(region.putMany(subject.scope(), [airport('J', 'x', 2)])).rejects.toThrow('rows[0]: Entry "B" has country "x", altitude_ft 2 already')
    expect(await region.count(subject.scope())).toBe(9)
  }),
  must<RegionStoreSubject>('RS44', 'H-14 what counts is the state behind the commit: an entry overwrites itself, two swap their values, two rows of one commit clash', async subject => {
    const region = await open(subject, unique)
    await region.putMany(subject.scope(), three)
    await region.putMany(subject.scope(), [airport('CDG', 'Gaul', 392)])
    await region.putMany(subject.scope(), [airport('CDG', 'France', 821), airport('LYS', 'France', 392)])
    await region.putMany(subject.scope(), [airport('KEF', null, 5), airport('KEF', null, 6), airport('OSL', null, 5)])
    expect((await region.getMany(subject.scope(), ['CDG', 'LYS', 'KEF', 'OSL'])).map(entry => entry?.row['altitude_ft'])).toEqual([821, 392, 6, 5])
    await expect(region.putMany(subject.scope(), [airport('A', null, 9), airport('A', null, 7), airport('B', null, 7)])).rejects.toThrow('rows[2].altitude_ft: Entry "A" has altitude_ft 7 already')
    await region.putMany(subject.scope(), [airport('C', null, 9), airport('C', null, 7)])
    expect(await region.removeMany(subject.scope(), ['C'])).toEqual([true])
    expect(await region.putMany(subject.scope(), [airport('B', null, 7)])).toHaveLength(1)
  }),
  must<RegionStoreSubject>('RS45', 'H-14 values are unique among the entries of one tenant', async subject => {
    const region = await open(subject, { ...unique, tenancy: 'TENANT' })
    await region.putMany(subject.scope('red'), three)
    await region.putMany(subject.scope('blue'), [airport('XXX', null, 392)])
    await expect(region.putMany(subject.scope('blue'), [airport('YYY', null, 392)])).rejects.toThrow('Entry "XXX" has')
  }),
  must<RegionStoreSubject>('RS46', 'H-14 an entry that has expired holds no value, before it is swept and after', async subject => {
    const region = await open(subject, { ...unique, expiry: { createMs: 2500 } })
    await region.putMany(subject.scope(), [airport('CDG', null, 392)])
    await subject.elapse(2400)
    await expect(region.putMany(subject.scope(), [airport('ORY', null, 392)])).rejects.toEqual(code('CONFLICT'))
    const from = subject.store.changes.end
    await subject.elapse(200)
    await region.putMany(subject.scope(), [airport('ORY', null, 392)])
    expect(await told(subject, from)).toEqual([['EXPIRED', 'CDG'], ['CREATED', 'ORY']])
    await subject.elapse(5000)
    await region.putMany(subject.scope(), [airport('NCE', null, 392)])
    expect(iatas(await region.select(subject.scope(), {}))).toEqual(['NCE'])
  }),
  must<RegionStoreSubject>('RS47', 'H-14 a fill leaves out the row whose value an entry has, and stores the others', async subject => {
    const region = await open(subject, unique)
    await region.putMany(subject.scope(), [airport('CDG', null, 392)])
    expect(await region.fill(subject.scope(), [airport('ORY', null, 392), airport('LYS', null, 821), airport('NCE', null, 821), airport('KEF')], region.mark())).toBe(2)
    expect(iatas(await region.select(subject.scope(), {}))).toEqual(['CDG', 'KEF', 'LYS'])
    await expect(region.putMany(subject.scope(), [airport('OSL', null, 821)])).rejects.toThrow('Entry "LYS" has')
  }),
  must<RegionStoreSubject>('RS48', 'H-14 all entries are swapped for such as share no value, whatever the old ones held, or for none', async subject => {
    const region = await open(subject, unique)
    await region.putMany(subject.scope(), three)
    const clashing = batches([airport('A', null, 1)], [airport('B', null, 2), airport('C', null, 1)])
    await expect(region.replaceAll(subject.scope(), clashing)).rejects.toThrow('rows["C"].altitude_ft: Entry "A" has altitude_ft 1 already')
    expect(iatas(await region.select(subject.scope(), {}))).toEqual(['CDG', 'KEF', 'LYS'])
    expect(await region.replaceAll(subject.scope(), batches([airport('NEW', null, 392), airport('CDG', null, 821)]))).toEqual({ entries: 2, created: 1, updated: 1, removed: 2 })
  }),
  must<RegionStoreSubject>('RS49', 'H-14 an index over values that entries share already does not become unique; over others it does, with the entries kept, and ceases to be', async subject => {
    const region = await open(subject)
    await region.putMany(subject.scope(), three)
    const wanted = (changed: Partial<RegionDefinition>) => open(subject, { indexes: [['country'], ['altitude_ft']], ...changed })
    await expect(wanted({ unique: [['country']] })).rejects.toEqual(code('CONFLICT'))
    await expect(wanted({ unique: [['country']] })).rejects.toThrow('the index (country) cannot be unique: entries "CDG" and "LYS" both have country "France"')
    await expect(subject.store.check({ ...airports, unique: [['country']] })).rejects.toThrow('cannot be unique')
    expect(region.definition.unique ?? []).toEqual([])
    await region.putMany(subject.scope(), [airport('LYS', 'Gaul', 821)])
    await wanted({ unique: [['country']] })
    await expect(region.putMany(subject.scope(), [airport('ORY', 'France')])).rejects.toEqual(code('CONFLICT'))
    await wanted({})
    await region.putMany(subject.scope(), [airport('ORY', 'France')])
    expect(await region.count(subject.scope())).toBe(4)
  }),
  must<RegionStoreSubject>('RS50', 'H-14 what other tenants hold is not told to who wants an index unique', async subject => {
    const region = await open(subject, { tenancy: 'TENANT' })
    for (const tenant of ['red', 'blue']) await region.putMany(subject.scope(tenant), three)
    const failure = (await open(subject, { tenancy: 'TENANT', unique: [['country']] }).catch((error: unknown) => error)) as HubError
    expect(failure).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('2 entries have the values of another entry of the same tenant') })
    expect(JSON.stringify([failure.message, failure.details])).not.toMatch(/France|CDG|LYS/)
    await open(subject, { tenancy: 'TENANT', unique: [['altitude_ft']] })
  }),
  must<RegionStoreSubject>('RS51', 'H-14 unique indexes are among the indexes', async subject => {
    const failure = (await open(subject, { unique: [['iata'], ['country']] }).catch((error: unknown) => error)) as HubError
    expect(failure).toMatchObject({ code: 'VALIDATION_ERROR', details: { problems: [{ path: 'unique[0]' }] } })
  }),
  must<RegionStoreSubject>('RS52', 'H-14 a unique index is there after a restart', async subject => {
    await (await open(subject, unique)).putMany(subject.scope(), three)
    await subject.reopen()
    const region = await open(subject, unique)
    await expect(region.putMany(subject.scope(), [airport('ORY', null, 392)])).rejects.toThrow('Entry "CDG" has')
    expect(subject.store.region('airports').definition.unique).toEqual([['altitude_ft']])
  }),
  must<RegionStoreSubject>('RS53', 'an entry that has expired does not come back when entries live longer', async subject => {
    const region = await open(subject, { expiry: { createMs: 2500 } })
    await region.putMany(subject.scope(), three)
    await subject.elapse(2600)
    await open(subject, { expiry: { createMs: 10_000 } })
    expect(await region.count(subject.scope())).toBe(0)
    expect(await region.getMany(subject.scope(), ['CDG'])).toEqual([undefined])
  }),
  must<RegionStoreSubject>('RS54', 'H-04 the nodes that hold the entries are told, each once, with what is known of them', async subject => {
    const { nodes, topologyVersion, pool } = await subject.store.cluster(subject.scope())
    expect(nodes.length).toBeGreaterThan(0)
    expect(new Set(nodes.map(node => node.id)).size).toBe(nodes.length)
    for (const { address, state, partitionsPrimary, partitionsBackup } of nodes) {
      expect([address === null || /^\S+:\d+$/.test(address), state]).toEqual([true, 'UP'])
      for (const count of [partitionsPrimary, partitionsBackup]) expect(count === null || (Number.isInteger(count) && count >= 0)).toBe(true)
    }
    expect(topologyVersion === null || topologyVersion > 0).toBe(true)
    expect(pool === null || (pool.size >= pool.idle && pool.idle >= 0 && pool.waiting >= 0)).toBe(true)
    await expect(subject.store.cluster({ ...subject.scope(), signal: AbortSignal.abort(new Error('the client left')) })).rejects.toThrow('the client left')
  }),
]
