import type { Scope } from './scope.ts'

/** What tokens stand for, sealed by whoever puts it in: the vault cannot read it. Tokens are those of a tenant. */
export interface TokenVault {
  /** Keeps what each token stands for. One that is there stays as it is. Durable when answered. */
  put(scope: Scope, tokens: readonly SealedToken[]): Promise<void>
  /** In the order asked; undefined for a token that nobody put in. */
  find(scope: Scope, tokens: readonly string[]): Promise<readonly (string | undefined)[]>
}

export interface SealedToken {
  readonly token: string
  readonly sealed: string
}
