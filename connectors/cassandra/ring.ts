import type { token } from 'cassandra-driver'

/** A part of the ring: tokens above `after`, up to `upTo`. Values as the driver takes them. */
export interface Span {
  readonly after: unknown
  /** Absent: to the end of the ring. */
  readonly upTo?: unknown
}

/** Spans of one read of a table, at least and at most. */
const fewest = 16
const most = 512

/** Spans that together are the ring, each once. Of a small ring each range is split; of a large one neighbours are read together. */
export function spansOf(ring: Iterable<token.TokenRange>): readonly Span[] {
  const ranges = [...ring].filter(range => !range.isEmpty())
  const parts = Math.ceil(fewest / Math.max(1, ranges.length))
  const spans = ranges.flatMap(range => range.splitEvenly(parts)).flatMap(range => range.unwrap())
  const sorted = spans.toSorted((a, b) => a.start.compare(b.start)).map(({ start, end }): Span => ({ after: bound(start), ...(end.compare(start) > 0 ? { upTo: bound(end) } : {}) }))
  const together = Math.ceil(sorted.length / most)
  return Array.from({ length: Math.ceil(sorted.length / together) }, (_, index) => joined(sorted.slice(index * together, (index + 1) * together)))
}

/** Neighbours as one: of a sorted ring each begins where the one before it ends. */
function joined(spans: readonly Span[]): Span {
  return { ...spans.at(-1), after: spans[0]?.after }
}

/** Tokens are integers, or of a ring in order of keys their bytes. */
function bound(of: token.Token): unknown {
  const value: unknown = of.getValue()
  return Buffer.isBuffer(value) ? value : BigInt(String(value))
}
