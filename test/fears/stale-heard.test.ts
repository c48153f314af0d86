import fc from 'fast-check'
import { Heard } from '../../connectors/ignite/regions/heard.ts'

const entry = (key: string) => ({ tenant: '', key })

test('whatever is read, changed, lost and found in whatever order: what was made of an entry, or of all rows, is as good as the last change heard of, for as long as its number is the same', () => {
  const keys = fc.constantFrom('a', 'b', 'c')
  const step = fc.oneof(
    fc.record({ do: fc.constant('write' as const), key: keys }), fc.record({ do: fc.constant('hear' as const) }), fc.record({ do: fc.constant('note' as const), key: keys }),
    fc.record({ do: fc.constant('read' as const) }), fc.record({ do: fc.constant('look' as const) }), fc.record({ do: fc.constant('lose' as const) }), fc.record({ do: fc.constant('find' as const) }),
  )
  let looks = 0
  fc.assert(fc.property(fc.array(step, { minLength: 50, maxLength: 200 }), steps => {
    const heard = new Heard()
    heard.on()
    let isOn = true
    const cluster = new Map<string, number>()
    const known = new Map<string, number>()
    const unheard: { readonly key: string; readonly version: number }[] = []
    const noted: { readonly key: string; readonly numbers: readonly (number | undefined)[] }[] = []
    const kept: { readonly key: string; readonly numbers: readonly (number | undefined)[]; readonly version: number; readonly rows: ReadonlyMap<string, number> }[] = []
    const numbers = (key: string) => [heard.entry(entry(key)), heard.rows('')]
    for (const one of steps) {
      if (one.do === 'write') {
        const version = (cluster.get(one.key) ?? 0) + 1
        cluster.set(one.key, version)
        if (isOn) unheard.push({ key: one.key, version })
      } else if (one.do === 'hear') {
        const event = unheard.shift()
        if (!event) continue
        known.set(event.key, event.version)
        heard.changed({ ...entry(event.key), version: event.version }, false)
      } else if (one.do === 'note') noted.push({ key: one.key, numbers: numbers(one.key) })
      else if (one.do === 'read') {
        const next = noted.shift()
        if (next) kept.push({ ...next, version: cluster.get(next.key) ?? 0, rows: new Map(cluster) })
      } else if (one.do === 'lose') {
        unheard.length = 0
        isOn = false
        heard.off()
      } else if (one.do === 'find') {
        if (!isOn) for (const [key, version] of cluster) known.set(key, version)
        isOn = true
        heard.on()
      } else for (const { key, numbers: before, version, rows } of kept) {
        const [ofEntry, ofRows] = numbers(key)
        if (ofEntry !== undefined && ofEntry === before[0]) {
          looks += 1
          if (version < (known.get(key) ?? 0)) throw new Error(`"${key}" is answered as ${version}, and ${known.get(key)} was heard of.`)
        }
        if (ofRows === undefined || ofRows !== before[1]) continue
        for (const [other, last] of known) if ((rows.get(other) ?? 0) < last) throw new Error(`The rows are answered with "${other}" as ${rows.get(other)}, and ${last} was heard of.`)
      }
    }
  }), { numRuns: 3_000, seed: 20261122 })
  expect(looks).toBeGreaterThan(1_000)
})

test('while changes may go by unheard there is no number, and those said before are not said again', () => {
  const heard = new Heard()
  const said = () => [heard.entry(entry('a')), heard.rows('')]
  expect(said()).toEqual([undefined, undefined])
  heard.on()
  const before = said()
  heard.off()
  expect(said()).toEqual([undefined, undefined])
  heard.on()
  expect(said().map((number, index) => number === before[index])).toEqual([false, false])
})

test('the memory for a million entries is that for one, and a change of one leaves nearly all others as they were', () => {
  const heard = new Heard()
  heard.on()
  const numbers = () => Array.from({ length: 10_000 }, (_, index) => heard.entry(entry(String(index))))
  const before = numbers()
  heard.changed({ ...entry('77'), version: 1 }, false)
  const changed = numbers().filter((number, index) => number !== before[index]).length
  expect(changed).toBeGreaterThan(0)
  expect(changed).toBeLessThan(20)
})
