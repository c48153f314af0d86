import type { Scope } from '../ports/scope.ts'

/** One place secrets may be in. */
export interface SecretProvider {
  /** Where it looks for a secret of this name, as messages go on behind "looked for in": `variable TRIBUTARY_SECRET_MASK_KEY`. Never a secret. */
  where(name: string): string
  /** The text; undefined: there is none here. What is there and cannot be taken → VALIDATION_ERROR or UPSTREAM_REJECTED, a place that does not answer → UPSTREAM_UNAVAILABLE; never the text. */
  find(scope: Scope, name: string): Promise<string | undefined>
}
