import { HubError } from '../../schema/errors.ts'
import type { Json } from '../../schema/values.ts'
import { parseWithTexts } from '../../schema/exact-json.ts'
import { type TrinoHttp, openHttp } from './http.ts'
import type { TrinoOptions } from './options.ts'
import type { Page, TrinoColumn, TrinoError, TrinoStats } from './protocol.ts'

/** Statements on one Trino. Each call stands alone: no session, prepared statement or transaction outlives it. */
export interface TrinoClient {
  /**
   * Runs a statement up to its first page that tells the columns. Trino's own refusals are thrown as TrinoFailure, by the pages too; what HTTP says as a HubError; an abort as the
   * signal's reason, and the statement is ended in Trino.
   */
  run(call: TrinoCall): Promise<TrinoResult>
  /** Ends when the coordinator takes statements; else UPSTREAM_UNAVAILABLE, by the signal's end at the latest. */
  check(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export interface TrinoCall {
  readonly sql: string
  readonly signal: AbortSignal
  /** Statements by name that `EXECUTE` and `DESCRIBE INPUT` in this one may name. */
  readonly prepared?: Readonly<Record<string, string>>
  /** Takes the ending of the statement in Trino, where nobody waits for it. */
  readonly later: (work: () => Promise<void>) => void
}

export interface TrinoResult {
  /** Trino's own, as `/v1/query/<id>` knows it. */
  readonly id: string
  readonly columns: readonly TrinoColumn[]
  /** One page of rows, asked for when the one before is used up; undefined at the end. */
  next(): Promise<readonly (readonly Json[])[] | undefined>
  /** Ends the statement in Trino, unless it has ended. */
  end(): Promise<void>
  /** As of the last page. */
  readonly stats: TrinoStats | undefined
}

/** What Trino said about a statement. */
export class TrinoFailure extends Error {
  readonly error: TrinoError

  constructor(error: TrinoError) {
    super(error.message)
    this.name = 'TrinoFailure'
    this.error = error
  }
}

export function openTrino(options: TrinoOptions): TrinoClient {
  const http = openHttp(options)
  return {
    run: call => Statement.start(http, call, options.credentials?.() ?? {}),
    async check(signal) {
      const { starting } = parseWithTexts(await http.text({ method: 'GET', path: '/v1/info', signal, once: true })) as { readonly starting?: boolean }
      if (starting !== false) throw new HubError('UPSTREAM_UNAVAILABLE', `Trino at ${new URL(options.url).host} is starting. Ask again later.`)
    },
    close: () => http.close(),
  }
}

/** Without it Trino cuts times to milliseconds. */
const capabilities = { 'x-trino-client-capabilities': 'PARAMETRIC_DATETIME' }

/** A header of names and values, as the protocol writes them; none for none. */
function pairs(header: string, values: Readonly<Record<string, string>>): Record<string, string> {
  const text = Object.entries(values).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join(',')
  return text === '' ? {} : { [header]: text }
}

class Statement implements TrinoResult {
  readonly #http: TrinoHttp
  readonly #signal: AbortSignal
  readonly #abort: () => void
  #page: Page
  #fresh = true

  static async start(http: TrinoHttp, { sql, signal, prepared = {}, later }: TrinoCall, credentials: Readonly<Record<string, string>>): Promise<TrinoResult> {
    const headers = { ...capabilities, 'x-trino-time-zone': 'UTC', ...pairs('x-trino-prepared-statement', prepared), ...pairs('x-trino-extra-credential', credentials) }
    // Trino begins with a statement when its first page is asked for, so one whose POST was aborted never runs.
    const first = pageOf(await http.text({ method: 'POST', path: '/v1/statement', headers, body: sql, signal }))
    const statement = new Statement(http, first, signal, later)
    statement.#check()
    while (statement.#page.columns === undefined && statement.#page.nextUri !== undefined) await statement.#advance()
    return statement
  }

  private constructor(http: TrinoHttp, page: Page, signal: AbortSignal, later: TrinoCall['later']) {
    this.#http = http
    this.#page = page
    this.#signal = signal
    this.#abort = () => later(() => this.end())
    signal.addEventListener('abort', this.#abort, { once: true })
    if (signal.aborted) this.#abort()
  }

  get id() {
    return this.#page.id
  }

  get columns() {
    return this.#page.columns ?? []
  }

  get stats() {
    return this.#page.stats
  }

  async next() {
    for (;;) {
      if (this.#fresh && this.#page.data !== undefined && this.#page.data.length > 0) {
        this.#fresh = false
        return this.#page.data
      }
      if (this.#page.nextUri === undefined) {
        this.#settle()
        return undefined
      }
      await this.#advance()
    }
  }

  async end() {
    const { nextUri } = this.#page
    this.#settle()
    if (nextUri !== undefined) await this.#http.forget(nextUri)
  }

  async #advance(): Promise<void> {
    const { nextUri, id } = this.#page
    if (nextUri === undefined) return
    try {
      const page = pageOf(await this.#http.text({ method: 'GET', path: nextUri, signal: this.#signal }))
      this.#page = { ...page, id, columns: page.columns ?? this.#page.columns }
    } catch (error) {
      // Where Trino cannot be reached it ends by itself what nobody asks for.
      this.#settle()
      throw error
    }
    this.#fresh = true
    this.#check()
  }

  #check(): void {
    const { error } = this.#page
    if (error === undefined) return
    this.#settle()
    throw new TrinoFailure(error)
  }

  /** Nothing more is to be ended in Trino. */
  #settle(): void {
    const { nextUri: _ended, ...page } = this.#page
    this.#page = page
    this.#signal.removeEventListener('abort', this.#abort)
  }
}

function pageOf(text: string): Page {
  return parseWithTexts(text) as unknown as Page
}
