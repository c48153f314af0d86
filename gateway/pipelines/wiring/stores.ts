import { openPostgresAlertStore, openSqliteAlertStore } from '../../../connectors/alert-store/index.ts'
import type { AlertStore } from '../../../connectors/ports/alert-store.ts'
import type { RunStore } from '../../../connectors/ports/run-store.ts'
import type { Log } from '../../../connectors/ports/scope.ts'
import { openPostgresRunStore, openSqliteRunStore } from '../../../connectors/run-store/index.ts'
import { openPostgresTokenVault, openSqliteTokenVault } from '../../../connectors/token-vault/index.ts'
import { LazyVault } from '../lazy-vault.ts'

/** Where the hub's own tables are: in PostgreSQL, else in a file, which may be `:memory:`. */
export interface KeptIn {
  readonly file: string
  readonly postgresUrl: string | undefined
  readonly log: Log
}

export function openRunStore({ file, postgresUrl, log }: KeptIn): Promise<RunStore> {
  return postgresUrl === undefined ? openSqliteRunStore({ file }) : openPostgresRunStore({ url: postgresUrl, log })
}

export function openAlertStore({ file, postgresUrl, log }: KeptIn): Promise<AlertStore> {
  return postgresUrl === undefined ? openSqliteAlertStore({ file }) : openPostgresAlertStore({ url: postgresUrl, log })
}

export function lazyVault({ file, postgresUrl, log }: KeptIn): LazyVault {
  return new LazyVault(() => (postgresUrl === undefined ? openSqliteTokenVault({ file }) : openPostgresTokenVault({ url: postgresUrl, log })))
}
