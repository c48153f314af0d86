export interface TrinoOptions {
  /** Of the coordinator: `https://trino.example:8443`. */
  readonly url: string
  /** Whose name statements run under. */
  readonly user: string
  readonly auth?: TrinoAuth
  readonly tls?: TrinoTls
  /** Names the client in Trino's query list; default `tributary`. */
  readonly source?: string
  /** Secrets by the names that catalogs' properties give them (`password-credential-name`), asked before each statement: they travel in a header and stand in no statement's text. */
  readonly credentials?: () => Readonly<Record<string, string>>
  /** Words by which Trino's resource groups may choose. */
  readonly clientTags?: readonly string[]
  /** How long a request that found no answer (502, 503, 504, connection lost) is tried again; default 5,000. */
  readonly retryMs?: number
  /** How long one request may go without an answer; Trino answers a waiting client every second. Default 30,000. */
  readonly silenceMs?: number
}

export type TrinoAuth =
  | { readonly kind: 'basic'; readonly password: string }
  /** `token` is asked before each request, so that it may be renewed. */
  | { readonly kind: 'jwt'; readonly token: () => string }

/** PEM texts, as `node:tls` takes them. */
export interface TrinoTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}
