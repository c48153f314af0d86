import { openDuckDb } from '../../../connectors/duckdb/database.ts'
import { openDuckDbEngine } from '../../../connectors/duckdb/engine.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { analyse } from '../../../subgraphs/lineage/analyse.ts'
import type { PipelineDocument } from '../../../subgraphs/pipelines/document/pipeline.ts'
import type { Finding } from '../../../subgraphs/pipelines/finding.ts'
import { checkData, type DataParts } from '../../../subgraphs/pipelines/plan/data-check.ts'

/** Looks into what pipelines say of columns, with an engine of its own that holds no data. */
export interface PipelineChecks {
  check(document: PipelineDocument, schemaText: DataParts['schemaText']): Promise<readonly Finding[]>
  close(): Promise<void>
}

/** Its engine has a folder of its own in `freshIn`; absent: in the system's temporary one. */
export async function openPipelineChecks(scope: Scope, freshIn?: string): Promise<PipelineChecks> {
  const database = await openDuckDb({ ...(freshIn !== undefined && { freshIn }) })
  const engine = await openDuckDbEngine(database, scope)
  return {
    check: (document, schemaText) => checkData(document, { analyse, schemaText, describe: sql => engine.describe(scope, { sql }) }),
    async close() {
      await engine.close()
      await database.close()
    },
  }
}

/** The same, opened by the first who asks. */
export class LazyChecks implements PipelineChecks {
  readonly #scope: Scope
  readonly #freshIn: string | undefined
  #opened: Promise<PipelineChecks> | undefined

  constructor(scope: Scope, freshIn: string | undefined) {
    this.#scope = scope
    this.#freshIn = freshIn
  }

  async check(...given: Parameters<PipelineChecks['check']>): ReturnType<PipelineChecks['check']> {
    this.#opened ??= openPipelineChecks(this.#scope, this.#freshIn)
    return (await this.#opened).check(...given)
  }

  async close(): Promise<void> {
    await (await this.#opened?.catch(() => undefined))?.close()
  }
}
