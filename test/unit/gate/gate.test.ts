import { Gate } from '../../../connectors/ports/gate.ts'
import { testScope } from '../../support/scope.ts'

function held() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { promise, end: resolve }
}

/** Ends when everything that can go on has. */
const quiet = () => new Promise(resolve => setImmediate(resolve))

test('so many are inside at once; the others come in, in the order they came, as those end', async () => {
  const gate = new Gate(2, 'things are done')
  const scope = testScope()
  const works = Array.from({ length: 4 }, held)
  const began: number[] = []
  const all = works.map(({ promise }, index) => gate.through(scope, () => {
    began.push(index)
    return promise
  }))
  await quiet()
  expect([began, gate.waiting]).toEqual([[0, 1], 2])
  works[1]?.end()
  await all[1]
  await quiet()
  expect([began, gate.waiting]).toEqual([[0, 1, 2], 1])
  for (const { end } of works) end()
  await Promise.all(all)
  expect([began, gate.waiting]).toEqual([[0, 1, 2, 3], 0])
})

test('H-60 who waits too long is refused, who left waits no more, and neither takes a place with him', async () => {
  const gate = new Gate(1, 'thing is done')
  const scope = testScope()
  const first = held()
  const inside = gate.through(scope, () => first.promise)
  const late = gate.through(scope, () => Promise.resolve('late'))
  const gone = testScope({ clock: scope.clock })
  const left = gate.through(gone, () => Promise.resolve('left'))
  gone.abort(new Error('the client left'))
  await expect(left).rejects.toThrow('the client left')
  scope.clock.advance(5_000)
  await expect(late).rejects.toMatchObject({ code: 'POOL_EXHAUSTED', message: '1 thing is done, and none ended within 5000 ms. Try again later.' })
  expect(gate.waiting).toBe(0)
  first.end()
  await inside
  expect(await gate.through(scope, () => Promise.resolve('next'))).toBe('next')
})

test('work that fails makes room', async () => {
  const gate = new Gate(1, 'thing is done')
  const scope = testScope()
  await expect(gate.through(scope, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await gate.through(scope, () => Promise.resolve('next'))).toBe('next')
})
