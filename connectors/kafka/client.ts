import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import kafkajs, { Kafka, logLevel, type LogEntry } from 'kafkajs'
import type { Log } from '../ports/scope.ts'

/**
 * kafkajs offers a producer, a group consumer and an admin. A log that is read by place, by many readers at once, needs requests below those: kafkajs' own cluster, brokers and codecs,
 * named here with what of them is used, and nowhere else. The version is pinned.
 */
export interface Cluster {
  readonly brokerPool: { findConnectedBroker(): Promise<Broker> }
  connect(): Promise<void>
  disconnect(): Promise<void>
  /** Learns the brokers, and asks about every topic. */
  refreshMetadata(): Promise<void>
  findBroker(node: { nodeId: number }): Promise<Broker>
  findControllerBroker(): Promise<Broker>
  findGroupCoordinator(group: { groupId: string }): Promise<Broker>
}

export interface Broker {
  readonly connectionPool: { send(request: Request<unknown>): Promise<unknown> }
  disconnect(): Promise<void>
  /** No names: every topic. A name that is none fails with UNKNOWN_TOPIC_OR_PARTITION. */
  metadata(topics: readonly string[]): Promise<Metadata>
  initProducerId(request: { transactionTimeout: number }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>
  produce(request: ProduceRequest): Promise<{ readonly topics: readonly { readonly partitions: readonly { readonly partition: number; readonly baseOffset: string }[] }[] }>
  listOffsets(request: { replicaId: number; isolationLevel: number; topics: readonly { topic: string; partitions: readonly { partition: number; timestamp: number }[] }[] }): Promise<{
    readonly responses: readonly { readonly topic: string; readonly partitions: readonly { readonly partition: number; readonly errorCode: number; readonly offset: string }[] }[]
  }>
  offsetFetch(request: { groupId: string; topics: readonly { topic: string; partitions: readonly { partition: number }[] }[] }): Promise<{
    readonly responses: readonly { readonly topic: string; readonly partitions: readonly { readonly partition: number; readonly offset: string }[] }[]
  }>
  createTopics(request: { topics: readonly { topic: string; numPartitions: number; replicationFactor: number; configEntries: readonly { name: string; value: string }[] }[]; timeout: number }): Promise<unknown>
  deleteTopics(request: { topics: readonly string[]; timeout: number }): Promise<unknown>
  describeConfigs(request: { resources: readonly { type: number; name: string; configNames?: readonly string[] }[] }): Promise<{
    readonly resources: readonly { readonly resourceName: string; readonly configEntries: readonly ConfigEntry[] }[]
  }>
}

export interface Metadata {
  readonly brokers: readonly { readonly nodeId: number }[]
  readonly topicMetadata: readonly {
    readonly topic: string
    readonly isInternal: boolean
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number; readonly replicas: readonly number[]; readonly isr: readonly number[] }[]
  }[]
}

export interface ConfigEntry {
  readonly configName: string
  readonly configValue: string | null
  /** 1: set on the topic itself; others: from the broker or built in. */
  readonly configSource: number
  readonly isSensitive: boolean
}

export interface ProduceRequest {
  readonly acks: -1
  readonly timeout: number
  readonly producerId: string
  readonly producerEpoch: number
  readonly topicData: readonly { readonly topic: string; readonly partitions: readonly { readonly partition: number; readonly firstSequence: number; readonly messages: readonly ProducedMessage[] }[] }[]
}

export interface ProducedMessage {
  readonly key: Buffer | null
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
  readonly timestamp: string
}

export interface FetchedMessage {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | string | readonly (Buffer | string)[]>>
}

export interface FetchedPartition {
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: string
  readonly lastStableOffset: string
  readonly messages: readonly FetchedMessage[]
}

/** A request with its codec, as a connection takes it. */
export interface Request<Answer> {
  readonly request: { readonly apiKey: number; readonly apiVersion: number; readonly apiName: string; encode(): Promise<Encoder> }
  readonly response: { decode(payload: Buffer): Promise<Answer>; parse(decoded: Answer): Promise<Answer> }
}

export interface Encoder {
  writeInt8(value: number): Encoder
  writeBoolean(value: boolean): Encoder
  writeString(value: string): Encoder
  writeInt32(value: number): Encoder
}

export interface FetchAnswer {
  readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[]
}

type Builder<Fields, Answer> = { protocol(version: { version: number }): (fields: Fields) => Request<Answer> }

const internals = createRequire(import.meta.url)
const KafkaCluster = internals('kafkajs/src/cluster/index.js') as new (options: Readonly<Record<string, unknown>>) => Cluster
export const Encoder = internals('kafkajs/src/protocol/encoder.js') as new () => Encoder
export const Decoder = internals('kafkajs/src/protocol/decoder.js') as new (payload: Buffer) => { readInt32(): number; readInt16(): number; readInt8(): number; readString(): string | null }
export const fetchRequest = internals('kafkajs/src/protocol/requests/fetch/index.js') as Builder<FetchFields, FetchAnswer>
export const offsetCommitRequest = internals('kafkajs/src/protocol/requests/offsetCommit/index.js') as Builder<OffsetCommitFields, unknown>
const { createErrorFromCode } = internals('kafkajs/src/protocol/error.js') as { createErrorFromCode(code: number): Error }
const Batch = internals('kafkajs/src/consumer/batch.js') as new (topic: string, fetchedOffset: string, partition: FetchedPartition) => Batch

/** What one fetch brought of a partition: without control records and aborted transactions, from the place asked for on. */
export interface Batch {
  readonly messages: readonly FetchedMessage[]
  readonly rawMessages: readonly FetchedMessage[]
  lastOffset(): string
}

interface FetchFields {
  readonly replicaId: -1
  readonly isolationLevel: number
  readonly maxWaitTime: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly rackId: ''
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string; readonly maxBytes: number }[] }[]
}

interface OffsetCommitFields {
  readonly groupId: string
  readonly groupGenerationId: number
  readonly memberId: string
  readonly retentionTime: string
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly { readonly partition: number; readonly offset: string; readonly metadata: string }[] }[]
}

const [compress, decompress] = [promisify(zstdCompress), promisify(zstdDecompress)]
// kafkajs brings gzip and a place for the others.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({ compress: ({ buffer }: { buffer: Buffer }) => compress(buffer), decompress: (buffer: Buffer) => decompress(buffer) })

/** Only what is committed: a reader never sees what a transaction takes back. */
export const readCommitted = 1

export interface ClientOptions {
  /** `host:port` each. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly log: Log
}

/** Connections to the brokers, made when they are first needed. A request without answer fails after ten seconds. */
export function newCluster({ brokers, clientId, log }: ClientOptions): Cluster {
  const logger = new Kafka({ brokers: [...brokers], logLevel: logLevel.INFO, logCreator: () => entry => passOn(log, entry) }).logger()
  return new KafkaCluster({
    logger, brokers, clientId,
    // While a broker is away kafkajs lets go of the same closed socket again and again, and each time it adds a listener.
    socketFactory: ({ host, port, onConnect }: { host: string; port: number; onConnect: () => void }) => connect({ host, port }, onConnect).setKeepAlive(true, 30_000).setNoDelay(true).setMaxListeners(0),
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    enforceRequestTimeout: true,
    metadataMaxAge: 300_000,
    allowAutoTopicCreation: false,
    isolationLevel: readCommitted,
    // Who calls decides whether to try again, and until when.
    retry: { retries: 0, initialRetryTime: 1, maxRetryTime: 1, factor: 0, multiplier: 1 },
  })
}

/** Its errors are mostly attempts that a next one mends; whoever gives up says so himself. */
function passOn(log: Log, { level, namespace, log: { message, broker, error } }: LogEntry): void {
  const fields = { part: namespace, ...(broker === undefined ? {} : { broker }), ...(error === undefined ? {} : { error }) }
  if (level <= logLevel.WARN) log.warn(`Kafka client: ${message}`, fields)
  else log.debug(`Kafka client: ${message}`, fields)
}

export async function send<Answer>(broker: Broker, request: Request<Answer>): Promise<Answer> {
  return (await broker.connectionPool.send(request)) as Answer
}

export function protocolError(code: number): Error {
  return createErrorFromCode(code)
}

export function batchOf(topic: string, offset: number, partition: FetchedPartition): Batch {
  return new Batch(topic, String(offset), partition)
}
