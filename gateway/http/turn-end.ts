/** What was put off to the end of this turn of the event loop, in order. */
let calls: (() => void)[] = []

/**
 * Calls at the end of the turn. Answers written so leave one behind the other: whoever waits for several of them is woken once, where each alone may cost as much as making it. The call must
 * not throw.
 */
export function atTurnEnd(call: () => void): void {
  if (calls.push(call) === 1) setImmediate(callAll)
}

function callAll(): void {
  const now = calls
  calls = []
  for (const call of now) call()
}
