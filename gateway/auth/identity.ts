import type { Caller } from '../../connectors/ports/scope.ts'

/** Who calls, for which tenant, and until when that is proven. */
export interface Identity {
  readonly tenant: string
  readonly caller: Caller
  /** Milliseconds since 1970; absent when the proof does not expire. */
  readonly expiresAtMs?: number
}

/** What a request brought to prove who calls: header values as they came. */
export interface Credentials {
  readonly authorization?: string | undefined
  readonly apiKey?: string | undefined
}

/** Grants whatever is asked; listed, it is `*`. */
class EveryScope extends Set<string> {
  override has(_scope: string): boolean {
    return true
  }
}

export const everyScope: ReadonlySet<string> = new EveryScope(['*'])

/** Who calls where the hub is open. */
export const anonymous: Identity = { tenant: 'public', caller: { subject: 'anonymous', scopes: everyScope } }
