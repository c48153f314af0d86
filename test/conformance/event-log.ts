import type { HubError } from '../../schema/errors.ts'
import type { EventLog, NewEvent, StoredEvent } from '../../connectors/ports/event-log.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { must } from '../support/conformance.ts'

/** An event log under test, with what only its adapter's test can do. */
export interface EventLogSubject {
  readonly events: EventLog
  scope(tenant?: string): Scope
  /** A scope and the way to abort it. */
  abortable(): { scope: Scope; abort(reason: unknown): void }
  /** Ends when so much time has passed on the log's clock and limits of age and size were applied. */
  elapse(ms: number): Promise<void>
  /** How many bytes of events close a segment. */
  readonly segmentBytes: number
  reopen(): Promise<void>
  close(): Promise<void>
}

const code = (wanted: HubError['code']) => expect.objectContaining({ code: wanted })

function event(value: string, key?: string): NewEvent {
  return key === undefined ? { value: Buffer.from(value) } : { value: Buffer.from(value), key }
}

const texts = (events: readonly StoredEvent[]) => events.map(({ value }) => Buffer.from(value).toString())

async function topic({ events, scope }: EventLogSubject, settings: { partitions?: number; retentionMs?: number; retentionBytes?: number } = {}): Promise<string> {
  await events.createTopic(scope(), { name: 'db.public.person', partitions: 1, ...settings })
  return 'db.public.person'
}

export const eventLogChecks = [
  must<EventLogSubject>('EL01', 'events come back in order with contiguous offsets, keys, headers and their time', async subject => {
    const name = await topic(subject)
    const { events } = subject
    const places = await events.append(subject.scope(), name, [{ ...event('a', 'k'), headers: { source: 'test' } }, event('b')])
    expect(places).toEqual([{ partition: 0, offset: 0 }, { partition: 0, offset: 1 }])
    await events.append(subject.scope(), name, [event('c')])
    const read = await events.read(subject.scope(), name, 0, 0, 10)
    expect(texts(read)).toEqual(['a', 'b', 'c'])
    expect(read.map(({ offset }) => offset)).toEqual([0, 1, 2])
    expect(read[0]).toMatchObject({ key: 'k', headers: { source: 'test' }, partition: 0 })
    expect(read[1]?.key).toBeUndefined()
    expect(read[0]?.appendedAtMs).toBeGreaterThan(0)
  }),
  must<EventLogSubject>('EL02', 'values are bytes of any kind, also none, and keys any text', async subject => {
    const name = await topic(subject)
    const value = Uint8Array.from({ length: 512 }, (_, index) => index % 256)
    await subject.events.append(subject.scope(), name, [{ value }, { value: new Uint8Array(0), key: '' }, { value: new Uint8Array(3), key: 'Zoë\u0000' }])
    const read = await subject.events.read(subject.scope(), name, 0, 0, 10)
    expect(read.map(stored => [...stored.value])).toEqual([[...value], [], [0, 0, 0]])
    expect(read.map(stored => stored.key)).toEqual([undefined, '', 'Zoë\u0000'])
  }),
  must<EventLogSubject>('EL03', 'a read takes at most what it asks for, goes on where it stopped, and is empty at the end', async subject => {
    const name = await topic(subject)
    await subject.events.append(subject.scope(), name, ['a', 'b', 'c'].map(value => event(value)))
    expect(texts(await subject.events.read(subject.scope(), name, 0, 0, 2))).toEqual(['a', 'b'])
    expect(texts(await subject.events.read(subject.scope(), name, 0, 2, 2))).toEqual(['c'])
    expect(await subject.events.read(subject.scope(), name, 0, 3, 2)).toEqual([])
  }),
  must<EventLogSubject>('EL04', 'events of one key meet in one partition in order; events without key are spread', async subject => {
    const name = await topic(subject, { partitions: 4 })
    const keyed = await subject.events.append(subject.scope(), name, Array.from({ length: 40 }, (_, index) => event(`${index}`, `k${index % 8}`)))
    for (let key = 0; key < 8; key++) {
      const places = keyed.filter((_, index) => index % 8 === key)
      expect(new Set(places.map(place => place.partition)).size).toBe(1)
      expect(places.map(place => place.offset)).toEqual(places.map(place => place.offset).sort((a, b) => a - b))
    }
    const spread = await subject.events.append(subject.scope(), name, Array.from({ length: 40 }, (_, index) => event(`${index}`)))
    expect(new Set(spread.map(place => place.partition)).size).toBe(4)
  }),
  must<EventLogSubject>('EL05', 'many writers at once get one place each', async subject => {
    const name = await topic(subject)
    const places = await Promise.all(Array.from({ length: 50 }, (_, index) => subject.events.append(subject.scope(), name, [event(`${index}`)])))
    const offsets = places.map(([place]) => place?.offset ?? -1)
    const read = await subject.events.read(subject.scope(), name, 0, 0, 100)
    expect([...offsets].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index))
    expect(offsets.map(offset => texts(read)[offset])).toEqual(Array.from({ length: 50 }, (_, index) => `${index}`))
  }),
  must<EventLogSubject>('EL06', 'events, topics and offsets are there after a restart', async subject => {
    const name = await topic(subject, { partitions: 2 })
    await subject.events.append(subject.scope(), name, [event('a', 'k'), event('b', 'k')])
    const partition = (await subject.events.topics(subject.scope()))[0]?.places.findIndex(place => place.end === 2) ?? -1
    await subject.events.commit(subject.scope(), 'group', name, partition, 1)
    await subject.reopen()
    expect(texts(await subject.events.read(subject.scope(), name, partition, 0, 10))).toEqual(['a', 'b'])
    expect((await subject.events.committed(subject.scope(), 'group', name))[partition]).toBe(1)
    expect(await subject.events.append(subject.scope(), name, [event('c', 'k')])).toEqual([{ partition, offset: 2 }])
  }),
  must<EventLogSubject>('EL07', 'a wait ends at once when there is something, else with the next append', async subject => {
    const name = await topic(subject)
    await subject.events.append(subject.scope(), name, [event('a')])
    await subject.events.wait(subject.scope(), name, 0, 0)
    const ended: string[] = []
    const waiting = subject.events.wait(subject.scope(), name, 0, 1).then(() => ended.push('wait'))
    ended.push('append')
    await subject.events.append(subject.scope(), name, [event('b')])
    await waiting
    expect(ended).toEqual(['append', 'wait'])
    expect(texts(await subject.events.read(subject.scope(), name, 0, 1, 1))).toEqual(['b'])
  }),
  must<EventLogSubject>('EL08', 'a wait ends with the signal\'s reason', async subject => {
    const name = await topic(subject)
    const { scope, abort } = subject.abortable()
    const waiting = subject.events.wait(scope, name, 0, 0)
    const reason = new Error('the client left')
    abort(reason)
    await expect(waiting).rejects.toBe(reason)
  }),
  must<EventLogSubject>('EL09', 'each group goes on at its own offsets, 0 where it never committed', async subject => {
    const name = await topic(subject, { partitions: 3 })
    await subject.events.append(subject.scope(), name, Array.from({ length: 30 }, (_, index) => event(`${index}`)))
    await Promise.all([subject.events.commit(subject.scope(), 'a', name, 1, 4), subject.events.commit(subject.scope(), 'a', name, 1, 5), subject.events.commit(subject.scope(), 'b', name, 2, 7)])
    expect(await subject.events.committed(subject.scope(), 'a', name)).toEqual([0, 5, 0])
    expect(await subject.events.committed(subject.scope(), 'b', name)).toEqual([0, 0, 7])
    expect(await subject.events.committed(subject.scope(), 'c', name)).toEqual([0, 0, 0])
  }),
  must<EventLogSubject>('EL10', 'making an equal topic again leaves it as it is; other settings are refused, naming them', async subject => {
    const name = await topic(subject)
    await subject.events.append(subject.scope(), name, [event('a')])
    await topic(subject)
    expect(texts(await subject.events.read(subject.scope(), name, 0, 0, 10))).toEqual(['a'])
    await expect(topic(subject, { partitions: 2 })).rejects.toEqual(code('CONFLICT'))
    await expect(topic(subject, { partitions: 2 })).rejects.toThrow('partitions is 1, not 2')
  }),
  must<EventLogSubject>('EL11', 'a deleted topic takes its events and offsets with it', async subject => {
    const name = await topic(subject)
    await subject.events.append(subject.scope(), name, [event('a')])
    await subject.events.commit(subject.scope(), 'group', name, 0, 1)
    const waiting = subject.events.wait(subject.scope(), name, 0, 1)
    const ended = expect(waiting).rejects.toEqual(code('NOT_FOUND'))
    expect(await subject.events.deleteTopic(subject.scope(), name)).toBe(true)
    await ended
    expect(await subject.events.deleteTopic(subject.scope(), name)).toBe(false)
    await topic(subject)
    expect(await subject.events.read(subject.scope(), name, 0, 0, 10)).toEqual([])
    expect(await subject.events.committed(subject.scope(), 'group', name)).toEqual([0])
  }),
  must<EventLogSubject>('EL12', 'an unknown topic or partition is refused by name', async subject => {
    const name = await topic(subject)
    await expect(subject.events.append(subject.scope(), 'db.public.persn', [event('a')])).rejects.toEqual(code('NOT_FOUND'))
    await expect(subject.events.read(subject.scope(), 'db.public.persn', 0, 0, 1)).rejects.toThrow('Did you mean "db.public.person"?')
    await expect(subject.events.read(subject.scope(), name, 1, 0, 1)).rejects.toEqual(code('NOT_FOUND'))
    await expect(subject.events.commit(subject.scope(), 'group', name, 1, 0)).rejects.toEqual(code('NOT_FOUND'))
  }),
  must<EventLogSubject>('EL13', 'a topic with a name or settings that cannot be is refused', async subject => {
    for (const name of ['', '.', '..', 'a/b', '../up', 'ü', 'x'.repeat(250)]) {
      await expect(subject.events.createTopic(subject.scope(), { name, partitions: 1 })).rejects.toEqual(code('VALIDATION_ERROR'))
    }
    await expect(topic(subject, { partitions: 0 })).rejects.toEqual(code('VALIDATION_ERROR'))
    expect(await subject.events.topics(subject.scope())).toEqual([])
  }),
  must<EventLogSubject>('EL14', 'above the byte limit the oldest segments go, and reading them is answered with where the log begins', async subject => {
    const name = await topic(subject, { retentionBytes: subject.segmentBytes * 3 })
    const value = 'x'.repeat(subject.segmentBytes / 4)
    for (let index = 0; index < 40; index++) await subject.events.append(subject.scope(), name, [event(value)])
    await subject.elapse(0)
    const [place] = (await subject.events.topics(subject.scope()))[0]?.places ?? []
    expect(place?.end).toBe(40)
    expect(place?.start).toBeGreaterThan(20)
    await expect(subject.events.read(subject.scope(), name, 0, 0, 1)).rejects.toEqual(expect.objectContaining({ code: 'GONE', details: { start: place?.start } }))
    const held = await subject.events.read(subject.scope(), name, 0, place?.start ?? 0, 100)
    expect(held.map(({ offset }) => offset)).toEqual(Array.from({ length: 40 - (place?.start ?? 0) }, (_, index) => (place?.start ?? 0) + index))
  }),
  must<EventLogSubject>('EL15', 'events older than the age limit go, and offsets go on', async subject => {
    const name = await topic(subject, { retentionMs: 60_000 })
    await subject.events.append(subject.scope(), name, [event('a'), event('b')])
    await subject.elapse(150_000)
    expect((await subject.events.topics(subject.scope()))[0]?.places).toEqual([{ start: 2, end: 2 }])
    expect(await subject.events.append(subject.scope(), name, [event('c')])).toEqual([{ partition: 0, offset: 2 }])
    await subject.reopen()
    expect(texts(await subject.events.read(subject.scope(), name, 0, 2, 10))).toEqual(['c'])
  }),
  must<EventLogSubject>('EL16', 'a tenant\'s topics, events and offsets are its own, whatever it calls them', async ({ events, scope }) => {
    const [ours, theirs, open] = [scope(), scope(`${scope().tenant}.other`), scope('public')]
    const name = `shared.${ours.tenant}`
    const tenants = [ours, theirs, open]
    for (const tenant of tenants) await events.createTopic(tenant, { name, partitions: 1 })
    for (const tenant of tenants) await events.append(tenant, name, [event(tenant.tenant)])
    await events.commit(theirs, 'group', name, 0, 1)
    for (const tenant of tenants) expect(texts(await events.read(tenant, name, 0, 0, 10))).toEqual([tenant.tenant])
    expect(await events.committed(ours, 'group', name)).toEqual([0])
    expect((await events.topics(ours)).map(one => one.name)).toEqual([name])
    expect(await events.deleteTopic(theirs, name)).toBe(true)
    expect(texts(await events.read(ours, name, 0, 0, 10))).toEqual([ours.tenant])
    const disguised = (await events.topics(open)).map(one => one.name).filter(one => one.startsWith('tenant.'))
    expect(disguised).toEqual([])
    await expect(events.createTopic(open, { name: `tenant.${ours.tenant}.${name}`, partitions: 1 })).rejects.toEqual(code('VALIDATION_ERROR'))
    await expect(events.read(open, `tenant.${ours.tenant}.${name}`, 0, 0, 1)).rejects.toEqual(code('VALIDATION_ERROR'))
    expect(await events.deleteTopic(open, name)).toBe(true)
  }),
  must<EventLogSubject>('EL17', 'altering changes the limits that are given, and no other', async subject => {
    const name = await topic(subject, { partitions: 2, retentionMs: 60_000, retentionBytes: 1_000_000 })
    const limits = async () => {
      const found = await subject.events.topic(subject.scope(), name)
      return [found?.retentionMs, found?.retentionBytes]
    }
    expect(await limits()).toEqual([60_000, 1_000_000])
    await subject.events.alterTopic(subject.scope(), name, { retentionMs: 259_200_000 })
    expect(await limits()).toEqual([259_200_000, 1_000_000])
    await subject.events.alterTopic(subject.scope(), name, { retentionBytes: -1 })
    expect(await limits()).toEqual([259_200_000, -1])
    await expect(subject.events.alterTopic(subject.scope(), 'db.public.persn', { retentionMs: 1 })).rejects.toThrow('Did you mean "db.public.person"?')
    await expect(subject.events.alterTopic(subject.scope(), name, { retentionMs: -2 })).rejects.toEqual(code('VALIDATION_ERROR'))
    expect(await limits()).toEqual([259_200_000, -1])
  }),
  must<EventLogSubject>('EL18', 'a topic says where its partitions lie and how it is set up; one that is not there is undefined', async subject => {
    const name = await topic(subject, { partitions: 2, retentionMs: 60_000 })
    await subject.events.append(subject.scope(), name, [event('a', 'k')])
    const found = await subject.events.topic(subject.scope(), name)
    expect(found).toMatchObject({ name, partitions: 2, replicas: 1, retentionMs: 60_000, internal: false })
    expect(found?.places.map(({ end }) => end).sort()).toEqual([0, 1])
    expect(found?.brokers).toHaveLength(2)
    for (const { leader, replicas, isr } of found?.brokers ?? []) expect([replicas, isr]).toEqual([[leader], [leader]])
    expect(found?.config.find(entry => entry.name === 'retention.ms')).toEqual({ name: 'retention.ms', value: '60000', source: 'TOPIC_CONFIG', isDefault: false })
    expect(found?.config.find(entry => entry.name === 'retention.bytes')).toMatchObject({ value: '-1', isDefault: true })
    expect(await subject.events.topic(subject.scope(), 'nothing')).toBeUndefined()
    await expect(subject.events.createTopic(subject.scope(), { name: 'copied', partitions: 1, replicas: 99 })).rejects.toEqual(code('VALIDATION_ERROR'))
  }),
  must<EventLogSubject>('EL19', 'a reader who waits and reads in turn gets every event once, whoever appends meanwhile', async subject => {
    const name = await topic(subject)
    const total = 300
    const appending = (async () => {
      for (let index = 0; index < total; index += 3) await Promise.all([0, 1, 2].map(nth => subject.events.append(subject.scope(), name, [event(`${index + nth}`)])))
    })()
    const read = async () => {
      const offsets: number[] = []
      for (let next = 0; next < total; next = offsets.length) {
        await subject.events.wait(subject.scope(), name, 0, next)
        const found = await subject.events.read(subject.scope(), name, 0, next, 50)
        expect(found.length).toBeGreaterThan(0)
        offsets.push(...found.map(({ offset }) => offset))
      }
      return offsets
    }
    const everyOffset = Array.from({ length: total }, (_, index) => index)
    expect(await Promise.all([read(), read(), read()])).toEqual([everyOffset, everyOffset, everyOffset])
    await appending
  }),
  must<EventLogSubject>('EL20', 'what is the log\'s own is not made, written, altered or deleted', async subject => {
    for (const name of ['__consumer_offsets', 'connect-offsets']) {
      await expect(subject.events.createTopic(subject.scope(), { name, partitions: 1 })).rejects.toEqual(code('BAD_USER_INPUT'))
      await expect(subject.events.deleteTopic(subject.scope(), name)).rejects.toEqual(code('BAD_USER_INPUT'))
    }
  }),
]
