import type { Json } from '../schema/values.ts'
import type { EntryKind } from '../connectors/ports/metadata-store.ts'
import type { Scope } from '../connectors/ports/scope.ts'

/** Changes of the declared catalog while the hub runs. Each is checked whole, kept with version and audit event, and served when it answers; a refused one changes nothing. */
export interface CatalogAdmin {
  /** Declares an entry. An equal one answers `changed: false`; another one of the name → CONFLICT, unless `replace`; one that files declare → CONFLICT naming the file's right. */
  declare(scope: Scope, kind: EntryKind, name: string, definition: Json, options?: { replace?: boolean }): Promise<{ readonly changed: boolean; readonly version: number }>
  /** Drops an entry declared through the API: false where there is none; IN_USE, listing them, while others need it and `force` is not set; with `force` those go too. */
  drop(scope: Scope, kind: EntryKind, name: string, options?: { force?: boolean }): Promise<boolean>
}
