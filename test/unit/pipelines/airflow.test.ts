import { airflowDag } from '../../../subgraphs/pipelines/airflow/dag.ts'
import { hasPython, inAirflow } from '../../support/airflow.ts'
import { jobIn, pipelineIn } from '../../support/pipelines.ts'

const suite = hasPython ? describe : describe.skip
const declared = (names: readonly string[]) => `<parameters>${names.map(name => `<parameter name="${name}" default="x"/>`).join('')}</parameters>`
const pipelines = (...ids: readonly string[]) => new Map(ids.map(id => {
  const xml = `<pipeline id="${id}" version="1.0" layer="service"><metadata><owner>o</owner></metadata>${declared([`of_${id}`, 'day'])}<sources><csv id="c" path="in.csv"/></sources><targets><csv path="out"/></targets></pipeline>`
  return [id, { application: 'shop', id, file: `${id}.xml`, xml, findings: [], document: pipelineIn(xml) }]
}))
const job = (refs: string, parameters = '') => jobIn(`<jobPipeline id="nightly" version="1.2">${parameters}<pipelines>${refs}</pipelines></jobPipeline>`)

suite('D-05 jobs as DAGs, which need python3', () => {
  const refs = '<pipelineRef id="a" onFailure="retry" maxRetries="2"/><pipelineRef id="b" dependsOn="a" onFailure="continue"/><pipelineRef id="c" dependsOn="a" onFailure="skip"/><pipelineRef id="d" dependsOn="b,c" onFailure="fallback" fallback="e"/><pipelineRef id="f" onFailure="continue"/>'

  test('D-05 the module has a task a pipeline, and waits as the job does', async () => {
    const document = job(refs)
    const { dag, edges, tasks } = await inAirflow({ module: airflowDag({ application: 'shop', id: 'nightly' }, document, pipelines(...'abcdef')) })
    expect(dag).toEqual({ dag_id: 'shop.nightly', dag_display_name: 'shop: nightly 1.2.0', schedule: null, catchup: false, max_active_runs: 1, max_active_tasks: 2, tags: ['tributary'] })
    const through = new Map(edges.filter(([, to]) => to.startsWith('gates ')).map(([from, to]) => [to, from]))
    const found = edges.filter(([, to]) => to.startsWith('tasks ')).map(([from, to]) => [through.get(from) ?? from, to].map(one => one.replace('tasks ', '')))
    expect(found).toEqual(document.refs.flatMap(({ id, dependsOn }) => dependsOn.map(from => [from, id])))
    expect(tasks).toEqual({
      a: { rule: 'all_success', retries: 2, upstream: [], app: 'shop' }, b: { rule: 'all_success', retries: 0, upstream: ['a'], app: 'shop' }, c: { rule: 'all_success', retries: 0, upstream: ['a'], app: 'shop' },
      d: { rule: 'all_success', retries: 0, upstream: ['0-after-b', '0-after-c'], app: 'shop' }, f: { rule: 'all_success', retries: 0, upstream: [], app: 'shop' },
      '0-after-b': { rule: 'one_done', retries: 0, upstream: ['b'], app: null }, '0-after-c': { rule: 'one_done', retries: 0, upstream: ['c'], app: null }, '0-any-failed': { rule: 'one_failed', retries: 0, upstream: ['a', 'b', 'c', 'd', 'f'], app: null },
    })
  })

  test('D-05 what documents and folders are called stays a text, whatever stands in it', async () => {
    const evil = '"); import os; os.abort() #\n\'\'\'"""\\\u2028'
    const text = evil.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('\n', '&#10;')
    const { tasks, params } = await inAirflow({ module: airflowDag({ application: evil, id: 'nightly' }, job('<pipelineRef id="a"/>', `<parameters><parameter name="day" default="${text}"/></parameters>`), pipelines('a')) })
    expect([tasks['a']?.app, params]).toEqual([evil, { day: evil, runDate: null }])
  })
})

test('D-05 a pipeline is handed those parameters of the job that it declares', () => {
  const text = airflowDag({ application: 'shop', id: 'nightly' }, job('<pipelineRef id="a" onFailure="fallback" fallback="b"/>', declared(['day', 'of_a', 'of_b', 'other'])), pipelines('a', 'b'))
  expect(text).toContain('pipeline="a", parameters=["day","of_a"], fallback="b", fallback_parameters=["day","of_b"]')
})

test('D-05 a job that names a pipeline there is not has no DAG', () => {
  expect(() => airflowDag({ application: 'shop', id: 'nightly' }, job('<pipelineRef id="lod"/>'), pipelines('load'))).toThrow('There is no pipeline "lod" in "shop". Did you mean "load"?')
})
