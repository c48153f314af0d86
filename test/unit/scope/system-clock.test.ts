import { jest } from '@jest/globals'
import { systemClock } from '../../../connectors/ports/scope.ts'

const day = 86_400_000

beforeEach(() => void jest.useFakeTimers())
afterEach(() => void jest.useRealTimers())

test('work waits as long as it is told to, longer than a timer of the runtime can, and for ever', () => {
  const done: string[] = []
  systemClock.after(2 ** 31 - 1, () => done.push('a timer long'))
  systemClock.after(100 * day, () => done.push('a hundred days'))
  systemClock.after(Number.POSITIVE_INFINITY, () => done.push('never'))
  jest.advanceTimersByTime(2 ** 31 - 2)
  expect(done).toEqual([])
  jest.advanceTimersByTime(1)
  expect(done).toEqual(['a timer long'])
  jest.advanceTimersByTime(100 * day - 2 ** 31)
  expect(done).toEqual(['a timer long'])
  jest.advanceTimersByTime(1)
  expect(done).toEqual(['a timer long', 'a hundred days'])
  jest.advanceTimersByTime(1_000 * day)
  expect(done).toEqual(['a timer long', 'a hundred days'])
})

test('what was cancelled is not done, whenever that was', () => {
  const done: string[] = []
  const cancel = systemClock.after(100 * day, () => done.push('cancelled'))
  jest.advanceTimersByTime(60 * day)
  cancel()
  systemClock.after(Number.POSITIVE_INFINITY, () => done.push('never'))()
  jest.advanceTimersByTime(100 * day)
  expect(done).toEqual([])
})
