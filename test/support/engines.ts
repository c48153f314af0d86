/** Where the engine a variable names is to be found; undefined where it is not set, so that what needs it is skipped. With REQUIRE_ENGINES set it fails instead. */
export function engineAt(variable: string): string | undefined {
  const place = process.env[variable]
  if (place) return place
  if (process.env['REQUIRE_ENGINES'] === '1') throw new Error(`${variable} is not set, and REQUIRE_ENGINES asks for every engine.`)
  return undefined
}

/** `describe` where the engine is to be had; else the group is reported as skipped, with what it waits for in its name. */
export function withEngine(variable: string, title: string, tests: (place: string) => void): void {
  const place = engineAt(variable)
  if (place) describe(title, () => tests(place))
  else describe.skip(`${title} (needs ${variable})`, () => test('runs against the engine', () => undefined))
}
