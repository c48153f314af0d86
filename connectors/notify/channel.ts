import type { Notice } from '../ports/notifier.ts'
import type { Scope } from '../ports/scope.ts'

export type NoticeOf<Kind extends Notice['kind']> = Extract<Notice, { readonly kind: Kind }>

/** Sends notices of one kind, as the port says. */
export interface Channel<Kind extends Notice['kind']> {
  send(scope: Scope, notice: NoticeOf<Kind>): Promise<void>
  /** Of one place of the kind. */
  check(scope: Pick<Scope, 'signal'>, place: string): Promise<void>
}
