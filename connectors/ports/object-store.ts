import type { Scope } from './scope.ts'

/**
 * Files of one place, by their paths below its root with `/` between the parts. A path that leads out of it, as written or through a link → FORBIDDEN. A place that does not answer → UPSTREAM_UNAVAILABLE,
 * one that refuses → UPSTREAM_REJECTED.
 */
export interface ObjectStore {
  /** Files whose paths match, in the order of their paths: `*` and `?` stand for characters of a part, `**` for parts. Names that begin with a dot or an underscore are found by patterns that write it. */
  find(scope: Scope, pattern: string): Promise<readonly StoredObject[]>
  /** The bytes of a small file; undefined where there is none. More than `mostBytes` → PAYLOAD_TOO_LARGE. */
  read(scope: Scope, path: string, mostBytes: number): Promise<Uint8Array | undefined>
  /** Some bytes of a file, from `offset` on, with what the file is at that moment; fewer than `length` at its end. Undefined where there is none. */
  slice(scope: Scope, path: string, offset: number, length: number): Promise<Slice | undefined>
  /** Where on this machine the file can be read, as it is now, until the run ends. None → NOT_FOUND; more than the run may have here → PAYLOAD_TOO_LARGE. */
  local(scope: Scope, path: string): Promise<string>
  /** A folder of this machine for files that will be put, empty. Closing it removes what is left. */
  scratch(scope: Scope): Promise<Scratch>
  /** Puts a file of a scratch folder at a path, in the place of what is there. Readers find the one or the other, whole; durable when answered. */
  put(scope: Scope, path: string, from: string): Promise<void>
  /** Makes a file; false where there is one: of several who make it at a time one does. */
  create(scope: Scope, path: string, content: string): Promise<boolean>
  /** Nothing there is nothing to do. */
  remove(scope: Scope, path: string): Promise<void>
}

/** A store of one run. */
export interface RunObjects extends ObjectStore {
  /** Ends what still goes on, and removes what lies on this machine. */
  close(): Promise<void>
}

export interface StoredObject {
  readonly path: string
  readonly bytes: number
  /** When its content was written, on the store's clock. */
  readonly modifiedAtMs: number
}

export interface Slice {
  readonly content: Buffer
  /** Of the whole file. */
  readonly bytes: number
  /** Another where other content was put at the path. */
  readonly version: string
}

export interface Scratch {
  readonly folder: string
  close(): Promise<void>
}
