import type { Json } from '../../schema/values.ts'
import type { TypeSignature } from './types.ts'

/** One answer of Trino's statement protocol: https://trino.io/docs/current/develop/client-protocol.html */
export interface Page {
  readonly id: string
  /** Where the next page is; absent on the last one. Asking for it tells Trino that this one arrived, DELETE that nobody wants more. */
  readonly nextUri?: string
  readonly columns?: readonly TrinoColumn[]
  readonly data?: readonly (readonly Json[])[]
  readonly stats?: TrinoStats
  readonly error?: TrinoError
}

export interface TrinoColumn {
  readonly name: string
  /** As people write it: `decimal(10, 2)`. */
  readonly type: string
  readonly typeSignature: TypeSignature
}

export interface TrinoStats {
  readonly state: string
  readonly totalSplits?: number
  readonly processedRows?: number
  readonly processedBytes?: number
  readonly peakMemoryBytes?: number
}

export interface TrinoError {
  readonly message: string
  readonly errorName: string
  readonly errorType: 'USER_ERROR' | 'INTERNAL_ERROR' | 'INSUFFICIENT_RESOURCES' | 'EXTERNAL'
  /** 1-based. */
  readonly errorLocation?: { readonly lineNumber: number; readonly columnNumber: number }
}
