import { Heard } from '../../../connectors/ignite/regions/heard.ts'
import type { RegionVersions } from '../../../connectors/ports/footprint.ts'
import type { Region } from '../../../connectors/ports/region-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { Dependencies } from '../../../gateway/http/response-cache/dependencies.ts'
import { notingEntries, noteRows } from '../../../resolvers/footprint.ts'
import { consistencyLevels, defaultConsistency } from '../../../schema/consistency.ts'
import { testScope } from '../../support/scope.ts'

/** A region of which only that is known which of its changes were heard of. */
function elsewhere() {
  const heard = new Heard()
  heard.on()
  const versions: RegionVersions = { isBehind: (tenant, key, version) => heard.isBehind({ tenant, key }, version), entry: (tenant, key) => heard.entry({ tenant, key }), rows: tenant => heard.rows(tenant) }
  const region = { engine: 'ignite', versions } as Region
  return { heard, region }
}

function reading(level: Parameters<typeof defaultConsistency>[0] = 'EVENTUAL') {
  const footprint = new Dependencies()
  const scope: Scope = { ...testScope({ tenant: 'acme' }), consistency: defaultConsistency(level), footprint }
  return { footprint, scope }
}

type Note = (scope: Scope, region: Region) => ReturnType<typeof notingEntries>
const ofEntries: Note = (scope, region) => notingEntries(scope, 'notes', region, ['a', 'b'])
const ofRows: Note = (scope, region) => {
  noteRows(scope, 'notes', region)
  return () => {}
}

test('what is heard of while entries or rows are read makes the answer void, however they were found', () => {
  for (const note of [ofEntries, ofRows]) {
    const { heard, region } = elsewhere()
    const { footprint, scope } = reading()
    const found = note(scope, region)
    found([{ key: 'a', row: {}, version: 7, writtenAtMs: 0 }, undefined])
    expect([footprint.reason, footprint.areCurrent()]).toEqual([undefined, true])
    heard.changed({ tenant: 'acme', key: 'b', version: 8 }, false)
    expect(footprint.areCurrent()).toBe(false)
    const late = reading()
    const foundLate = note(late.scope, region)
    heard.changed({ tenant: 'acme', key: 'b', version: 8 }, false)
    foundLate([undefined, { key: 'b', row: {}, version: 8, writtenAtMs: 0 }])
    expect(late.footprint.areCurrent()).toBe(false)
  }
})

test('what was read of a copy that is behind what was heard is not kept', () => {
  const { heard, region } = elsewhere()
  const read = (found: number) => {
    const { footprint, scope } = reading()
    notingEntries(scope, 'notes', region, ['a'])([found === 0 ? undefined : { key: 'a', row: {}, version: found, writtenAtMs: 0 }])
    return footprint.reason
  }
  const behind = 'A copy of an entry of region "notes" was read that is behind what was heard of it.'
  heard.changed({ tenant: 'acme', key: 'a', version: 8 }, false)
  expect([0, 7, 8, 9].map(read)).toEqual([behind, behind, undefined, undefined])
  heard.changed({ tenant: 'acme', key: 'a', version: 8 }, true)
  expect([0, 7, 8, 9].map(read)).toEqual([undefined, behind, behind, undefined])
})

test('while changes may go by unheard nothing is kept', () => {
  const { heard, region } = elsewhere()
  heard.off()
  const entries = reading()
  notingEntries(entries.scope, 'notes', region, ['a'])([undefined])
  const rows = reading()
  noteRows(rows.scope, 'notes', region)
  expect([entries.footprint.reason, rows.footprint.reason]).toEqual(['Changes of region "notes" may go by unheard just now.', 'Whether rows were as they are could not be told just then.'])
})

test.each(consistencyLevels.filter(level => level !== 'EVENTUAL'))('what is heard of is too late for a read at %s', level => {
  const { region } = elsewhere()
  const reason = `Region "notes" is kept in ignite, where other processes write, and the hub hears of it later than this read, at ${level}, would show it.`
  const entries = reading(level)
  notingEntries(entries.scope, 'notes', region, ['a'])([undefined])
  const rows = reading(level)
  noteRows(rows.scope, 'notes', region)
  expect([entries.footprint.reason, rows.footprint.reason]).toEqual([reason, reason])
})
