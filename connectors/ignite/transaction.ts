import { HubError } from '../../schema/errors.ts'
import type { Scope } from '../ports/scope.ts'
import type { IgniteClient, Message } from './client.ts'
import type { Connection } from './connection.ts'

const concurrencies = { OPTIMISTIC: 0, PESSIMISTIC: 1 } as const
const isolations = { READ_COMMITTED: 0, REPEATABLE_READ: 1, SERIALIZABLE: 2 } as const

export interface TransactionOptions {
  /** PESSIMISTIC locks what it reads (above READ_COMMITTED) and writes; OPTIMISTIC with SERIALIZABLE finds conflicts at commit and fails with TX_CONFLICT. */
  readonly concurrency: keyof typeof concurrencies
  readonly isolation: keyof typeof isolations
  /** The server rolls back by itself after this long. */
  readonly timeoutMs: number
  /** Seen in the server's list of transactions. */
  readonly label?: string
}

/**
 * A transaction of the server, bound to the connection that began it; it ends with that connection. SQL takes no part in it: what DML changes meanwhile is
 * outside, and not rolled back.
 */
export class Transaction {
  readonly id: number
  readonly #connection: Connection
  readonly #timeoutMs: number
  #state: 'open' | 'committed' | 'rolled back' = 'open'

  constructor(connection: Connection, id: number, timeoutMs: number) {
    this.#connection = connection
    this.id = id
    this.#timeoutMs = timeoutMs
  }

  async send<T>(scope: Scope, { operation, write, read }: Message<T>): Promise<T> {
    this.#mustBeOpen()
    // The server answers by its own time limit; waiting a little longer tells which lock it was.
    return this.#connection.request(operation, write, read, { signal: scope.signal, timeoutMs: this.#timeoutMs + graceMs })
  }

  /**
   * Everything becomes visible, or TX_CONFLICT, TX_TIMEOUT. Where the connection broke, or the time ran out, before the answer came, nobody here knows the
   * outcome: the error says so with `outcome: UNKNOWN`.
   */
  async commit(scope: Scope): Promise<void> {
    this.#mustBeOpen()
    this.#state = 'committed'
    try {
      await this.#end(true, scope)
    } catch (error) {
      if (error instanceof HubError && unknownAfter.has(error.code)) {
        throw new HubError(error.code, `The outcome of the transaction is unknown: ${error.message} Read what it wrote before repeating it.`, { ...error.details, outcome: 'UNKNOWN' }, { cause: error })
      }
      throw error
    }
  }

  /** Takes everything back. What ended already, or was lost with its connection, is rolled back by the server. */
  async rollback(): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'rolled back'
    if (this.#connection.closed) return
    try {
      await this.#end(false)
    } catch (error) {
      if (!(error instanceof HubError) || !endedAnyway.has(error.code)) throw error
    }
  }

  /** OP_TX_END request: transaction id int32, committed bool. */
  #end(committed: boolean, scope?: Scope): Promise<void> {
    return this.#connection.request('txEnd', writer => {
      writer.i32(this.id)
      writer.bool(committed)
    }, () => {}, { ...(scope && { signal: scope.signal }), timeoutMs: this.#timeoutMs + graceMs })
  }

  #mustBeOpen(): void {
    if (this.#state !== 'open') throw new HubError('TX_CONFLICT', `The transaction is ${this.#state} already. Begin another one.`)
  }
}

const graceMs = 2_000
const unknownAfter: ReadonlySet<string> = new Set(['UPSTREAM_UNAVAILABLE', 'TIMEOUT', 'CANCELLED'])
const endedAnyway: ReadonlySet<string> = new Set(['TX_TIMEOUT', 'TX_CONFLICT', 'UPSTREAM_UNAVAILABLE'])

/** OP_TX_START request: concurrency int8, isolation int8, timeout int64 ms, label string | null. Answer: transaction id int32. */
export async function begin(scope: Scope, client: IgniteClient, options: TransactionOptions): Promise<Transaction> {
  const connection = await client.connected(scope)
  const read = (id: number) => new Transaction(connection, id, options.timeoutMs)
  return connection.request('txStart', writer => {
    writer.u8(concurrencies[options.concurrency])
    writer.u8(isolations[options.isolation])
    writer.i64(options.timeoutMs)
    writer.string(options.label ?? null)
  }, reader => read(reader.i32()), {
    signal: scope.signal,
    discard: reader => {
      read(reader.i32()).rollback().catch(error => client.settings.log?.warn('Ignite: a transaction nobody waits for was not rolled back.', { reason: String(error) }))
    },
  })
}

/** Runs the work in a transaction: committed when it ends, rolled back when it fails. */
export async function transact<T>(scope: Scope, client: IgniteClient, options: TransactionOptions, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  const transaction = await begin(scope, client, options)
  try {
    const result = await work(transaction)
    await transaction.commit(scope)
    return result
  } catch (error) {
    await transaction.rollback().catch(failure => scope.log.warn('Ignite: a failed transaction was not rolled back at once.', { reason: String(failure) }))
    throw error
  }
}
