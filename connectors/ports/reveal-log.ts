import type { Scope } from './scope.ts'

/** Who asked what stands behind masked values, of a tenant, also where it was not told. */
export interface RevealLog {
  /** Keeps an attempt, as one of the scope's caller and clock. Durable when answered. */
  append(scope: Scope, attempt: RevealAttempt): Promise<void>
  /** Newest first, at most `limit`. */
  attempts(scope: Scope, limit: number): Promise<readonly KeptAttempt[]>
}

export interface RevealAttempt {
  readonly application: string
  /** REVEALED: the values were told. Any other is the code of the error that was told in their place. */
  readonly outcome: string
  /** As the caller gave it. */
  readonly reason: string
  /** How many values were asked for. */
  readonly count: number
  /** Keys the values were masked with, by name and id. */
  readonly keys: readonly string[]
  /** A hash of each value that was asked for, never the value. */
  readonly hashes: readonly string[]
}

export interface KeptAttempt extends RevealAttempt {
  readonly atMs: number
  /** Subject of the caller. */
  readonly actor: string
  readonly requestId: string
}
