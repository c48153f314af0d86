import { HubError } from '../../schema/errors.ts'
import { upperFirst } from '../../schema/names.ts'

/** Whose failure it is. */
export interface SqliteFile {
  /** As messages have it: `source "crm" (crm.sqlite)`. */
  readonly called: string
  readonly details: Readonly<Record<string, unknown>>
}

/** The failure of a statement as the ports have it. */
export function asSqliteFailure({ called, details }: SqliteFile, error: unknown): HubError {
  if (error instanceof HubError) return error
  const said = error instanceof Error ? error.message : String(error)
  const busy = isBusy(error) || /locked|busy/i.test(said)
  return new HubError(busy ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_REJECTED', `${upperFirst(called)} ${busy ? 'is busy' : 'refused'}: ${said}`, details, { cause: error })
}

/** SQLITE_BUSY, whatever its extension. */
export function isBusy(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === 5
}

export function isSqliteError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
}
