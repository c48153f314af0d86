import { changed, customerMaster as sample, jobIn, said } from '../../support/pipelines.ts'

const job = (refs: string) => `<jobPipeline id="j" version="1.0"><pipelines>${refs}</pipelines></jobPipeline>`
const words = (xml: string) => said(xml).map(one => one.replace(/^\d+:\d+ /, ''))

test('D-78, D-79, D-80, D-81, D-83: the sample job is a document without findings', () => {
  expect(said(sample)).toEqual([])
  expect(jobIn(sample)).toMatchObject({
    id: 'customer_master', version: { major: 2, minor: 0, patch: 0 }, parameters: [],
    refs: [
      { id: 'customer_staging_load', dependsOn: [], onFailure: 'retry', maxRetries: 2 },
      { id: 'customer_standardization', dependsOn: ['customer_staging_load'], onFailure: 'halt', maxRetries: 3 },
      { id: 'customer_service_export', dependsOn: ['customer_standardization'], onFailure: 'continue', maxRetries: 3 },
    ],
    notifications: [{ kind: 'email', target: 'ops@company.com', on: 'failure' }, { kind: 'webhook', target: 'https://hooks.slack.com/services/T0/B0/x', on: 'completion' }],
  })
})

test.each([
  ['D-79', [['id="customer_standardization"', 'id="customer_staging_load"']], ['DUPLICATE_ID "customer_staging_load" stands in the job already, in line 3.', 'UNKNOWN_REFERENCE "customer_standardization" is no pipeline of this job.']],
  ['D-80', [['dependsOn="customer_staging_load"', 'dependsOn="customer_stagng_load"']], ['UNKNOWN_REFERENCE "customer_stagng_load" is no pipeline of this job. Did you mean "customer_staging_load"?']],
  ['D-80', [['onFailure="retry"', 'dependsOn="customer_service_export" onFailure="retry"']], ['CYCLE These pipelines wait for each other: "customer_staging_load" depends on "customer_service_export" depends on "customer_standardization" depends on "customer_staging_load".']],
  ['D-81', [['onFailure="halt"', 'onFailure="stop"']], ['INVALID_VALUE "onFailure" of <pipelineRef> is "stop"; one of "retry", "halt", "skip", "continue" or "fallback" is expected.']],
  ['D-81', [[' maxRetries="2"', '']], ['WARNING MISSING_ATTRIBUTE "maxRetries" is not given; the pipeline is tried again up to 3 times.']],
  ['D-81', [['onFailure="halt"', 'onFailure="fallback"']], ['MISSING_ATTRIBUTE onFailure="fallback" needs "fallback": the pipeline that runs in its place.']],
  ['D-83', [['maxRetries="2"', 'maxRetries="-1"']], ['INVALID_VALUE "maxRetries" of <pipelineRef> is "-1"; a whole number from 0 is expected.']],
  ['D-84', [['ops@company.com', 'ops']], ['INVALID_VALUE "to" of <email> is "ops"; a mail address, or several with commas between is expected.']],
  ['D-85', [['https://hooks', 'ftp://hooks']], ['INVALID_VALUE "url" of <webhook> is the value given; a URL of http:// or https:// is expected.']],
  ['D-86', [['on="failure"', 'on="failed"']], ['INVALID_VALUE "on" of <email> is "failed"; one of "failure", "completion", "success", "sla_breach" or "start" is expected.']],
] as readonly (readonly [string, readonly (readonly [string, string])[], readonly string[]])[])('%s: %j is said', (_row, changes, expected) => {
  expect(words(changed(sample, ...changes))).toEqual(expected.map(one => expect.stringContaining(one)))
})

test('D-81, D-82: what has no effect beside a strategy is a warning', () => {
  expect(words(job('<pipelineRef id="a" onFailure="skip" maxRetries="2"/><pipelineRef id="b" fallback="a"/><pipelineRef id="c" onFailure="fallback" fallback="c"/>'))).toEqual([
    'WARNING CONTRADICTION "maxRetries" means something only with onFailure="retry"; it is "skip".',
    'WARNING CONTRADICTION "fallback" means something only with onFailure="fallback"; it is "halt".',
    'CONTRADICTION "c" cannot run in its own place.',
  ])
  expect(jobIn(job('<pipelineRef id="a" onFailure="fallback" fallback="b"/>')).refs).toMatchObject([{ id: 'a', dependsOn: [], onFailure: 'fallback', maxRetries: 3, fallback: 'b' }])
})

test('D-88: a job has one pipeline at least', () => {
  expect(words(job(''))).toEqual(['MISSING_ELEMENT <pipelines> is empty; "<pipelineRef>" is expected in it.'])
})
