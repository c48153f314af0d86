import { openDatabase } from '../../../connectors/jdbc/index.ts'
import { openLake } from '../../../connectors/lake/index.ts'
import { openFolder } from '../../../connectors/objects/folder.ts'
import { duckDbPipelines } from '../../../connectors/pipelines/duckdb.ts'
import { trinoPipelines } from '../../../connectors/pipelines/trino.ts'
import type { PipelineEngine } from '../../../connectors/ports/pipeline-engine.ts'
import type { Log } from '../../../connectors/ports/scope.ts'
import type { TokenVault } from '../../../connectors/ports/token-vault.ts'
import { environmentSecrets, fileSecrets, openSecrets, vaultSecrets } from '../../../connectors/secrets/index.ts'
import { HubError } from '../../../schema/errors.ts'
import { analyse } from '../../../subgraphs/lineage/analyse.ts'
import type { RunParts } from '../../../subgraphs/pipelines/run/parts.ts'
import type { Config, Environment } from '../../config.ts'

/** What a document names, where it lies. */
export type NamedParts = Pick<RunParts, 'schemaText' | 'queryText' | 'lookups'>

interface PartsOptions {
  readonly settings: Config['pipelines']
  readonly env: Environment
  readonly log: Log
  readonly vault: TokenVault
  readonly engine: PipelineEngine
}

/** Where Trino is, and who asks it. */
export interface TrinoAddress {
  readonly url: string
  readonly user: string
  readonly password?: string
}

export function pipelineEngine({ memoryLimit, tempLimit, threads, trinoCatalog }: Config['pipelines'], trino: TrinoAddress | undefined, freshIn: string | undefined): PipelineEngine {
  const duck = { memoryLimit, tempLimit, ...(freshIn !== undefined && { freshIn }), ...(threads !== undefined && { threads }) }
  if (trinoCatalog === undefined) return duckDbPipelines(duck)
  if (!trino) throw new HubError('VALIDATION_ERROR', `Runs are to hold their rows in the catalog "${trinoCatalog}" of Trino, and no Trino is named. Set engines.trinoUrl, or take pipelines.trinoCatalog out.`)
  const { password, ...reach } = trino
  return trinoPipelines({ trino: { ...reach, ...(password !== undefined && { auth: { kind: 'basic', password } }) }, catalog: trinoCatalog, duck })
}

/** What runs over the data in a folder have to do with, beside what documents name. */
export async function partsOver(files: string, { settings, env, log, vault, engine }: PartsOptions): Promise<Omit<RunParts, keyof NamedParts>> {
  const { secretsFolder, vaultUrl, vaultMount, vaultToken, vaultNamespace } = settings
  const objects = await openFolder(files)
  const secrets = openSecrets([
    environmentSecrets(env), ...(secretsFolder === undefined ? [] : [fileSecrets({ folder: secretsFolder })]),
    ...(vaultUrl !== undefined && vaultToken !== undefined ? [vaultSecrets({ url: vaultUrl, mount: vaultMount, token: vaultToken, ...(vaultNamespace !== undefined && { namespace: vaultNamespace }) })] : []),
  ])
  return {
    objects, secrets, vault, lake: openLake(objects), engine, analyse,
    openDatabase: (jdbcUrl, credentials) => openDatabase({ jdbcUrl, ...(credentials && { credentials }), root: files, log }),
  }
}

export function trinoOf({ engines: { trinoUrl: url, trinoUser: user, trinoPassword: password } }: Pick<Config, 'engines'>): TrinoAddress | undefined {
  return url === undefined ? undefined : { url, user, ...(password !== undefined && { password }) }
}
