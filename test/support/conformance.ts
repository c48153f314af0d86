/** One thing every adapter of a port must do: an id that never changes, a sentence, and the proof on a fresh subject. */
export interface Check<Subject> {
  readonly id: string
  readonly title: string
  readonly run: (subject: Subject) => Promise<void>
}

export function must<Subject>(id: string, title: string, run: (subject: Subject) => Promise<void>): Check<Subject> {
  return { id, title, run }
}

/** Runs a port's list against one adapter: each check on a subject of its own, closed afterwards whatever happened. */
export function conforms<Subject extends { close(): Promise<void> }>(adapter: string, checks: readonly Check<Subject>[], open: () => Promise<Subject>): void {
  describe(adapter, () => {
    test('has one id per check', () => {
      expect(new Set(checks.map(check => check.id)).size).toBe(checks.length)
    })
    for (const check of checks) {
      test(`${check.id} ${check.title}`, async () => {
        const subject = await open()
        try {
          await check.run(subject)
        } finally {
          await subject.close()
        }
      })
    }
  })
}
