import { Kept } from '../../../connectors/memory/kept.ts'
import { integers, Lines } from '../../../connectors/memory/lines.ts'

const size = 32 * 1024
/** As many entries of the size as are kept. */
const room = 1024

function keeper() {
  const lines = new Lines()
  const kept = new Kept(lines)
  const add = () => {
    const id = lines.take()
    lines.setInteger(id, integers.kept, -1)
    return id
  }
  const entryOf = (id: number) => ({ key: String(id), row: {}, version: id, writtenAtMs: 0 })
  /** Whether it was kept. */
  const read = (id: number, bytes = size) => {
    const place = lines.integer(id, integers.kept)
    if (place >= 0) {
      expect(kept.at(place).key).toBe(String(id))
      return true
    }
    kept.made(id, entryOf(id), bytes)
    return false
  }
  return { kept, add, read, entryOf }
}

test('while there is room an entry is kept when it is stored or made, until its record changes', () => {
  const { kept, add, read, entryOf } = keeper()
  const id = add()
  expect([read(id), read(id)]).toEqual([false, true])
  kept.forget(id)
  expect([read(id), read(id)]).toEqual([false, true])
  kept.clear()
  expect(read(id)).toBe(false)
  const stored = add()
  kept.stored(stored, entryOf(stored), size)
  expect(read(stored)).toBe(true)
})

test('when there is none an entry is kept when it is made for the second time, and those that are read meanwhile stay', () => {
  const { kept, add, read, entryOf } = keeper()
  const hot = Array.from({ length: 10 }, add)
  for (const id of hot) read(id)
  for (const id of Array.from({ length: room - hot.length }, add)) read(id)
  for (const id of hot) read(id)
  const others = Array.from({ length: 3 * room }, add)
  for (const id of others) {
    read(id)
    read(id)
    expect(hot.map(one => read(one))).toEqual(hot.map(() => true))
  }
  expect(others.slice(-100).filter(id => read(id))).toHaveLength(100)
  expect(others.slice(0, 100).filter(id => read(id))).toHaveLength(0)
  const stored = add()
  kept.stored(stored, entryOf(stored), size)
  expect(read(stored)).toBe(false)
})

test('one that is very large is never kept', () => {
  const { add, read } = keeper()
  const id = add()
  expect([read(id, size + 1), read(id, size + 1), read(id, size + 1)]).toEqual([false, false, false])
})
