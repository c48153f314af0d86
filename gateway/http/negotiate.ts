interface Range {
  readonly type: string
  readonly q: number
}

/**
 * The offer the client likes best (RFC 9110, 12.5.1): by the most specific range that covers it, then by the order offered. Undefined when it takes
 * none; the first offer when it says nothing. Parameters other than `q` are not looked at.
 */
export function negotiate<Offer extends string>(accept: string | undefined, offers: readonly Offer[]): Offer | undefined {
  if (accept === undefined || accept.trim() === '') return offers[0]
  const ranges = accept.split(',').map(range)
  let best: { offer: Offer; q: number } | undefined
  for (const offer of offers) {
    const q = quality(offer, ranges)
    if (q > (best?.q ?? 0)) best = { offer, q }
  }
  return best?.offer
}

function range(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map(part => part.trim().toLowerCase())
  const given = parameters.find(parameter => parameter.startsWith('q='))
  const q = given === undefined ? 1 : Number(given.slice(2))
  return { type, q: Number.isFinite(q) ? q : 0 }
}

function quality(offer: string, ranges: readonly Range[]): number {
  const [major] = offer.split('/')
  for (const type of [offer, `${major}/*`, '*/*']) {
    const found = ranges.find(each => each.type === type)
    if (found) return found.q
  }
  return 0
}
