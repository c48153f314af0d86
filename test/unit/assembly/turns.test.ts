import { Turns } from '../../../gateway/assembly/turns.ts'

/** Runs that end when they are told to. */
function runs() {
  const begun: { readonly kind: string; readonly end: () => void; readonly fail: (reason: Error) => void }[] = []
  const work = (kind: string) => () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    begun.push({ kind, end: resolve, fail: reject })
    return promise
  }
  return { begun, work }
}
const settled = () => new Promise<void>(resolve => setImmediate(resolve))

test('what is under way when somebody asks is not what he gets: his run begins behind it, and is shared by all who ask meanwhile', async () => {
  const { begun, work } = runs()
  const turns = new Turns()
  const first = turns.run('stock', 'load', work('first'))
  await settled()
  const second = turns.run('stock', 'load', work('second'))
  expect(turns.run('stock', 'load', work('third'))).toBe(second)
  await settled()
  expect(begun.map(({ kind }) => kind)).toEqual(['first'])
  begun[0]?.end()
  await first
  await settled()
  expect(begun.map(({ kind }) => kind)).toEqual(['first', 'second'])
  const fourth = turns.run('stock', 'load', work('fourth'))
  expect(fourth).not.toBe(second)
  begun[1]?.end()
  await second
  await settled()
  begun[2]?.end()
  await fourth
  expect(begun.map(({ kind }) => kind)).toEqual(['first', 'second', 'fourth'])
})

test('one kind does not stand for another, never two of one name run at once, and other names do not wait', async () => {
  const { begun, work } = runs()
  const turns = new Turns()
  const all = [turns.run('stock', 'load', work('load')), turns.run('stock', 'refresh', work('refresh')), turns.run('totals', 'load', work('other'))]
  await settled()
  expect(begun.map(({ kind }) => kind)).toEqual(['load', 'other'])
  begun[0]?.end()
  begun[1]?.end()
  await settled()
  expect(begun.map(({ kind }) => kind)).toEqual(['load', 'other', 'refresh'])
  begun[2]?.end()
  await Promise.all(all)
})

test('a run that fails tells those who asked for it, and the next goes on', async () => {
  const { begun, work } = runs()
  const turns = new Turns()
  const first = turns.run('stock', 'load', work('first'))
  await settled()
  const second = turns.run('stock', 'load', work('second'))
  begun[0]?.fail(new Error('no source'))
  await expect(first).rejects.toThrow('no source')
  await settled()
  begun[1]?.end()
  await expect(second).resolves.toBeUndefined()
})
