/** `23:59:59.120` → `23:59:59.12`. */
export function timeOf(text: string): string {
  return text.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')
}

/** `2024-01-31 23:59:59.120` → `2024-01-31T23:59:59.12`. */
export function localOf(text: string): string {
  return timeOf(text).replace(' ', 'T')
}

/**
 * `2024-01-31 23:59:59.120 Europe/Paris` → `2024-01-31T22:59:59.12Z`. Trino tells the clock and the zone, not the instant: of the hour that comes twice when clocks go back
 * the first is meant, as for Trino's own literals.
 */
export function instantOf(text: string): string {
  const [, date = '', clock = '', fraction = '', zone = ''] = /^(\S+) (\d{2}:\d{2}:\d{2})(\.\d+)? (.+)$/.exec(text) ?? []
  const local = Date.parse(`${date}T${clock}Z`)
  if (Number.isNaN(local)) throw new RangeError(`"${text}" is not a timestamp with a time zone.`)
  const instant = zone === 'UTC' ? local : local - offsetMs(local, zone)
  return `${new Date(instant).toISOString().slice(0, -5)}${timeOf(fraction)}Z`
}

const minute = 60_000
const day = 1440 * minute

/** What the zone's clock is ahead of UTC when it shows `local`, a time written as if it were UTC. */
function offsetMs(local: number, zone: string): number {
  const fixed = /^([+-])(\d{2}):(\d{2})$/.exec(zone)
  if (fixed) return (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3])) * minute
  const around = [clockOffset(local - day, zone), clockOffset(local + day, zone)]
  return around.find(offset => clockOffset(local - offset, zone) === offset) ?? around[0] ?? 0
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** What the zone's clock is ahead of UTC at an instant. */
function clockOffset(instant: number, zone: string): number {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric', era: 'short' })
    formats.set(zone, format)
  }
  const parts = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, value]))
  const year = parts['era'] === 'BC' ? 1 - Number(parts['year']) : Number(parts['year'])
  const shown = new Date(0)
  shown.setUTCFullYear(year, Number(parts['month']) - 1, Number(parts['day']))
  shown.setUTCHours(Number(parts['hour']), Number(parts['minute']), Number(parts['second']))
  return shown.getTime() - Math.floor(instant / 1000) * 1000
}
