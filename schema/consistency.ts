import { HubError } from './errors.ts'
import { didYouMean } from './names.ts'

export const consistencyLevels = ['EVENTUAL', 'STRONG', 'BOUNDED_STALENESS', 'SESSION'] as const
export type ConsistencyLevel = (typeof consistencyLevels)[number]

/** What a read may be answered from; see `enum ConsistencyLevel` in regions.graphql for what each level promises. */
export interface Consistency {
  readonly level: ConsistencyLevel
  /** With BOUNDED_STALENESS, and only then: how old the data behind an answer may be. */
  readonly maxStalenessMs?: number
  /** Who said so; of these the one furthest to the right that says anything. */
  readonly from: 'default' | 'header' | 'operation' | 'field' | 'argument'
}

/** What one place says of it; nothing: as around it. A window alone asks for BOUNDED_STALENESS. */
export interface SaidConsistency {
  readonly level?: ConsistencyLevel | null
  readonly maxStalenessMs?: number | null
}

/** The window where BOUNDED_STALENESS is asked for without one. */
export const defaultStalenessMs = 5_000

export function defaultConsistency(level: ConsistencyLevel): Consistency {
  return level === 'BOUNDED_STALENESS' ? { level, maxStalenessMs: defaultStalenessMs, from: 'default' } : { level, from: 'default' }
}

/**
 * What holds where a nearer place says something: that, and where it says no window, the one around it. A window that is no whole number above 0, or beside a level that
 * has none → VALIDATION_ERROR in the words of that place.
 */
export function nearerConsistency(around: Consistency, { level, maxStalenessMs }: SaidConsistency, from: Consistency['from'], words = { level: 'consistency', window: 'maxStalenessMs' }): Consistency {
  const window = maxStalenessMs ?? undefined
  if (window !== undefined && !(Number.isSafeInteger(window) && window > 0)) throw new HubError('VALIDATION_ERROR', `${words.window} is ${window}; it takes a whole number of milliseconds above 0.`, { field: words.window })
  if (!level && window === undefined) return around
  if (level && level !== 'BOUNDED_STALENESS') {
    if (window === undefined) return { level, from }
    throw new HubError('VALIDATION_ERROR', `${words.level} is ${level}, which has no window, and ${words.window} gives one. Leave it out, or ask for BOUNDED_STALENESS.`, { field: words.window })
  }
  return { level: 'BOUNDED_STALENESS', maxStalenessMs: window ?? around.maxStalenessMs ?? defaultStalenessMs, from }
}

/** The level a text names, in any letter case; another word → VALIDATION_ERROR with those there are. */
export function consistencyLevel(text: string, field: string): ConsistencyLevel {
  const word = text.trim().toUpperCase()
  const found = consistencyLevels.find(level => level === word)
  if (found) return found
  const shown = text.slice(0, 100)
  throw new HubError('VALIDATION_ERROR', `${field} is "${shown}"; it takes ${consistencyLevels.slice(0, -1).join(', ')} or ${consistencyLevels.at(-1)}.${didYouMean(shown, consistencyLevels)}`, { field, found: shown, expected: consistencyLevels })
}
