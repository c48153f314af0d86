/**
 * Every error code the product answers with, as operators and clients read it. The comment says what happened and what to do.
 * `http` is the status of an answer that consists of this error alone; `retry` says whether the same request may succeed later.
 */
export interface CodeInfo {
  readonly http: number
  readonly retry: boolean
}

export const codes = {
  /** A value is outside its enum, or a document is malformed. Correct the request. */
  BAD_USER_INPUT: { http: 400, retry: false },
  /** The GraphQL document does not parse. */
  GRAPHQL_PARSE_FAILED: { http: 400, retry: false },
  /** The GraphQL document parses but asks for what the graph does not have. */
  GRAPHQL_VALIDATION_FAILED: { http: 400, retry: false },
  /** The persisted document is unknown here. Send its text once. */
  PERSISTED_QUERY_NOT_FOUND: { http: 400, retry: false },
  /** Only documents of the trusted list are taken here. */
  UNTRUSTED_DOCUMENT: { http: 403, retry: false },
  /** The cursor or page token belongs to another list, tenant or order, or was altered. Start again without it. */
  BAD_CURSOR: { http: 400, retry: false },
  /** The SQL text does not parse, or names what does not exist; the message has line and column. */
  SQL_ERROR: { http: 400, retry: false },
  /** The embedded engine cannot run this construct of Trino's dialect. Rewrite it, or set a Trino engine. */
  SQL_UNSUPPORTED: { http: 400, retry: false },
  /** Depth, cost, aliases or width of the document are above a limit. Ask for less at once. */
  QUERY_TOO_COMPLEX: { http: 400, retry: false },
  /** A field is missing, has the wrong type, or breaks a rule. */
  VALIDATION_ERROR: { http: 422, retry: false },
  /** The declared catalog has mistakes; every one is listed. */
  CATALOG_INVALID: { http: 422, retry: false },
  /** There is no token, or it is not valid. */
  UNAUTHENTICATED: { http: 401, retry: false },
  /** The caller is known and may not do this. */
  FORBIDDEN: { http: 403, retry: false },
  /** The statement would write; only one reading statement is taken here. */
  READ_ONLY_SQL: { http: 403, retry: false },
  /** Nothing of this name or id exists, or the caller may not know of it. */
  NOT_FOUND: { http: 404, retry: false },
  /** The region has no entry of this key. Insert it first. */
  KEY_NOT_FOUND: { http: 404, retry: false },
  /** The entry is not as the guard expects; nothing was changed. Read it again. */
  PRECONDITION_FAILED: { http: 409, retry: false },
  /** It exists already with another definition, or was changed meanwhile. */
  CONFLICT: { http: 409, retry: false },
  /** The region is ATOMIC, and a transaction names it. Declare it TRANSACTIONAL, or write to it outside of transactions. */
  REGION_NOT_TRANSACTIONAL: { http: 409, retry: false },
  /** Another transaction was first with one of the same entries, or the two locked each other out; this one was rolled back. Run it again. */
  TX_CONFLICT: { http: 409, retry: true },
  /** It is used by others, which the message lists. */
  IN_USE: { http: 409, retry: false },
  /** The place in the log is no longer held. Subscribe again without a cursor: a snapshot follows. */
  GONE: { http: 410, retry: false },
  /** The graph changed under the subscription and its operation no longer validates. */
  SCHEMA_CHANGED: { http: 410, retry: false },
  /** The reader fell behind further than the limit. Come back with the cursor. */
  SLOW_CONSUMER: { http: 429, retry: true },
  /** The body, the batch or the value is above its limit. */
  PAYLOAD_TOO_LARGE: { http: 413, retry: false },
  /** The answer would have more rows or bytes than allowed. Filter or page. */
  RESULT_TOO_LARGE: { http: 413, retry: false },
  /** This caller asks too often. `Retry-After` says when to come back. */
  RATE_LIMITED: { http: 429, retry: true },
  /** Our fault. The detail is in the log under the request id. */
  INTERNAL: { http: 500, retry: false },
  /** An engine or source took the call and refused it. */
  UPSTREAM_REJECTED: { http: 502, retry: false },
  /** The engine or source gave no answer. Safe to ask again. */
  UPSTREAM_UNAVAILABLE: { http: 503, retry: true },
  /** What the hub holds is older than the read allows, and where it comes from does not answer. Safe to ask again; a longer window, or another level, is answered now. */
  STALENESS_EXCEEDED: { http: 503, retry: true },
  /** Every connection is in use, and waiting took too long. */
  POOL_EXHAUSTED: { http: 503, retry: true },
  /** The hub is stopping and takes no new requests. */
  SHUTTING_DOWN: { http: 503, retry: true },
  /** The time limit ran out; the work was cancelled. */
  TIMEOUT: { http: 504, retry: true },
  /** The transaction did not end within its time limit and was rolled back. Run it again, smaller or with more time. */
  TX_TIMEOUT: { http: 504, retry: true },
  /** The client left; the work was cancelled. */
  CANCELLED: { http: 499, retry: true },
} as const satisfies Record<string, CodeInfo>

export type Code = keyof typeof codes

/** One finding inside an error that lists several: where, what was found, and what would be right. */
export interface Problem {
  /** The place in the input, as `regions.airports.key` or `/params/0`. */
  readonly path: string
  readonly message: string
  readonly file?: string
  /** 1-based. */
  readonly line?: number
  /** 1-based. */
  readonly column?: number
}

/**
 * The error every part throws. `message` is one or more sentences for the caller: what was found, what was expected, a way out; never a secret.
 * `details` travel to the client as they are; the first failure travels as `cause` and reaches the log only.
 */
export class HubError extends Error {
  readonly code: Code
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: Code, message: string, details: Readonly<Record<string, unknown>> = {}, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'HubError'
    this.code = code
    this.details = details
  }

  get info(): CodeInfo {
    return codes[this.code]
  }
}

/** The error as it is, or `INTERNAL` around what nobody expected; the message of the latter hides the detail, the cause keeps it. */
export function asHubError(error: unknown): HubError {
  if (error instanceof HubError) return error
  return new HubError('INTERNAL', 'The hub failed to answer. The request id finds the detail in the log.', {}, { cause: error })
}
