import { Random } from '../../../gateway/demo/random.ts'

/** What files are for: appended to a table of the lake, exported as csv, appended to a table of a database, merged into one. */
export const kinds = ['receive', 'deliver', 'book', 'settle'] as const
export type Kind = (typeof kinds)[number]

/** One file of the day, which one run takes. */
export interface Exchange {
  readonly number: number
  readonly application: string
  readonly kind: Kind
  /** When it arrives, which its file is called by: no other of its application and kind comes then. */
  readonly runDate: string
  readonly lines: readonly Line[]
}

/** A line of an order; its number is that of no other line of the day, and grows. */
export interface Line {
  readonly lineId: number
  readonly orderId: number
  readonly customerId: number
  readonly cents: number
  readonly email: string
}

export interface Day {
  readonly applications: readonly string[]
  readonly exchanges: readonly Exchange[]
}

const date = '2026-01-31'
const daySeconds = 24 * 60 * 60
/** How many of twenty files are of a kind. */
const shares: Readonly<Record<Kind, number>> = { receive: 8, deliver: 5, book: 4, settle: 3 }
const drawn = kinds.flatMap(kind => Array<Kind>(shares[kind]).fill(kind)) as [Kind, ...Kind[]]
export const customers = 200
/** Orders of an application whose lines come in many files. */
const orders = 400

/** A day of files, the same for the same seed. The first of each application is one that is received. */
export function dayOf({ exchanges, applications, seed }: { readonly exchanges: number; readonly applications: number; readonly seed: number }): Day {
  if (exchanges > daySeconds) throw new RangeError(`A day has ${daySeconds} seconds, and each file its own; ${exchanges} are too many.`)
  const random = new Random(seed)
  const names = Array.from({ length: applications }, (_, nth) => `app-${String(nth + 1).padStart(2, '0')}`)
  let lineId = 0
  const line = (orderId: number): Line => {
    lineId += 1
    const customerId = random.whole(1, customers)
    return { lineId, orderId, customerId, cents: random.whole(-10_000, 1_000_000), email: `customer-${customerId}@example.com` }
  }
  return {
    applications: names,
    exchanges: Array.from({ length: exchanges }, (_, nth): Exchange => {
      const number = nth + 1
      const kind = nth < applications ? 'receive' : random.pick(drawn)
      const application = names[nth < applications ? nth : random.whole(0, applications - 1)] ?? ''
      const time = new Date(Math.floor((nth * daySeconds) / exchanges) * 1000).toISOString().slice(11, 19)
      const lines = Array.from({ length: random.whole(20, 60) }, () => line(kind === 'receive' ? random.whole(1, orders) : orders + number * 100 + random.whole(0, 30)))
      return { number, application, kind, runDate: `${date}T${time}`, lines }
    }),
  }
}

/** The country of a customer, which all applications look up. */
export function countryOf(customerId: number): string {
  return `country-${customerId % 17}`
}

/** Of the lines of one order the last. */
export function latest(lines: readonly Line[]): readonly Line[] {
  const found = new Map<number, Line>()
  for (const line of lines) if (line.lineId > (found.get(line.orderId)?.lineId ?? 0)) found.set(line.orderId, line)
  return [...found.values()]
}
