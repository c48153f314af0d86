import fc from 'fast-check'
import { keyedHash } from '../../../connectors/memory/keyed-hash.ts'
import { Postings, PostingTable } from '../../../connectors/memory/postings.ts'

/** Ids by text, beside a plain map that does the same. */
function world(hash = keyedHash()) {
  const texts: (string | undefined)[] = []
  const told: number[] = []
  const postings = new Postings()
  const table = new PostingTable(postings, hash, (id, text) => texts[id] === text, probes => told.push(probes))
  const expected = new Map<string, number[]>()
  return {
    table, texts, told, expected,
    add(id: number, text: string) {
      texts[id] = text
      const before = expected.get(text) ?? []
      expected.set(text, [...before, id])
      expect(table.add(text, id)).toBe(before.length === 0)
    },
    remove(id: number) {
      const text = texts[id] as string
      const left = (expected.get(text) ?? []).filter(one => one !== id)
      if (left.length > 0) expected.set(text, left)
      else expected.delete(text)
      expect(table.remove(text, id)).toBe(left.length === 0)
      texts[id] = undefined
    },
  }
}

const text = fc.constantFrom('', 'a', 'b', 'null', 'é', '語')
const step = fc.record({ id: fc.nat(2_100), text })

const sorted = (ids: readonly number[] = []) => ids.toSorted((a, b) => a - b)

test('a table has the ids of each text, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.boolean(), (steps, meeting) => {
      const { table, texts, expected, add, remove } = world(meeting ? () => 7 : keyedHash())
      for (const { id, text: own } of steps) {
        if (texts[id] === undefined) add(id, own)
        else remove(id)
        expect(sorted(table.ids(own))).toEqual(sorted(expected.get(own)))
      }
      const asked = ['nobody', 'a', '語', 'a', '']
      const ids: number[] = []
      const ends = table.collect(asked, ids, () => undefined)
      expect(asked.map((_, index) => sorted(ids.slice(ends[index - 1] ?? 0, ends[index])))).toEqual(asked.map(one => sorted(expected.get(one))))
      expect(asked.map(one => table.count(one))).toEqual(asked.map(one => expected.get(one)?.length ?? 0))
    }),
    { numRuns: 300 },
  )
})

test('a list grows to many thousands and shrinks again, with every id in it once', () => {
  const { table, expected, add, remove } = world()
  const most = 20_000
  for (let id = 0; id < most; id++) add(id, id % 100 === 0 ? 'few' : 'many')
  expect([sorted(table.ids('many')), table.count('few')]).toEqual([expected.get('many'), most / 100])
  for (let id = 0; id < most - 3; id++) if (id % 100 !== 0) remove(id)
  expect(sorted(table.ids('many'))).toEqual(expected.get('many'))
  expect(sorted(table.ids('few'))).toEqual(expected.get('few'))
})

test('texts that all have one hash are told of as a flood', () => {
  const { told, add } = world(() => 7)
  for (let id = 0; id < 600; id++) add(id, `text ${id}`)
  expect(told[0]).toBe(513)
})
