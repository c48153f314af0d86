import type { Scope } from './scope.ts'

/** Schemas values in a log were written with, by the id they carry. */
export interface SchemaLookup {
  /** What is registered under an id never changes: it is asked for once. An unknown id → NOT_FOUND; no answer → UPSTREAM_UNAVAILABLE. */
  schema(scope: Scope, id: number): Promise<RegisteredSchema>
}

export interface RegisteredSchema {
  readonly format: 'AVRO' | 'JSON' | 'PROTOBUF'
  readonly text: string
}
