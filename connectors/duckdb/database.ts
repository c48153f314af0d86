import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

export interface DuckDbOptions {
  /** Folder for what does not fit in memory; it is made if it is missing. Absent: a fresh one, removed by `close`. */
  readonly directory?: string
  /** Where the fresh one is made. Absent: the system's temporary folder. */
  readonly freshIn?: string
  /** As DuckDB writes sizes: `1GB`. */
  readonly memoryLimit?: string
  /** Absent: one for each core. */
  readonly threads?: number
  /** Most the folder may hold, as `10GB`; a statement that needs more fails. */
  readonly tempLimit?: string
}

/**
 * The process's one DuckDB, held in memory, its settings locked: time zone UTC, no extension is fetched, memory and spilled bytes are bounded.
 * Local files may be read through its connections, so statements of clients only ever come through the engine, which lets none name a file.
 */
export interface DuckDatabase {
  /** A connection of its own transaction and temporary tables; its user disconnects it (`disconnectSync`). */
  connect(): Promise<DuckDBConnection>
  close(): Promise<void>
}

/** Opens it. Costs some milliseconds. */
export async function openDuckDb(options: DuckDbOptions = {}): Promise<DuckDatabase> {
  const own = options.directory === undefined ? await mkdtemp(join(options.freshIn ?? tmpdir(), 'tributary-duckdb-')) : undefined
  const directory = options.directory ?? own ?? tmpdir()
  await mkdir(directory, { recursive: true })

  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: options.memoryLimit ?? '1GB',
    threads: String(options.threads ?? availableParallelism()),
    temp_directory: directory,
    max_temp_directory_size: options.tempLimit ?? '10GB',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  const first = await instance.connect()
  for (const setting of ["TimeZone = 'UTC'", 'integer_division = true', 'lock_configuration = true']) await first.run(`SET GLOBAL ${setting}`)
  first.disconnectSync()

  return {
    connect: () => instance.connect(),
    async close() {
      instance.closeSync()
      if (own !== undefined) await rm(own, { recursive: true, force: true })
    },
  }
}
