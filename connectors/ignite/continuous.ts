import { asHubError, type HubError } from '../../schema/errors.ts'
import type { Cache } from './cache.ts'
import type { IgniteClient } from './client.ts'
import type { Connection } from './connection.ts'
import { list } from './binary/metadata.ts'
import type { Reader } from './wire/reader.ts'

const eventTypes = ['CREATED', 'UPDATED', 'REMOVED', 'EXPIRED'] as const

export interface CacheEvent<K, V> {
  readonly type: (typeof eventTypes)[number]
  readonly key: K
  readonly before: V | undefined
  readonly after: V | undefined
}

export interface ContinuousEvents<K, V> {
  /**
   * In the order the server sent them: per key the order of its changes; nothing groups the changes of one transaction. What it throws ends the connection, so that
   * everyone on it learns of the gap.
   */
  changed(events: readonly CacheEvent<K, V>[]): void
  /** From now on changes may go by unseen. */
  lost(reason: HubError): void
  /** Changes are seen again; those since `lost` are not told: read again what must be known. */
  restored(): void
}

export interface ContinuousQuery {
  /** Whether changes are being seen at this moment. */
  readonly live: boolean
  close(): Promise<void>
}

/**
 * Tells every change of a cache, whoever makes it, SQL included, after it was committed. Answers once changes are seen. The query ends with its connection and is
 * then opened again over any host that answers, for as long as it takes.
 *
 * OP_QUERY_CONTINUOUS request: head of the cache, page size int32 = 1, interval int64 ms = 0, include expired bool, filter = null. Answer: id int64.
 * Events: notification under that id: int32 count × (key, old value, value, type int8 as in `eventTypes`). They may overtake the answer.
 * With a page above 1 and no interval, other nodes hold events back until a page is full, and the last never come.
 */
export async function continuous<K, V>(client: IgniteClient, cache: Cache<K, V>, to: ContinuousEvents<K, V>): Promise<ContinuousQuery> {
  const query = new Query(client, cache, to)
  await query.open()
  return query
}

class Query<K, V> implements ContinuousQuery {
  readonly #client: IgniteClient
  readonly #cache: Cache<K, V>
  readonly #to: ContinuousEvents<K, V>
  #stop: (() => Promise<void>) | undefined
  #stopUp = () => {}
  #reopening = false
  #closed = false
  /** Events are read one after the other, though one may have to wait for a schema. */
  #reading: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(client: IgniteClient, cache: Cache<K, V>, to: ContinuousEvents<K, V>) {
    this.#client = client
    this.#cache = cache
    this.#to = to
  }

  get live(): boolean {
    return this.#stop !== undefined
  }

  async open(): Promise<void> {
    const connection = await this.#client.connected()
    await connection.opening(async () => {
      const id = await connection.request('continuousQuery', writer => {
        this.#cache.writeHead(writer)
        writer.i32(1)
        writer.i64(0)
        writer.bool(true)
        writer.string(null)
      }, reader => reader.i64())
      const unlisten = connection.listen(id, reader => this.#receive(connection, reader))
      const unlost = connection.onClose(reason => this.#lost(reason))
      this.#stop = async () => {
        unlisten()
        unlost()
        if (!connection.closed) await connection.request('resourceClose', writer => writer.i64(id), () => {})
      }
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stopUp()
    const stop = this.#stop
    this.#stop = undefined
    await stop?.()
  }

  #receive(connection: Connection, reader: Reader): void {
    const read = this.#cache.learning(at => this.#events(at))
    if (this.#waiting > 0) {
      this.#later(connection, this.#reading.then(() => read(reader)))
      return
    }
    const events = read(reader)
    if (events instanceof Promise) this.#later(connection, events)
    else this.#deliver(events)
  }

  #later(connection: Connection, events: Promise<readonly CacheEvent<K, V>[]>): void {
    this.#waiting += 1
    this.#reading = events.then(found => this.#deliver(found), error => connection.close(asHubError(error))).finally(() => {
      this.#waiting -= 1
    })
  }

  #events(reader: Reader): readonly CacheEvent<K, V>[] {
    return list(reader, () => {
      const key = this.#cache.readKey(reader) as K
      const before = this.#cache.readValue(reader)
      const after = this.#cache.readValue(reader)
      return { key, before, after, type: eventTypes[reader.u8()] ?? 'UPDATED' }
    })
  }

  #deliver(events: readonly CacheEvent<K, V>[]): void {
    if (this.#closed) return
    this.#to.changed(events)
  }

  #lost(reason: HubError): void {
    this.#stop = undefined
    if (this.#closed) return
    this.#to.lost(reason)
    this.#stopUp = this.#client.onUp(() => this.#reopen())
    this.#reopen()
  }

  #reopen(): void {
    if (this.#closed || this.#stop || this.#reopening || this.#client.closed) return
    this.#reopening = true
    this.open().then(() => {
      this.#reopening = false
      if (this.#closed) return this.close()
      this.#stopUp()
      return this.#to.restored()
    }).catch(error => {
      this.#reopening = false
      this.#client.settings.log?.warn('Ignite: a continuous query is not restored yet.', { cache: this.#cache.name, reason: String(error) })
      this.#again()
    })
  }

  /** A host that comes up tries at once; a refusal of a host that is up is tried again after a pause. */
  #again(): void {
    const { clock, backOffMs: [, last] } = this.#client.settings
    clock.after(last, () => this.#reopen())
  }
}
