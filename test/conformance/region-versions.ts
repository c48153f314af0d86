import type { RegionVersions } from '../../connectors/ports/footprint.ts'
import type { Region, RegionDefinition } from '../../connectors/ports/region-store.ts'
import type { Row } from '../../schema/values.ts'
import { must } from '../support/conformance.ts'
import { airport, airports, type RegionStoreSubject } from './region-store.ts'

function versionsOf({ versions }: Region): RegionVersions {
  if (!versions) throw new Error('The region says nothing of its changes.')
  return versions
}

/** What a region says of a tenant's entry and of his rows. Whether of either it never says a number again is looked at with each call. */
function listener(region: Region, key: string, tenant: string) {
  const past = { entry: new Set<number>(), rows: new Set<number>() }
  let last = { entry: -1, rows: -1 }
  const now = () => {
    const [entry, rows] = [versionsOf(region).entry(tenant, key), versionsOf(region).rows(tenant)]
    if (entry === undefined || rows === undefined) throw new Error(`Of "${key}" the region says ${entry}, of the rows ${rows}.`)
    return { entry, rows }
  }
  return {
    same(what: string): void {
      expect([what, now()]).toEqual([what, last])
    },
    /** Of what it said before, it says nothing again. Absence has one number where numbers are those of the moment. */
    other(what: string, absent = false): void {
      const said = now()
      if (!(absent && said.entry === 0)) expect([what, past.entry.has(said.entry)]).toEqual([what, false])
      expect([what, said.entry !== last.entry, past.rows.has(said.rows)]).toEqual([what, true, false])
      past.entry.add(said.entry)
      past.rows.add(said.rows)
      last = said
    },
  }
}

const open = (subject: RegionStoreSubject, changed: Partial<RegionDefinition> = {}) => subject.store.define({ ...airports, ...changed })

async function* one(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield rows
}

export const regionVersionChecks = [
  must<RegionStoreSubject>('RV01', 'what is only read keeps its numbers, absent entries too', async subject => {
    const region = await open(subject)
    const scope = subject.scope()
    const there = listener(region, 'CDG', scope.tenant)
    const absent = listener(region, 'XXX', scope.tenant)
    await region.putMany(scope, [airport('CDG', 'France', 392)])
    there.other('written')
    absent.other('absent', true)
    for (const near of [false, true, true]) await region.getMany(scope, ['CDG', 'XXX'], { near })
    await region.select(scope, {})
    await region.count(scope)
    there.same('read')
    absent.same('read')
  }),

  must<RegionStoreSubject>('RV02', 'by the time a change is answered the entry has a number it never had, and so have the rows: put, filled, removed, replaced, cleared, in a transaction', async subject => {
    const region = await open(subject)
    const scope = subject.scope()
    const { other } = listener(region, 'CDG', scope.tenant)
    const cdg = airport('CDG', 'France', 392)
    other('empty', true)
    await region.putMany(scope, [cdg])
    other('put')
    await region.putMany(scope, [cdg])
    other('put as it was')
    await region.removeMany(scope, ['CDG'])
    other('removed', true)
    await region.fill(scope, [cdg], region.mark())
    other('filled')
    await region.replaceAll(scope, one([airport('CDG', 'France', 393)]))
    other('replaced')
    await region.clear(scope)
    other('cleared', true)
    await subject.store.transact(scope, { isolation: 'SERIALIZABLE', timeoutMs: 10_000 }, tx => tx.putMany('airports', [cdg]))
    other('put in a transaction')
    await region.replaceAll(scope, one([]), { silent: true })
    other('replaced by nothing, untold', true)
  }),

  must<RegionStoreSubject>('RV03', 'a change of one entry is one of the rows, and none of another entry', async subject => {
    const region = await open(subject)
    const scope = subject.scope()
    await region.putMany(scope, [airport('CDG'), airport('LYS')])
    const versions = versionsOf(region)
    const before = { other: versions.entry(scope.tenant, 'LYS'), rows: versions.rows(scope.tenant) }
    await region.putMany(scope, [airport('CDG', 'France')])
    expect([versions.entry(scope.tenant, 'LYS') === before.other, versions.rows(scope.tenant) === before.rows]).toEqual([true, false])
  }),

  must<RegionStoreSubject>('RV04', 'where each tenant has entries of his own, what one writes changes no number of another', async subject => {
    const region = await open(subject, { tenancy: 'TENANT' })
    const own = listener(region, 'CDG', 'acme')
    await region.putMany(subject.scope('acme'), [airport('CDG', 'France')])
    own.other('written')
    await region.putMany(subject.scope('globex'), [airport('CDG', 'Elsewhere')])
    await region.clear(subject.scope('globex'))
    own.same('written by another')
    await region.replaceAll(subject.scope('acme'), one([airport('CDG', 'Italy')]))
    own.other('replaced')
  }),

  must<RegionStoreSubject>('RV05', 'an entry whose time is over has not the number it had, or a region whose entries end says nothing', async subject => {
    const region = await open(subject, { expiry: { createMs: 1_000 } })
    const scope = subject.scope()
    await region.putMany(scope, [airport('CDG')])
    const before = [region.versions?.entry(scope.tenant, 'CDG'), region.versions?.rows(scope.tenant)]
    await subject.elapse(1_000)
    const after = [region.versions?.entry(scope.tenant, 'CDG'), region.versions?.rows(scope.tenant)]
    if (region.versions) expect([before[0] === after[0], before[1] === after[1]]).toEqual([false, false])
    else expect([...before, ...after]).toEqual([undefined, undefined, undefined, undefined])
  }),

  must<RegionStoreSubject>('RV06', 'an entry that went because there was no room has not the number it had', async subject => {
    const region = await open(subject, { maxEntries: 2 })
    const scope = subject.scope()
    await region.putMany(scope, [airport('CDG')])
    const { other } = listener(region, 'CDG', scope.tenant)
    other('written')
    await region.putMany(scope, [airport('LYS')])
    await region.putMany(scope, [airport('KEF')])
    other('gone', true)
    expect(await region.getMany(scope, ['CDG'])).toEqual([undefined])
  }),

  must<RegionStoreSubject>('RV07', 'a region that was dropped says nothing', async subject => {
    const region = await open(subject)
    const scope = subject.scope()
    await region.putMany(scope, [airport('CDG')])
    const versions = versionsOf(region)
    await subject.store.drop('airports')
    expect([versions.entry(scope.tenant, 'CDG'), versions.rows(scope.tenant)]).toEqual([undefined, undefined])
  }),
]
