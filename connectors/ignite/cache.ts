import type { Scope } from '../ports/scope.ts'
import type { Codec, KeyCodec } from './binary/codec.ts'
import { javaHash } from './binary/names.ts'
import { UnknownSchema } from './binary/type.ts'
import type { IgniteClient, Message } from './client.ts'
import type { Transaction } from './transaction.ts'
import { cacheFlag, type OpName } from './wire/codes.ts'
import type { Reader } from './wire/reader.ts'
import type { Writer } from './wire/writer.ts'

/** Milliseconds from the operation on; a member that is missing leaves the entry's limit as it is, 0 ends the entry at once, Infinity takes the limit away. */
export interface EntryExpiry {
  readonly createMs?: number
  readonly updateMs?: number
  readonly accessMs?: number
}

const unchanged = -2
const eternal = -1

/**
 * The entries of one cache. Every method is one round trip. Reads are repeated on another node when the asked one is lost; writes never are.
 *
 * In front of every operation: cache id int32, flags int8 (`cacheFlag`), with the expiry flag create, update and access int64 in ms
 * (-2 unchanged, -1 eternal), with the transaction flag its id int32.
 */
export class Cache<K, V> {
  readonly name: string
  readonly id: number
  readonly #client: IgniteClient
  readonly #keys: KeyCodec<K>
  readonly #values: Codec<V>
  readonly #expiry: EntryExpiry | undefined
  readonly #transaction: Transaction | undefined

  constructor(client: IgniteClient, name: string, keys: KeyCodec<K>, values: Codec<V>, bound: { expiry?: EntryExpiry; transaction?: Transaction } = {}) {
    this.#client = client
    this.name = name
    this.id = javaHash(name)
    this.#keys = keys
    this.#values = values
    this.#expiry = bound.expiry
    this.#transaction = bound.transaction
  }

  /** The same entries, whose limits its operations set. */
  withExpiry(expiry: EntryExpiry): Cache<K, V> {
    return new Cache(this.#client, this.name, this.#keys, this.#values, this.#bound({ expiry }))
  }

  /** The same entries as the transaction sees and changes them. */
  within(transaction: Transaction): Cache<K, V> {
    return new Cache(this.#client, this.name, this.#keys, this.#values, this.#bound({ transaction }))
  }

  /** The same entries with their values read another way. Its types must be registered already. */
  reading<W>(values: Codec<W>): Cache<K, W> {
    return new Cache(this.#client, this.name, this.#keys, values, this.#bound({}))
  }

  get(scope: Scope, key: K): Promise<V | undefined> {
    return this.#one(scope, 'get', key, reader => this.#values.read(reader), { repeatable: true })
  }

  /** One value per key, in the order asked. Within a transaction the keys are locked in an order of their own. */
  async getAll(scope: Scope, keys: readonly K[]): Promise<readonly (V | undefined)[]> {
    const found = await this.#decoded(scope, 'getAll', writer => this.#writeKeys(writer, this.#transaction ? this.#sorted(keys) : keys), reader => {
      const values = new Map<string, V | undefined>()
      for (let left = reader.i32(); left > 0; left--) {
        const key = this.#keys.read(reader)
        const value = this.#values.read(reader)
        if (key !== undefined) values.set(this.#keys.identity(key), value)
      }
      return values
    }, { repeatable: true })
    return keys.map(key => found.get(this.#keys.identity(key)))
  }

  containsKey(scope: Scope, key: K): Promise<boolean> {
    return this.#one(scope, 'containsKey', key, reader => reader.bool(), { repeatable: true })
  }

  /** Whether all are there. */
  containsKeys(scope: Scope, keys: readonly K[]): Promise<boolean> {
    return this.#decoded(scope, 'containsKeys', writer => this.#writeKeys(writer, keys), reader => reader.bool(), { repeatable: true })
  }

  put(scope: Scope, key: K, value: V): Promise<void> {
    return this.#one(scope, 'put', key, nothing, { value })
  }

  /** Of two entries with one key the later wins. In an order of their own, so that two writers of the same keys cannot lock each other out. */
  async putAll(scope: Scope, entries: readonly (readonly [K, V])[]): Promise<void> {
    const last = new Map(entries.map(entry => [this.#keys.identity(entry[0]), entry]))
    const ordered = [...last].sort(([a], [b]) => (a < b ? -1 : 1))
    await this.#decoded(scope, 'putAll', writer => {
      writer.i32(ordered.length)
      for (const [, [key, value]] of ordered) {
        this.#keys.write(writer, key)
        this.#values.write(writer, value)
      }
    }, nothing)
  }

  /** False: there is an entry already. */
  putIfAbsent(scope: Scope, key: K, value: V): Promise<boolean> {
    return this.#one(scope, 'putIfAbsent', key, reader => reader.bool(), { value })
  }

  /** The value it took the place of. */
  getAndPut(scope: Scope, key: K, value: V): Promise<V | undefined> {
    return this.#one(scope, 'getAndPut', key, reader => this.#values.read(reader), { value })
  }

  /** The value that was there already. */
  getAndPutIfAbsent(scope: Scope, key: K, value: V): Promise<V | undefined> {
    return this.#one(scope, 'getAndPutIfAbsent', key, reader => this.#values.read(reader), { value })
  }

  /** The value it took the place of; undefined: there was none, and none was stored. */
  getAndReplace(scope: Scope, key: K, value: V): Promise<V | undefined> {
    return this.#one(scope, 'getAndReplace', key, reader => this.#values.read(reader), { value })
  }

  getAndRemove(scope: Scope, key: K): Promise<V | undefined> {
    return this.#one(scope, 'getAndRemove', key, reader => this.#values.read(reader))
  }

  /** False: there is no entry, and none was stored. */
  replace(scope: Scope, key: K, value: V): Promise<boolean> {
    return this.#one(scope, 'replace', key, reader => reader.bool(), { value })
  }

  /** Stores `value` only while the entry is byte for byte `expected`. */
  replaceIfEquals(scope: Scope, key: K, expected: V, value: V): Promise<boolean> {
    return this.#decoded(scope, 'replaceIfEquals', writer => {
      this.#keys.write(writer, key)
      this.#values.write(writer, expected)
      this.#values.write(writer, value)
    }, reader => reader.bool(), {}, key)
  }

  /** False: there was no entry. */
  remove(scope: Scope, key: K): Promise<boolean> {
    return this.#one(scope, 'removeKey', key, reader => reader.bool())
  }

  removeIfEquals(scope: Scope, key: K, expected: V): Promise<boolean> {
    return this.#one(scope, 'removeIfEquals', key, reader => reader.bool(), { value: expected })
  }

  removeAll(scope: Scope, keys: readonly K[]): Promise<void> {
    return this.#decoded(scope, 'removeKeys', writer => this.#writeKeys(writer, this.#sorted(keys)), nothing)
  }

  /** Removes every entry; continuous queries see each. */
  removeEverything(scope: Scope): Promise<void> {
    return this.#decoded(scope, 'removeAll', nothing, nothing)
  }

  /** Drops every entry without telling continuous queries, and outside of any transaction. */
  clear(scope: Scope): Promise<void> {
    return this.#decoded(scope, 'clear', nothing, nothing)
  }

  /** How many entries there are, backups not counted. */
  size(scope: Scope): Promise<number> {
    return this.#decoded(scope, 'size', writer => writer.i32(0), reader => Number(reader.long()), { repeatable: true })
  }

  /** What stands in front of the operations of this cache; for the queries beside it. */
  writeHead(writer: Writer): void {
    const expiry = this.#expiry
    const transaction = this.#transaction
    writer.i32(this.id)
    writer.u8(cacheFlag.keepBinary | (expiry ? cacheFlag.expiry : 0) | (transaction ? cacheFlag.transaction : 0))
    if (expiry) for (const limit of [expiry.createMs, expiry.updateMs, expiry.accessMs]) writer.i64(wireLimit(limit))
    if (transaction) writer.i32(transaction.id)
  }

  /** One key and its value as they come in queries; waits where the value has a schema that must be learned first. */
  readEntry(reader: Reader): { readonly key: K | undefined; readonly value: V | undefined } {
    return { key: this.#keys.read(reader), value: this.#values.read(reader) }
  }

  readKey(reader: Reader): K | undefined {
    return this.#keys.read(reader)
  }

  readValue(reader: Reader): V | undefined {
    return this.#values.read(reader)
  }

  /** Reads; where an object has a schema unknown here, learns it and reads again from the same place. */
  learning<T>(read: (reader: Reader) => T): (reader: Reader) => T | Promise<T> {
    return reader => {
      const start = reader.at
      try {
        return read(reader)
      } catch (error) {
        if (!(error instanceof UnknownSchema)) throw error
        return this.#client.learn(error).then(() => {
          reader.at = start
          return this.learning(read)(reader)
        })
      }
    }
  }

  #one<T>(scope: Scope, operation: OpName, key: K, read: (reader: Reader) => T, more: { repeatable?: boolean; value?: V } = {}): Promise<T> {
    return this.#decoded(scope, operation, writer => {
      this.#keys.write(writer, key)
      if ('value' in more) this.#values.write(writer, more.value as V)
    }, read, more, key)
  }

  #decoded<T>(scope: Scope, operation: OpName, write: (writer: Writer) => void, read: (reader: Reader) => T, { repeatable = false }: { repeatable?: boolean } = {}, key?: K): Promise<T> {
    const message: Message<T> = {
      operation, repeatable,
      write: writer => {
        this.writeHead(writer)
        write(writer)
      },
      read: this.learning(read),
      ...(key !== undefined && { key: { cacheId: this.id, hash: this.#keys.hash(key) } }),
    }
    return this.#transaction ? this.#transaction.send(scope, message) : this.#client.send(scope, message)
  }

  #writeKeys(writer: Writer, keys: readonly K[]): void {
    writer.i32(keys.length)
    for (const key of keys) this.#keys.write(writer, key)
  }

  #sorted(keys: readonly K[]): readonly K[] {
    return [...new Map(keys.map(key => [this.#keys.identity(key), key]))].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key)
  }

  #bound(change: { expiry?: EntryExpiry; transaction?: Transaction }): { expiry?: EntryExpiry; transaction?: Transaction } {
    return { ...(this.#expiry && { expiry: this.#expiry }), ...(this.#transaction && { transaction: this.#transaction }), ...change }
  }
}

/** A cache that exists, with the types of its entries registered. */
export async function openCache<K, V>(scope: Scope, client: IgniteClient, name: string, keys: KeyCodec<K>, values: Codec<V>): Promise<Cache<K, V>> {
  await client.register(scope, [...keys.types, ...values.types])
  return new Cache(client, name, keys, values)
}

function wireLimit(limitMs: number | undefined): number {
  if (limitMs === undefined) return unchanged
  return limitMs === Number.POSITIVE_INFINITY ? eternal : limitMs
}

function nothing(): void {}
