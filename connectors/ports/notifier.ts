import type { Json } from '../../schema/values.ts'
import type { Scope } from './scope.ts'

/** Tells people and programs what happened, one message after the other. */
export interface Notifier {
  /**
   * Sends it once. A server that does not answer, or says that it may later → UPSTREAM_UNAVAILABLE; one that refuses → UPSTREAM_REJECTED; a place that nothing is sent to → FORBIDDEN. Whether a message that failed arrived all
   * the same is not known: it has an id by which its reader can tell.
   */
  send(scope: Scope, notice: Notice): Promise<void>
}

/** Says of a place beforehand whether notices would be sent to it. */
export interface NoticePlaces {
  /** A place that nothing is sent to → FORBIDDEN; an address of a wrong form, or a kind that is not set up here → VALIDATION_ERROR; a host without an address → UPSTREAM_UNAVAILABLE. */
  check(scope: Pick<Scope, 'signal'>, kind: Notice['kind'], place: string): Promise<void>
}

export type Notice = { readonly id: string } & (
  | { readonly kind: 'email'; readonly to: readonly string[]; readonly subject: string; readonly text: string }
  | { readonly kind: 'webhook'; readonly url: string; readonly body: Json }
)
