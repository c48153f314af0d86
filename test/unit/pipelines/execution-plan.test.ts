import { duckDbPipelines } from '../../../connectors/pipelines/duckdb.ts'
import type { PipelineEngine } from '../../../connectors/ports/pipeline-engine.ts'
import { executionPlan } from '../../../subgraphs/pipelines/execution-plan.ts'
import { RunWorld } from '../../support/pipeline-runs.ts'
import { pipelineIn } from '../../support/pipelines.ts'

const document = (transformations: string, targets: string) => `<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="a" path="a.csv"/><csv id="b" path="b.csv"/></sources><transformations>${transformations}</transformations><targets>${targets}</targets></pipeline>`
const csv = (path: string, source = 'a') => `<csv source="${source}" path="${path}" mode="overwrite"/>`

test.each([
  ['two targets read one step', '<sort source="a" orderBy="n"/><join left="a" right="b" type="inner" condition="a.n = b.n"/>', csv('one') + csv('two'), ['2-join']],
  ['rules are counted', '<validate source="a"><notNull columns="n"/></validate>', csv('one'), ['a']],
  ['tokens are made', '<sort source="a" orderBy="n"/><mask source="a" columns="n" strategy="tokenize"/>', csv('one'), ['1-sort']],
  ['rows go into a database', '<sort source="a" orderBy="n"/>', '<database id="db" source="a" jdbcUrl="jdbc:sqlite:out.db" mode="append"><table name="main.t"/></database>', ['1-sort']],
  ['each is read once', '<sort source="a" orderBy="n"/>', csv('one'), []],
  ['a source is read by two', '<sort source="a" orderBy="n"/>', csv('one') + csv('two', 'b') + csv('three', 'b'), ['b']],
])('D-97 what a plan says is held is what the run holds: where %s', async (_, transformations, targets, expected) => {
  const held: string[] = []
  const duck = duckDbPipelines({ memoryLimit: '512MB', threads: 1 })
  const engine: PipelineEngine = { ...duck, async begin(scope) {
    const workspace = await duck.begin(scope)
    const keep = workspace.keep.bind(workspace)
    return Object.assign(workspace, { keep: (dataset: string) => {
      held.push(dataset)
      return keep(dataset)
    } })
  } }
  const world = await RunWorld.open(engine)
  try {
    for (const name of ['a', 'b']) await world.file(`${name}.csv`, 'n\n1\n')
    world.database('out.db').exec('CREATE TABLE t (n text)')
    const xml = document(transformations, targets)
    const record = await world.runText(xml)
    expect([record.state, record.error]).toEqual(['SUCCEEDED', undefined])
    const hinted = executionPlan(pipelineIn(xml).steps).steps.flatMap(({ id, hint }) => (hint === 'CACHE' ? [id] : []))
    expect([hinted, held]).toEqual([expected, expected])
  } finally {
    await world.close()
  }
})
