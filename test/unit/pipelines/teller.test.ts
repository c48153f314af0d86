import { openSqliteAlertStore } from '../../../connectors/alert-store/index.ts'
import type { AlertStore } from '../../../connectors/ports/alert-store.ts'
import type { Notice } from '../../../connectors/ports/notifier.ts'
import { HubError } from '../../../schema/errors.ts'
import { Teller } from '../../../subgraphs/pipelines/notify/teller.ts'
import { jobIn } from '../../support/pipelines.ts'
import { HastyClock, MovedClock, testScope } from '../../support/scope.ts'

let alerts: AlertStore
beforeEach(async () => {
  alerts = await openSqliteAlertStore({ file: ':memory:' })
})
afterEach(() => alerts.close())

const notice: Notice = { kind: 'webhook', id: 'run-7.failure.1', url: 'https://reader.example/s3cret', body: { event: 'failure' } }
const down = new HubError('UPSTREAM_UNAVAILABLE', 'The webhook at reader.example gave no answer.')
const tellerThat = (send: (notice: Notice) => Promise<void>) => new Teller({ notifier: { send: (_, one) => send(one) }, kept: alerts, missing: { email: ['pipelines.smtpUrl', 'pipelines.smtpFrom'], webhook: [] }, delivery: { attempts: 2, firstDelayMs: 1 } })

test('D-85 what did not arrive after all attempts is kept, sent once when somebody says so, and dropped when it arrives', async () => {
  const scope = testScope({ clock: new HastyClock() })
  let isDown = true
  const sent: Notice[] = []
  const teller = tellerThat(async one => {
    sent.push(one)
    if (isDown) throw down
  })
  teller.send(scope, 'shop', [notice])
  await teller.idle()
  const kept = { application: 'shop', notice, attempts: 2, failure: { code: 'UPSTREAM_UNAVAILABLE', message: down.message } }
  expect(await alerts.deadNotices(scope, {}, 10)).toMatchObject([kept])
  await expect(teller.retry(scope, notice.id)).rejects.toBe(down)
  expect(await alerts.deadNotices(scope, {}, 10)).toMatchObject([{ ...kept, attempts: 3 }])
  isDown = false
  expect(await teller.retry(scope, notice.id)).toMatchObject({ attempts: 3 })
  expect([await alerts.deadNotices(scope, {}, 10), sent]).toEqual([[], Array(4).fill(notice)])
  await expect(teller.retry(scope, notice.id)).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('"run-7.failure.1"') })
})

test('D-85 what waits for its next attempt when its scope ends is kept before all is idle', async () => {
  const scope = testScope({ clock: new MovedClock() })
  const asked = Promise.withResolvers<void>()
  const teller = tellerThat(async () => {
    asked.resolve()
    throw down
  })
  teller.send(scope, 'shop', [notice])
  await asked.promise
  scope.abort(new HubError('SHUTTING_DOWN', 'The hub is stopping.'))
  await teller.idle()
  expect(await alerts.deadNotices(testScope(), {}, 10)).toMatchObject([{ attempts: 1, failure: { code: 'UPSTREAM_UNAVAILABLE' } }])
})

test('a caller who leaves while it is sent again changes nothing of what is kept', async () => {
  const scope = testScope()
  const dead = await alerts.keepDead(scope, { application: 'shop', notice, attempts: 5, failure: { code: 'FORBIDDEN', message: 'No.' } })
  const left = new HubError('CANCELLED', 'The client left.')
  const teller = tellerThat(async () => {
    scope.abort(left)
    throw left
  })
  await expect(teller.retry(scope, notice.id)).rejects.toBe(left)
  expect(await alerts.deadNotices(testScope(), {}, 10)).toEqual([dead])
})

test('D-84 D-85 notices of kinds that are not set up are told of, and not sent', () => {
  const document = jobIn('<jobPipeline id="j" version="1.0"><pipelines><pipelineRef id="a"/></pipelines><notifications><email to="o@example.org" on="failure"/><webhook url="https://reader.example/" on="start"/></notifications></jobPipeline>')
  const teller = tellerThat(async () => {})
  expect(teller.warning(document)).toBe('Notices by email are not sent: pipelines.smtpUrl, pipelines.smtpFrom are not set.')
  expect(teller.tellable(document).notifications.map(({ kind }) => kind)).toEqual(['webhook'])
  expect(teller.warning(teller.tellable(document))).toBeUndefined()
})
