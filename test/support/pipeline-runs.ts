import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'
import { openDatabase } from '../../connectors/jdbc/index.ts'
import { openLake } from '../../connectors/lake/index.ts'
import { openFolder } from '../../connectors/objects/folder.ts'
import { duckDbPipelines } from '../../connectors/pipelines/duckdb.ts'
import type { PipelineEngine } from '../../connectors/ports/pipeline-engine.ts'
import { environmentSecrets, openSecrets } from '../../connectors/secrets/index.ts'
import { type OpenedTokenVault, openSqliteTokenVault } from '../../connectors/token-vault/index.ts'
import { analyse } from '../../subgraphs/lineage/analyse.ts'
import type { RunParts } from '../../subgraphs/pipelines/run/parts.ts'
import type { RunRecord } from '../../subgraphs/pipelines/run/record.ts'
import { type RunOrder, runPipeline } from '../../subgraphs/pipelines/run/run.ts'
import { pipelineIn } from './pipelines.ts'
import { MovedClock, type TestScope, testScope } from './scope.ts'

export const maskKey = Buffer.alloc(32, 7).toString('base64')

/** An application's data in a folder of its own, and runs over it. */
export class RunWorld {
  readonly home: string
  readonly parts: RunParts
  readonly vault: OpenedTokenVault
  readonly schemas = new Map<string, string>()
  readonly queries = new Map<string, string>()
  #runs = 0

  private constructor(home: string, parts: RunParts, vault: OpenedTokenVault) {
    this.home = home
    this.vault = vault
    this.parts = {
      ...parts,
      schemaText: async path => ({ searched: [path], ...(this.schemas.has(path) && { text: this.schemas.get(path) }) }),
      queryText: async path => this.queries.get(path),
    }
  }

  static async open(engine: PipelineEngine = duckDbPipelines({ memoryLimit: '512MB', threads: 2 }), more: Pick<RunParts, 'regions' | 'indices' | 'topics' | 'buckets'> = {}): Promise<RunWorld> {
    const home = await mkdtemp(join(tmpdir(), 'tributary-runs-'))
    const objects = await openFolder(home)
    const vault = await openSqliteTokenVault({ file: ':memory:' })
    return new RunWorld(home, {
      engine, objects, vault, analyse, ...more, lake: openLake(objects), secrets: openSecrets([environmentSecrets({ TRIBUTARY_SECRET_MASK: maskKey, TRIBUTARY_SECRET_CRM: 'ann:secret' })]),
      openDatabase: (jdbcUrl, credentials) => openDatabase({ jdbcUrl, ...(credentials && { credentials }), root: home, log: testScope().log }),
      schemaText: async () => ({ searched: [] }), queryText: async () => undefined,
      lookups: {
        names: async () => (await objects.find(testScope(), 'lookups/*.csv')).map(({ path }) => path.slice(8, -4)),
        find: async name => {
          const schema = await objects.read(testScope(), `lookups/${name}.avsc`, 10_000)
          return { format: 'csv', path: join(home, 'lookups', `${name}.csv`), ...(schema && { schema: { text: Buffer.from(schema).toString(), file: `${name}.avsc` } }) }
        },
      },
    }, vault)
  }

  async file(path: string, content: string): Promise<void> {
    await mkdir(dirname(join(this.home, path)), { recursive: true })
    await writeFile(join(this.home, path), content)
  }

  /** Lines of a file that was written. */
  async lines(path: string): Promise<string[]> {
    const bytes = await readFile(join(this.home, path))
    return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().trimEnd().split('\n')
  }

  /** Paths of all files that match, versions and scratch folders left out. */
  async paths(pattern = '**'): Promise<string[]> {
    return (await this.parts.objects.find(testScope(), pattern)).map(({ path }) => path)
  }

  database(file: string): DatabaseSync {
    return new DatabaseSync(join(this.home, file))
  }

  /** Parts of a pipeline as they stand in a document, run. */
  async run(document: { readonly sources: string; readonly transformations?: string; readonly targets: string; readonly attributes?: string; readonly parameters?: string }, order: Partial<RunOrder> & { readonly scope?: TestScope } = {}): Promise<RunRecord> {
    const { sources, transformations = '', targets, attributes = 'layer="service"', parameters = '' } = document
    return this.runText(`<pipeline id="p" version="1.0" ${attributes}>\n<metadata><owner>o</owner></metadata>${parameters}\n<sources>${sources}</sources>\n<transformations>${transformations}</transformations>\n<targets>${targets}</targets>\n</pipeline>`, order)
  }

  async runText(xml: string, { scope = testScope({ clock: new MovedClock(Date.UTC(2026, 0, 31, 10, 20, 30)) }), ...order }: Partial<RunOrder> & { readonly scope?: TestScope } = {}): Promise<RunRecord> {
    this.#runs += 1
    return runPipeline(scope, { document: pipelineIn(xml), runId: `run-${this.#runs}`, application: 'shop', environment: 'TEST', parameters: {}, ...order }, this.parts)
  }

  async close(): Promise<void> {
    await this.vault.close()
    await rm(this.home, { recursive: true, force: true })
  }
}

/** Steps by their ids: the state, then what else is told of them. */
export function stepsOf({ steps }: RunRecord): Record<string, unknown[]> {
  return Object.fromEntries(steps.map(({ id, state, rows, rejected }) => [id, [state, rows, ...(rejected === undefined ? [] : [rejected])]]))
}
