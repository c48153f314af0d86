import { cancellable, endingWith, Flights, type Work } from '../../../gateway/federation/flights.ts'

/** Work that a test ends by hand. */
function held() {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const cancelled: unknown[] = []
  const work: Work<string> = { result: promise, cancel: reason => { cancelled.push(reason); reject(reason) } }
  return { work, resolve, reject, cancelled }
}

const open = () => new AbortController().signal

describe('work that several wait for', () => {
  test('is begun once while anybody waits, for the same key and the same text', async () => {
    const flights = new Flights<string>()
    const begun: ReturnType<typeof held>[] = []
    const begin = () => {
      const one = held()
      begun.push(one)
      return one.work
    }
    const joined = [flights.join('k', 'ab', open(), begin), flights.join('k', 'ab', open(), begin), flights.join('k', 'ba', open(), begin), flights.join('l', 'ab', open(), begin)]
    expect(begun).toHaveLength(3)
    for (const [nth, one] of begun.entries()) one.resolve(`answer ${nth}`)
    expect(await Promise.all(joined)).toEqual(['answer 0', 'answer 0', 'answer 1', 'answer 2'])
    void flights.join('k', 'ab', open(), begin)
    expect(begun).toHaveLength(4)
  })

  test('says how many share its result, before they have it', async () => {
    const told: [string, number][] = []
    const flights = new Flights<string>((result, seats) => told.push([result, seats]))
    const one = held()
    const leaver = new AbortController()
    const left = flights.join('k', '', leaver.signal, () => one.work)
    const seen = [0, 1].map(() => flights.join('k', '', open(), () => one.work).then(() => [...told]))
    leaver.abort(new Error('gone'))
    await expect(left).rejects.toThrow('gone')
    one.resolve('answer')
    expect(await Promise.all(seen)).toEqual([[['answer', 2]], [['answer', 2]]])
  })

  test('is cancelled with the reason of the last one who leaves, and is another\'s no more', async () => {
    const told: string[] = []
    const flights = new Flights<string>(result => told.push(result))
    const [one, next] = [held(), held()]
    const [first, second] = [new AbortController(), new AbortController()]
    const joined = [flights.join('k', '', first.signal, () => one.work), flights.join('k', '', second.signal, () => one.work)] as const
    first.abort(new Error('first'))
    await expect(joined[0]).rejects.toThrow('first')
    expect(one.cancelled).toEqual([])
    second.abort(new Error('second'))
    await expect(joined[1]).rejects.toThrow('second')
    expect(one.cancelled).toEqual([new Error('second')])
    const later = flights.join('k', '', open(), () => next.work)
    next.resolve('of the next')
    expect([await later, told]).toEqual(['of the next', ['of the next']])
  })

  test('fails for all who wait, and not for who comes later', async () => {
    const flights = new Flights<string>()
    const [one, next] = [held(), held()]
    const joined = [flights.join('k', '', open(), () => one.work), flights.join('k', '', open(), () => one.work)]
    one.reject(new Error('broken'))
    expect((await Promise.allSettled(joined)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const later = flights.join('k', '', open(), () => next.work)
    next.resolve('fine')
    expect(await later).toBe('fine')
  })

  test('is not begun for one who has left', async () => {
    let begun = 0
    const begin = () => {
      begun += 1
      return held().work
    }
    const gone = AbortSignal.abort(new Error('gone'))
    await expect(new Flights<string>().join('k', '', gone, begin)).rejects.toThrow('gone')
    await expect(endingWith(gone, begin)).rejects.toThrow('gone')
    expect(begun).toBe(0)
  })
})

test('work for one alone ends with his signal, and nothing is cancelled behind its end', async () => {
  const [one, other] = [held(), held()]
  const controller = new AbortController()
  const ended = endingWith(controller.signal, () => one.work)
  const cut = endingWith(controller.signal, () => other.work)
  one.resolve('done')
  expect(await ended).toBe('done')
  controller.abort(new Error('left'))
  await expect(cut).rejects.toThrow('left')
  expect([one.cancelled, other.cancelled]).toEqual([[], [new Error('left')]])
})

test('work made of a signal is cancelled through it', async () => {
  const { result, cancel } = cancellable(signal => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))))
  cancel(new Error('enough'))
  await expect(result).rejects.toThrow('enough')
})
