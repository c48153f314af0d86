import type { Scope } from './scope.ts'

/**
 * Topics of events, each in one or more partitions, each partition an append-only list. Within a partition order is kept and offsets are contiguous from 0.
 * An append is durable when answered.
 */
export interface EventLog {
  /** Makes the topic; an equal one already there is left as it is, one with other settings → CONFLICT. */
  createTopic(scope: Scope, topic: TopicSettings): Promise<void>
  topics(scope: Scope): Promise<readonly TopicInfo[]>
  /** Removes the topic with its events and its groups' offsets. False: there was none. */
  deleteTopic(scope: Scope, name: string): Promise<boolean>
  /** Appends in the order given; events with one key meet in one partition, events without key are spread. All or none of one call per partition. Per event its place. */
  append(scope: Scope, topic: string, events: readonly NewEvent[]): Promise<readonly EventPlace[]>
  /** At most `limit` events from `offset` on; empty at the end. Below the retained start → GONE with the start in the details. */
  read(scope: Scope, topic: string, partition: number, offset: number, limit: number): Promise<readonly StoredEvent[]>
  /** Ends when there is something at or behind `offset`, or with the signal's reason. */
  wait(scope: Scope, topic: string, partition: number, offset: number): Promise<void>
  /** Where the group goes on: the offset it committed, per partition; 0 where it never did. */
  committed(scope: Scope, group: string, topic: string): Promise<readonly number[]>
  /** Durable when answered. */
  commit(scope: Scope, group: string, topic: string, partition: number, offset: number): Promise<void>
  close(): Promise<void>
}

export interface TopicSettings {
  /** `[A-Za-z0-9._-]{1,249}`, not `.` or `..`. */
  readonly name: string
  readonly partitions: number
  /** Whole segments older than this are deleted; absent: kept for ever. */
  readonly retentionMs?: number
  /** Whole segments beyond this many bytes per partition are deleted, oldest first; absent: no limit. */
  readonly retentionBytes?: number
}

export interface TopicInfo extends TopicSettings {
  /** Per partition: first offset held and the next one to be given. */
  readonly places: readonly { readonly start: number; readonly end: number }[]
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
  /** When it was appended, on the log's clock. */
  readonly appendedAtMs: number
}
