import { Violation } from '../support/live-client.ts'
import { faults } from '../support/live-faults.ts'
import { simulate, type Totals } from '../support/live-simulation.ts'

const steps = 1_500

/** The first of these histories that breaks a promise. */
function broken(histories: number, fault: (typeof faults)[number]): string | undefined {
  for (let seed = 1; seed <= histories; seed++) {
    try {
      simulate(seed, steps, fault)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      return error.message
    }
  }
  return undefined
}

test('H-58 no subscriber loses a change, gets one twice or out of order: 300 histories of crashes, trims, cuts, slow and crashing clients, replaced regions', () => {
  const totals: Totals = {}
  for (let seed = 1; seed <= 300; seed++) {
    for (const [name, count] of Object.entries(simulate(seed, steps))) totals[name] = (totals[name] ?? 0) + count
  }
  // A history in which nothing happens proves nothing.
  for (const name of ['told', 'merged', 'snapshots', 'resumes', 'resets', 'gone', 'slow', 'progress', 'trims', 'crashes', 'lostEntries']) {
    expect({ name, enough: (totals[name] ?? 0) >= 50 }).toEqual({ name, enough: true })
  }
}, 120_000)

test('the same seed gives the same history', () => {
  expect(simulate(7, steps)).toEqual(simulate(7, steps))
})

test.each(faults)('the simulation finds a planted fault: $name', fault => {
  expect(broken(60, fault)).toBeDefined()
})
