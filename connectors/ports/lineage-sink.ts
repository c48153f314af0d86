import type { Json } from '../../schema/values.ts'
import type { Scope } from './scope.ts'

/** Takes events of OpenLineage (openlineage.io, specification 2-0-2). */
export interface LineageSink {
  /** Sends one; it is there when answered. A place that does not answer, or says that it may later → UPSTREAM_UNAVAILABLE; one that refuses → UPSTREAM_REJECTED. */
  emit(scope: Scope, event: Json): Promise<void>
}
