import type { Scope } from './scope.ts'

/**
 * Topics of events, each in one or more partitions, each partition an append-only list. A topic is its tenant's: no method shows or touches another tenant's, and two tenants may
 * each have a topic of one name. Within a partition order is kept and offsets grow: in a topic that only this port wrote they are contiguous from 0; where other programs
 * write, too, compaction and transactions leave some out. An append is durable when answered.
 *
 * A log that gives no answer before the scope's deadline → UPSTREAM_UNAVAILABLE; whether an append that ended so took place is not known.
 */
export interface EventLog {
  /** Makes the topic; an equal one already there is left as it is, one with other settings → CONFLICT. */
  createTopic(scope: Scope, topic: TopicSettings): Promise<void>
  /** By name. */
  topics(scope: Scope): Promise<readonly TopicInfo[]>
  /** One topic with where its partitions lie and all its settings; undefined where there is none. */
  topic(scope: Scope, name: string): Promise<TopicDetail | undefined>
  /** Changes the limits that are given and leaves the others. NOT_FOUND where there is no such topic. */
  alterTopic(scope: Scope, name: string, limits: TopicLimits): Promise<void>
  /** Removes the topic with its events and its groups' offsets. False: there was none. */
  deleteTopic(scope: Scope, name: string): Promise<boolean>
  /** Appends in the order given; events with one key meet in one partition, events without key are spread. All or none of one call per partition. Per event its place. */
  append(scope: Scope, topic: string, events: readonly NewEvent[]): Promise<readonly EventPlace[]>
  /** At most `limit` events, and about 8 MB, at or behind `offset`. None says that the end is reached; fewer than asked for say nothing. Below the retained start → GONE with the start in the details. */
  read(scope: Scope, topic: string, partition: number, offset: number, limit: number): Promise<readonly StoredEvent[]>
  /** Ends when there is an event at or behind `offset`, or with the signal's reason. A topic that goes meanwhile → NOT_FOUND. */
  wait(scope: Scope, topic: string, partition: number, offset: number): Promise<void>
  /** Where the group goes on: the offset it committed, per partition; 0 where it never did. */
  committed(scope: Scope, group: string, topic: string): Promise<readonly number[]>
  /** Durable when answered. Kept as long as the topic, however long the group is away. */
  commit(scope: Scope, group: string, topic: string, partition: number, offset: number): Promise<void>
  /** Ends when the log answers; fails as every other method when it does not. */
  check(scope: Scope): Promise<void>
  close(): Promise<void>
}

export interface TopicLimits {
  /** Whole segments older than this are deleted; -1: none ever is; absent: as the log is set up. */
  readonly retentionMs?: number
  /** Whole segments beyond this many bytes per partition are deleted, oldest first; -1: none ever is; absent: as the log is set up. */
  readonly retentionBytes?: number
}

export interface TopicSettings extends TopicLimits {
  /** `[A-Za-z0-9._-]{1,249}`, not `.` or `..`; names that begin with `tenant.` are taken. A tenant's own name shortens what its topics' names may have, see connectors/topics. */
  readonly name: string
  readonly partitions: number
  /** Copies of each partition, 1 when absent. More than the log has brokers → VALIDATION_ERROR. */
  readonly replicas?: number
}

export interface TopicInfo extends TopicSettings {
  /** The log's own: shown, never written, altered or deleted through this port. */
  readonly internal: boolean
  /** Per partition: first offset held and the next one to be given. */
  readonly places: readonly { readonly start: number; readonly end: number }[]
}

export interface TopicDetail extends TopicInfo {
  /** Per partition, ids of brokers: who takes its events, who holds it, who of those is level with the leader. */
  readonly brokers: readonly { readonly leader: number; readonly replicas: readonly number[]; readonly isr: readonly number[] }[]
  /** By name, in the log's own words; `source` says who set it (`TOPIC_CONFIG`, `DEFAULT_CONFIG`, …). Secrets have no value. */
  readonly config: readonly { readonly name: string; readonly value: string | null; readonly source: string; readonly isDefault: boolean }[]
}

export interface NewEvent {
  readonly key?: string
  readonly value: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

export interface EventPlace {
  readonly partition: number
  readonly offset: number
}

export interface StoredEvent extends NewEvent, EventPlace {
  /** When it was appended, on the log's clock; for what another program wrote, the time that one gave. */
  readonly appendedAtMs: number
  /** There where the key, written by another program, is no UTF-8 text; `key` is then its base64. */
  readonly keyBytes?: Uint8Array
  /** Written by another program without a value, which in a compacted topic deletes what has its key; `value` is then empty. */
  readonly tombstone?: true
}
