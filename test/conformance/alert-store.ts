import type { AlertCause, AlertPlace, AlertStore, NewAlertRule, NewDeadNotice } from '../../connectors/ports/alert-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { must } from '../support/conformance.ts'
import type { MovedClock } from '../support/scope.ts'

/** An alert store under test. Two handles on the same data stand for two nodes. */
export interface AlertStoreSubject {
  readonly store: AlertStore
  readonly other: AlertStore
  /** Of all scopes. */
  readonly clock: MovedClock
  scope(tenant?: string): Scope
  /** The same data in a new handle, as after a restart. */
  reopen(): Promise<AlertStore>
  close(): Promise<void>
}

const hourMs = 3_600_000
const newRule = (name: string, more: Partial<NewAlertRule> = {}): NewAlertRule => ({ application: 'shop', name, kind: 'SLA_BREACH', quietMs: hourMs, targets: [{ kind: 'email', target: 'ops@example.org' }], ...more })
const cause = (event: string, atMs: number, more: Partial<AlertCause> = {}): AlertCause => ({
  rule: newRule('slow'), event, group: 'orders', subject: { kind: 'pipeline', id: 'orders' }, runId: event, atMs, message: `It is ${event}.`, ...more,
})
const deadNotice = (id: string, more: Partial<NewDeadNotice> = {}): NewDeadNotice => ({ application: 'shop', notice: { kind: 'webhook', id, url: 'https://reader.example/s3cret', body: { event: 'failure' } }, attempts: 5, failure: { code: 'UPSTREAM_UNAVAILABLE', message: 'It is down.' }, ...more })

export const alertStoreChecks = [
  must<AlertStoreSubject>('AL01', 'D-107 a rule is kept as it was declared, and replaced by the next of its name', async ({ store, other, scope, clock }) => {
    const rule = newRule('slow', { kind: 'REPEATED_FAILURE', subject: { kind: 'job', id: "o'); DROP TABLE alert; --" }, failures: 3, targets: [{ kind: 'webhook', target: 'https://hooks.example/s3cret' }, { kind: 'email', target: 'ä@example.org' }] })
    const stored = await store.putRule(scope(), rule)
    expect(stored).toEqual({ ...rule, changedBy: 'tester', changedAtMs: clock.now() })
    expect(await other.rules(scope())).toEqual([stored])
    clock.advance(1)
    const next = await other.putRule(scope(), newRule('slow'))
    expect(next).toEqual({ ...newRule('slow'), changedBy: 'tester', changedAtMs: clock.now() })
    expect(await store.rules(scope(), 'shop')).toEqual([next])
  }),

  must<AlertStoreSubject>('AL02', 'D-107 rules are listed by application and name, and are gone once they are removed', async ({ store, other, scope }) => {
    for (const [application, name] of [['shop', 'b'], ['bank', 'z'], ['shop', 'B'], ['shop', 'a']] as const) await store.putRule(scope(), newRule(name, { application }))
    expect((await other.rules(scope())).map(({ application, name }) => `${application} ${name}`)).toEqual(['bank z', 'shop B', 'shop a', 'shop b'])
    expect((await other.rules(scope(), 'shop')).map(({ name }) => name)).toEqual(['B', 'a', 'b'])
    expect(await other.removeRule(scope(), 'shop', 'a')).toMatchObject({ name: 'a' })
    expect(await other.removeRule(scope(), 'shop', 'a')).toBeUndefined()
    expect((await store.rules(scope(), 'shop')).map(({ name }) => name)).toEqual(['B', 'b'])
  }),

  must<AlertStoreSubject>('AL03', 'what could not be found again is refused where it is declared, and found nowhere', async ({ store, scope }) => {
    for (const rule of [newRule('a\0b'), newRule('\ud800'), newRule('x'.repeat(256)), newRule('x', { application: 'y'.repeat(256) }), newRule('x', { subject: { kind: 'pipeline', id: '\0' } }), newRule('x', { targets: [{ kind: 'email', target: 'a\0@b' }] })]) {
      await expect(store.putRule(scope(), rule)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    }
    expect(await store.rules(scope(), 'a\0b')).toEqual([])
    expect(await store.removeRule(scope(), 'shop', 'a\0b')).toBeUndefined()
    expect(await store.alerts(scope(), { application: '\0' }, 10)).toEqual([])
    await expect(store.acknowledge(scope(), '\0', undefined)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  }),

  must<AlertStoreSubject>('AL04', 'D-107 an event raises an alert once, whoever of many is told of it', async ({ store, other, scope, clock }) => {
    const raised = await Promise.all([store, other, store, other].map(one => one.raise(scope(), cause('r1', clock.now()))))
    const [first, ...more] = raised.filter(one => one !== undefined)
    expect([first?.isNew, more]).toEqual([true, []])
    expect(await other.alerts(scope(), {}, 10)).toEqual([{
      id: expect.any(String), application: 'shop', rule: 'slow', kind: 'SLA_BREACH', subject: { kind: 'pipeline', id: 'orders' }, runId: 'r1', message: 'It is r1.', count: 1, firstAtMs: clock.now(), lastAtMs: clock.now(), raisedAtMs: clock.now(),
    }])
    expect(await store.raise(scope(), cause('r1', clock.now(), { rule: newRule('other') }))).toMatchObject({ isNew: true })
  }),

  must<AlertStoreSubject>('AL05', 'D-107 events of one group within the quiet time are one alert with their number, and the next behind it is another', async ({ store, other, scope, clock }) => {
    const atMs = clock.now()
    expect(await store.raise(scope(), cause('r1', atMs))).toMatchObject({ isNew: true, alert: { count: 1 } })
    expect(await other.raise(scope(), cause('r2', atMs + hourMs - 1))).toMatchObject({ isNew: false, alert: { count: 2, runId: 'r2', message: 'It is r2.', firstAtMs: atMs, lastAtMs: atMs + hourMs - 1 } })
    expect(await other.raise(scope(), cause('late', atMs + 5))).toMatchObject({ isNew: false, alert: { count: 3, runId: 'r2', lastAtMs: atMs + hourMs - 1 } })
    expect(await other.raise(scope(), cause('else', atMs + 5, { group: 'others' }))).toMatchObject({ isNew: true, alert: { count: 1 } })
    expect(await store.raise(scope(), cause('r3', atMs + hourMs))).toMatchObject({ isNew: true, alert: { count: 1, firstAtMs: atMs + hourMs } })
    expect((await store.alerts(scope(), {}, 10)).map(({ count }) => count).toSorted()).toEqual([1, 1, 3])
  }),

  must<AlertStoreSubject>('AL06', 'D-107 of a group that many raise at the same time there is one alert, which counts them all', async ({ store, other, scope, clock }) => {
    const raised = await Promise.all(Array.from({ length: 12 }, (_, nth) => (nth % 2 === 0 ? store : other).raise(scope(), cause(`r${nth}`, clock.now()))))
    expect(raised.filter(one => one?.isNew)).toHaveLength(1)
    expect((await store.alerts(scope(), {}, 10)).map(({ count }) => count)).toEqual([12])
  }),

  must<AlertStoreSubject>('AL07', 'D-107 alerts are listed newest first, by any filter, and pages hold each once', async ({ store, scope, clock }) => {
    for (const nth of [0, 1, 2, 3, 4, 5]) {
      const rule = newRule('r', { application: nth < 4 ? 'shop' : 'bank', kind: nth % 2 === 0 ? 'SLA_BREACH' : 'REPEATED_FAILURE' })
      await store.raise(scope(), cause(`${nth}`, clock.now(), { rule, group: `${nth}`, subject: { kind: nth === 3 ? 'job' : 'pipeline', id: 'orders' } }))
      if (nth % 3 === 2) clock.advance(1)
    }
    const runs = async (...given: Parameters<AlertStore['alerts']> extends [unknown, ...infer More] ? More : never) => (await store.alerts(scope(), ...given)).map(({ runId }) => runId)
    const all = await store.alerts(scope(), {}, 100)
    expect([all.slice(0, 3).map(({ runId }) => runId).toSorted(), all.slice(3).map(({ runId }) => runId).toSorted()]).toEqual([['3', '4', '5'], ['0', '1', '2']])
    const paged: string[] = []
    for (let after: AlertPlace | undefined; ;) {
      const page = await store.alerts(scope(), {}, 2, after)
      paged.push(...page.map(({ runId }) => runId))
      const last = page.at(-1)
      if (!last) break
      after = { raisedAtMs: last.raisedAtMs, id: last.id }
    }
    expect(paged).toEqual(all.map(({ runId }) => runId))
    expect((await runs({ application: 'bank' }, 10)).toSorted()).toEqual(['4', '5'])
    expect((await runs({ kind: 'SLA_BREACH' }, 10)).toSorted()).toEqual(['0', '2', '4'])
    expect(await runs({ subject: { kind: 'job', id: 'orders' } }, 10)).toEqual(['3'])
    expect((await runs({ untilMs: clock.now() - 1 }, 10)).toSorted()).toEqual(['0', '1', '2'])
    expect((await runs({ sinceMs: clock.now() - 1 }, 10)).toSorted()).toEqual(['3', '4', '5'])
  }),

  must<AlertStoreSubject>('AL08', 'D-107 who has seen to an alert is noted', async ({ store, other, scope, clock }) => {
    const raised = await store.raise(scope(), cause('r1', clock.now()))
    const id = raised?.alert.id ?? ''
    clock.advance(5)
    expect(await other.acknowledge(scope(), id, 'The source was late.\0')).toEqual({ ...raised?.alert, acknowledged: { by: 'tester', atMs: clock.now(), comment: 'The source was late.\ufffd' } })
    expect(await store.alerts(scope(), { isAcknowledged: false }, 10)).toEqual([])
    expect(await store.alerts(scope(), { isAcknowledged: true }, 10)).toMatchObject([{ id }])
    expect((await store.acknowledge(scope(), id, undefined)).acknowledged).toEqual({ by: 'tester', atMs: clock.now() })
    await expect(store.acknowledge(scope(), 'none', undefined)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  }),

  must<AlertStoreSubject>('AL09', 'an event is new once, for one of all who ask', async ({ store, other, scope }) => {
    expect((await Promise.all([store, other, other].map(one => one.once(scope(), 'job j1')))).filter(Boolean)).toHaveLength(1)
    expect(await store.once(scope(), 'job j1')).toBe(false)
    expect(await store.once(scope(), 'job j2')).toBe(true)
  }),

  must<AlertStoreSubject>('AL10', 'rules and alerts are their tenant\'s', async ({ store, scope, clock }) => {
    await store.putRule(scope('red'), newRule('slow'))
    const raised = await store.raise(scope('red'), cause('r1', clock.now()))
    expect([await store.rules(scope('blue')), await store.alerts(scope('blue'), {}, 10), await store.removeRule(scope('blue'), 'shop', 'slow')]).toEqual([[], [], undefined])
    await expect(store.acknowledge(scope('blue'), raised?.alert.id ?? '', undefined)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await store.raise(scope('blue'), cause('r1', clock.now()))).toMatchObject({ isNew: true })
    expect(await store.once(scope('red'), 'e')).toBe(true)
    expect(await store.once(scope('blue'), 'e')).toBe(true)
    expect(await store.rules(scope('red'))).toHaveLength(1)
  }),

  must<AlertStoreSubject>('AL11', 'D-20 what was answered is there after the store was opened again', async ({ store, scope, clock, reopen }) => {
    await store.putRule(scope(), newRule('slow'))
    await store.raise(scope(), cause('r1', clock.now()))
    const again = await reopen()
    expect(await again.rules(scope())).toMatchObject([{ name: 'slow' }])
    expect(await again.raise(scope(), cause('r1', clock.now()))).toBeUndefined()
    expect(await again.raise(scope(), cause('r2', clock.now()))).toMatchObject({ isNew: false, alert: { count: 2 } })
  }),

  must<AlertStoreSubject>('AL12', 'a caller who has left is told so, and changes nothing', async ({ store, scope }) => {
    const left = { ...scope(), signal: AbortSignal.abort(new Error('the client left')) }
    for (const work of [
      () => store.putRule(left, newRule('x')), () => store.removeRule(left, 'shop', 'x'), () => store.rules(left), () => store.raise(left, cause('r', 0)), () => store.once(left, 'e'), () => store.alerts(left, {}, 1), () => store.acknowledge(left, 'x', undefined),
      () => store.keepDead(left, deadNotice('x')), () => store.deadNotices(left, {}, 1), () => store.deadNotice(left, 'x'), () => store.dropDead(left, 'x'),
    ]) await expect(work()).rejects.toThrow('the client left')
    expect([await store.rules(scope()), await store.alerts(scope(), {}, 1), await store.once(scope(), 'e'), await store.deadNotices(scope(), {}, 1)]).toEqual([[], [], true, []])
  }),

  must<AlertStoreSubject>('AL13', 'D-85 a notice that did not arrive is kept as it was to be sent, once, until it is dropped', async ({ store, other, scope, clock, reopen }) => {
    const mail = deadNotice('run-7.failure.1', { notice: { kind: 'email', id: 'run-7.failure.1', to: ['ops@example.org'], subject: 'ä \0', text: 'x'.repeat(100_000) }, failure: { code: 'FORBIDDEN', message: 'No\0' } })
    expect(await store.keepDead(scope(), mail)).toEqual({ ...mail, failure: { code: 'FORBIDDEN', message: 'No\ufffd' }, diedAtMs: clock.now() })
    clock.advance(5)
    const again = await other.keepDead(scope(), deadNotice('run-7.failure.1', { attempts: 6 }))
    expect(again).toEqual({ ...deadNotice('run-7.failure.1', { attempts: 6 }), diedAtMs: clock.now() })
    const opened = await reopen()
    expect([await opened.deadNotice(scope(), 'run-7.failure.1'), await opened.deadNotices(scope(), {}, 10)]).toEqual([again, [again]])
    expect([await opened.dropDead(scope(), 'run-7.failure.1'), await opened.dropDead(scope(), 'run-7.failure.1'), await opened.deadNotice(scope(), 'run-7.failure.1'), await opened.deadNotice(scope(), '\0')]).toEqual([again, undefined, undefined, undefined])
  }),

  must<AlertStoreSubject>('AL14', 'dead notices are listed newest first, of an application, and are their tenant\'s', async ({ store, scope, clock }) => {
    for (const [nth, id] of ['b', 'a', 'c', 'd'].entries()) {
      if (nth > 1) clock.advance(1)
      await store.keepDead(scope(), deadNotice(id, { application: nth === 2 ? 'bank' : 'shop' }))
    }
    await store.keepDead(scope('blue'), deadNotice('a'))
    const ids = async (...given: Parameters<AlertStore['deadNotices']> extends [unknown, ...infer More] ? More : never) => (await store.deadNotices(scope(), ...given)).map(({ notice }) => notice.id)
    expect([await ids({}, 10), await ids({ application: 'shop' }, 2), await ids({}, 10, { diedAtMs: clock.now() - 2, id: 'b' })]).toEqual([['d', 'c', 'b', 'a'], ['d', 'b'], ['a']])
    expect(await store.dropDead(scope('blue'), 'd')).toBeUndefined()
    expect(await store.deadNotices(scope('blue'), {}, 10)).toHaveLength(1)
  }),
]
