import { HubError } from '../../schema/errors.ts'
import type { Scope } from '../ports/scope.ts'
import { partitionOf, type PartitionOwners, readPartitions, readSettled, writePartitionsRequest } from './affinity.ts'
import { readType, writeType } from './binary/metadata.ts'
import type { BinaryType, UnknownSchema } from './binary/type.ts'
import type { Call, Connection } from './connection.ts'
import { unavailable } from './failures.ts'
import { Host, type HostState, noneAnswers } from './host.ts'
import { type IgniteOptions, type IgniteSettings, settingsOf } from './options.ts'
import type { OpName } from './wire/codes.ts'
import type { Reader } from './wire/reader.ts'
import type { Writer } from './wire/writer.ts'

/** One message with the way its answer is read. */
export interface Message<T> {
  readonly operation: OpName
  readonly write?: (writer: Writer) => void
  readonly read: (reader: Reader) => T | Promise<T>
  /** Asking twice changes nothing: the call is repeated on another node when the first one is lost. */
  readonly repeatable?: boolean
  /** Sent to the node that holds the key. */
  readonly key?: { readonly cacheId: number; readonly hash: number | undefined }
}

export interface IgniteStats {
  readonly hosts: readonly { readonly host: string; readonly state: HostState; readonly nodeId: string | undefined; readonly inFlight: number; readonly failure: string | undefined }[]
  /** Requests that went straight to the node that holds their key, and all others. */
  readonly routed: number
  readonly unrouted: number
  readonly repeated: number
}

/** Something to do again on a cluster that may have forgotten everything. */
export type Preparation = (connection: Connection) => Promise<void>

const maxRepeats = 5
const nothing = () => {}

/**
 * A cluster of Ignite 2.17 over its client ports: one connection a host, kept up in the background. A call made while a host is still being tried waits for it;
 * with every host down it fails at once with UPSTREAM_UNAVAILABLE, naming each with its reason.
 */
export class IgniteClient {
  readonly settings: IgniteSettings
  readonly #hosts: readonly Host[]
  readonly #types = new Map<string, BinaryType>()
  readonly #preparations = new Map<string, Preparation>()
  readonly #upListeners = new Set<() => void>()
  /** Per cache id; null: being asked for, or not applicable. Emptied when the cluster's nodes change. */
  readonly #owners = new Map<number, PartitionOwners | null>()
  #turn = 0
  #routed = 0
  #unrouted = 0
  #repeated = 0
  #closed = false

  constructor(options: IgniteOptions) {
    this.settings = settingsOf(options)
    const events = {
      prepare: (connection: Connection) => this.#prepare(connection),
      up: () => {
        this.#owners.clear()
        for (const listener of [...this.#upListeners]) listener()
      },
      down: () => this.#owners.clear(),
      topologyChanged: () => this.#owners.clear(),
    }
    this.#hosts = this.settings.addresses.map(address => new Host(address, this.settings, events))
  }

  /** Sends the message to the node it is best for. The scope's signal ends the wait. */
  async send<T>(scope: Pick<Scope, 'signal'> | undefined, message: Message<T>, call: Call = {}): Promise<T> {
    const { operation, write, read, repeatable = false, key } = message
    const options = scope ? { ...call, signal: scope.signal } : call
    for (let attempt = 0; ; attempt++) {
      const connection = this.#chosen(key) ?? (await this.connected(scope))
      try {
        return await connection.request(operation, write, read, options)
      } catch (error) {
        if (!repeatable || attempt === maxRepeats || !(error instanceof HubError) || error.code !== 'UPSTREAM_UNAVAILABLE') throw error
        this.#repeated += 1
        // A lost connection leaves others to ask at once; a node that refuses waits for the cluster to settle.
        if (!connection.closed) await this.#pause(attempt, options.signal)
      }
    }
  }

  /** Any connection that is up; waits for attempts under way. */
  async connected(scope?: Pick<Scope, 'signal'>): Promise<Connection> {
    for (;;) {
      if (this.#closed) throw new HubError('SHUTTING_DOWN', 'The Ignite client is closed.')
      const up = this.#next()
      if (up) return up
      const trying = this.#hosts.filter(({ state }) => state === 'connecting')
      if (trying.length === 0) throw noneAnswers(this.#hosts)
      await this.#unlessAborted(Promise.race(trying.map(({ attempt }) => attempt)), scope?.signal)
    }
  }

  /** Registers types with the cluster, now and on every later connection, for a cluster that started anew has forgotten them. Needed before the first write. */
  async register(scope: Pick<Scope, 'signal'> | undefined, types: readonly BinaryType[]): Promise<void> {
    const missing = types.filter(type => this.#types.get(type.name) !== type)
    const connection = await this.connected(scope)
    await Promise.all(missing.map(type => registerOn(connection, type, scope)))
    for (const type of missing) this.#types.set(type.name, type)
  }

  /** Learns from the cluster what another program registered. */
  async learn({ type, schemaId }: UnknownSchema): Promise<void> {
    const registered = await this.send(undefined, { operation: 'getType', write: writer => writer.i32(type.id), read: readType, repeatable: true })
    for (const schema of registered?.schemas ?? []) type.learn(schema)
    if (!type.knows(schemaId)) throw new HubError('UPSTREAM_REJECTED', `An object of type "${type.name}" has schema ${schemaId}, which the cluster does not know: its writer did not register it.`)
  }

  /** Does the work on every new connection, before others may use it. A second one under the name takes the first one's place. */
  prepareWith(name: string, work: Preparation | undefined): void {
    if (work) this.#preparations.set(name, work)
    else this.#preparations.delete(name)
  }

  /** Calls the listener whenever a connection came up. The answer stops it. */
  onUp(listener: () => void): () => void {
    this.#upListeners.add(listener)
    return () => {
      this.#upListeners.delete(listener)
    }
  }

  get closed(): boolean {
    return this.#closed
  }

  stats(): IgniteStats {
    return {
      hosts: this.#hosts.map(({ name, state, connection, failure }) => ({ host: name, state, nodeId: connection?.nodeId, inFlight: connection?.inFlight ?? 0, failure: failure?.message })),
      routed: this.#routed, unrouted: this.#unrouted, repeated: this.#repeated,
    }
  }

  /** Lets go of every connection; calls in flight fail. */
  close(): void {
    this.#closed = true
    for (const host of this.#hosts) host.close()
  }

  async #prepare(connection: Connection): Promise<void> {
    // A node's port opens before the node has taken its place; one that is asked for a cache in between halts itself.
    const { clock, connectTimeoutMs } = this.settings
    for (const fromMs = clock.now(); !(await connection.request('partitions', writer => writePartitionsRequest(writer), readSettled)); await this.#pause(0, undefined)) {
      if (clock.now() - fromMs > connectTimeoutMs) throw unavailable(connection.server, `has not taken its place in the cluster within ${connectTimeoutMs} ms.`)
    }
    await Promise.all([...this.#types.values()].map(type => registerOn(connection, type, undefined)))
    await Promise.all([...this.#preparations.values()].map(work => work(connection)))
  }

  #next(): Connection | undefined {
    for (let step = 0; step < this.#hosts.length; step++) {
      const { connection } = this.#hosts[this.#turn++ % this.#hosts.length]!
      if (connection) return connection
    }
    return undefined
  }

  #chosen(key: Message<unknown>['key']): Connection | undefined {
    const owner = key && this.#hosts.length > 1 && key.hash !== undefined ? this.#owner(key.cacheId, key.hash) : undefined
    const holder = owner === undefined ? undefined : this.#hosts.find(({ connection }) => connection?.nodeId === owner)?.connection
    if (holder) {
      this.#routed += 1
      return holder
    }
    this.#unrouted += 1
    return this.#next()
  }

  /** The node that holds the key, as far as is known now; asks for the map behind the answer where it is not. */
  #owner(cacheId: number, hash: number): string | undefined {
    const owners = this.#owners.get(cacheId)
    if (owners) return owners[partitionOf(hash, owners.length)]
    if (owners === undefined) {
      this.#owners.set(cacheId, null)
      this.partitionOwners(cacheId).catch(error => this.settings.log?.debug('Ignite: no partition map.', { cacheId, reason: String(error) }))
    }
    return undefined
  }

  /** Asks the cluster which node holds which partition of a cache, and routes by it from then on. Undefined: the cache's keys cannot be followed. */
  async partitionOwners(cacheId: number): Promise<PartitionOwners | undefined> {
    this.#owners.set(cacheId, null)
    const owners = await this.send(undefined, { operation: 'partitions', write: writer => writePartitionsRequest(writer, cacheId), read: reader => readPartitions(reader, cacheId), repeatable: true })
    // A change of the cluster's nodes meanwhile has emptied the map: what came is old.
    if (owners && this.#owners.has(cacheId)) this.#owners.set(cacheId, owners)
    return owners
  }

  #pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock, backOffMs: [first] } = this.settings
    const over = Promise.withResolvers<void>()
    const cancel = clock.after(first * 2 ** attempt, () => over.resolve())
    return this.#unlessAborted(over.promise, signal).finally(cancel)
  }

  async #unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (!signal) return work
    signal.throwIfAborted()
    const left = Promise.withResolvers<never>()
    const leave = () => left.reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([work, left.promise])
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }
}

async function registerOn(connection: Connection, type: BinaryType, scope: Pick<Scope, 'signal'> | undefined): Promise<void> {
  try {
    await connection.request('putType', writer => writeType(writer, type), nothing, scope ? { signal: scope.signal } : {})
    const registered = await connection.request('getType', writer => writer.i32(type.id), readType)
    for (const schema of registered?.schemas ?? []) type.learn(schema)
  } catch (error) {
    if (!(error instanceof HubError) || error.code !== 'UPSTREAM_REJECTED') throw error
    throw new HubError('CONFLICT', `Type "${type.name}" cannot be registered. ${error.message} A field keeps its type under one name, also after its cache is gone: use the next generation of the name.`, { type: type.name }, { cause: error })
  }
}

/** Begins to connect; a cluster that is down fails the calls, not the opening. */
export function openIgnite(options: IgniteOptions): IgniteClient {
  return new IgniteClient(options)
}
