const form = /^P(?:(\d+(?:[.,]\d+)?)W|(?:(\d+(?:[.,]\d+)?)D)?(?:T(?=\d)(?:(\d+(?:[.,]\d+)?)H)?(?:(\d+(?:[.,]\d+)?)M)?(?:(\d+(?:[.,]\d+)?)S)?)?)$/
const unitsMs = [7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1_000]

/** Longest duration taken: a hundred years of 365 days. */
const longestMs = 100 * 365 * 86_400_000

/** Milliseconds, from 0, as an ISO 8601 duration: `PT90.5S`. */
export function durationText(ms: number): string {
  return `PT${ms / 1_000}S`
}

/**
 * Milliseconds of an ISO 8601 duration of weeks, or of days, hours, minutes and seconds (`PT10M`, `P1DT12H`, `PT0.5S`), rounded. Undefined for any other text, for years and
 * months, whose length depends on the calendar, and for less than a millisecond or more than a hundred years.
 */
export function durationMs(text: string): number | undefined {
  const match = form.exec(text)
  if (!match) return undefined
  const parts = match.slice(1)
  const ms = Math.round(parts.reduce((sum, part, index) => sum + Number((part ?? '0').replace(',', '.')) * (unitsMs[index] ?? 0), 0))
  return ms >= 1 && ms <= longestMs ? ms : undefined
}
