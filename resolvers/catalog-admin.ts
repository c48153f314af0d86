import type { Json } from '../schema/values.ts'
import type { EntryKind } from '../connectors/ports/metadata-store.ts'
import type { Scope } from '../connectors/ports/scope.ts'

export interface Declared {
  /** False: it was there, with this definition. */
  readonly changed: boolean
  readonly version: number
  /** As it is stored. */
  readonly definition: Json
}

/** Changes of the declared catalog while the hub runs. Each is checked whole, kept with version and audit event, and served when it answers; a refused one changes nothing. */
export interface CatalogAdmin {
  /** Declares an entry. An equal one answers `changed: false`; another one of the name, or one that files declare → CONFLICT; mistakes → VALIDATION_ERROR with `problems`, paths relative to the definition. */
  declare(scope: Scope, kind: EntryKind, name: string, definition: Json): Promise<Declared>
  /** Puts another definition in the place of one declared through the API. NOT_FOUND where there is none; else as `declare`. */
  redeclare(scope: Scope, kind: EntryKind, name: string, change: (before: Json) => Json): Promise<Declared>
  /** Drops an entry declared through the API: false where there is none; IN_USE, listing them, while others need it and `force` is not set; with `force` those go too. */
  drop(scope: Scope, kind: EntryKind, name: string, options?: { force?: boolean }): Promise<boolean>
}
