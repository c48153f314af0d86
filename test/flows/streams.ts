import type { RunningHub } from '../support/hub.ts'

const shown = 'name partitions { id leader replicas isr beginOffset endOffset } replicationFactor config { name value source isDefault } retentionMs retentionBytes messageCount internal warnings'
const create = `mutation ($input: CreateTopicInput!) { createTopic(input: $input) { ${shown} } }`
const update = `mutation ($input: UpdateTopicInput!) { updateTopic(input: $input) { ${shown} } }`
const topicQuery = `query ($name: String!) { topic(name: $name) { ${shown} } }`
const remove = 'mutation ($name: String!) { deleteTopic(name: $name) }'

interface Topic {
  readonly name: string
  readonly partitions: readonly { readonly id: number; readonly beginOffset: number; readonly endOffset: number }[]
  readonly config: readonly { readonly name: string; readonly value: string | null }[]
  readonly retentionMs: number | null
  readonly retentionBytes: number | null
  readonly warnings: readonly string[]
}

/** What the graph does with topics, whatever keeps them. `ownNames` says which of the names in a list are this run's: a cluster may have others. */
export function topicAdministration(hub: () => RunningHub, ownName: (name: string) => string): void {
  const make = (input: Record<string, unknown>) => hub().query<{ createTopic: Topic }>(create, { input })
  const codeOf = async (asked: ReturnType<RunningHub['query']>) => (await asked).errors?.[0]?.extensions?.['code']
  const names = async () => {
    const found: string[] = []
    let after: string | null = null
    do {
      const { data, errors }: Awaited<ReturnType<typeof page>> = await page(after)
      expect(errors).toBeUndefined()
      found.push(...(data?.topics.nodes ?? []).map(({ name }) => name))
      after = data?.topics.pageInfo.hasNextPage ? data.topics.pageInfo.endCursor : null
    } while (after !== null)
    return found
  }
  const page = (after: string | null) => hub().query<{ topics: { nodes: { name: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } }>('query ($after: String) { topics(first: 2, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } } }', { after })

  test('E-36 E-39 E-40 the sample topic is made as it is written, shown with its partitions and settings, and listed', async () => {
    const name = ownName('my-topic')
    const { data, errors } = await make({ name, numPartitions: 3, replicationFactor: 1, retentionMs: 604800000, retentionBytes: 1073741824 })
    expect(errors).toBeUndefined()
    expect(data?.createTopic).toMatchObject({ name, replicationFactor: 1, retentionMs: 604800000, retentionBytes: 1073741824, messageCount: 0, internal: false, warnings: [] })
    expect(data?.createTopic.partitions).toEqual([0, 1, 2].map(id => ({ id, leader: expect.any(Number), replicas: [expect.any(Number)], isr: [expect.any(Number)], beginOffset: 0, endOffset: 0 })))
    expect(await names()).toContain(name)
  })

  test('E-35 one topic with its configuration; null where there is none', async () => {
    const { data } = await hub().query<{ topic: Topic }>(topicQuery, { name: ownName('my-topic') })
    expect(data?.topic.config.find(entry => entry.name === 'retention.ms')).toEqual({ name: 'retention.ms', value: '604800000', source: 'TOPIC_CONFIG', isDefault: false })
    expect(await hub().query(topicQuery, { name: ownName('nothing') })).toEqual({ data: { topic: null } })
  })

  test('E-37 E-38 E-39 absent numbers have their defaults; retention 0 is the documented placeholder for "not given", and says so', async () => {
    const name = ownName('placeholder')
    const { data } = await make({ name, retentionMs: 0, retentionBytes: 0 })
    expect(data?.createTopic).toMatchObject({ replicationFactor: 1, retentionBytes: -1 })
    expect(data?.createTopic.partitions).toHaveLength(1)
    expect(data?.createTopic.warnings).toEqual([expect.stringContaining('retentionMs 0 was taken for "not given"'), expect.stringContaining('retentionBytes 0')])
    expect(data?.createTopic.config.find(entry => entry.name === 'retention.ms')).toMatchObject({ isDefault: true })
    const forever = await make({ name: ownName('forever'), retentionMs: -1 })
    expect(forever.data?.createTopic).toMatchObject({ retentionMs: -1, warnings: [] })
  })

  test('E-36 a topic that exists, more copies than brokers, and what cannot be a name or a number are refused', async () => {
    expect(await codeOf(make({ name: ownName('my-topic'), numPartitions: 3 }))).toBe('CONFLICT')
    expect(await codeOf(make({ name: ownName('copies'), replicationFactor: 50 }))).toBe('VALIDATION_ERROR')
    for (const name of ['', '.', '..', 'a/b', 'x'.repeat(250)]) expect(await codeOf(make({ name }))).toBe('VALIDATION_ERROR')
    for (const wrong of [{ numPartitions: 0 }, { replicationFactor: 0 }, { retentionMs: -2 }, { retentionBytes: '9223372036854775807' }]) expect(await codeOf(make({ name: ownName('wrong'), ...wrong }))).toBe('VALIDATION_ERROR')
    expect(await names()).not.toContain(ownName('wrong'))
  })

  test('E-41 only the named limits change; nothing to change, and a topic that is not there, are refused', async () => {
    const name = ownName('my-topic')
    const change = (input: Record<string, unknown>) => hub().query<{ updateTopic: Topic }>(update, { input })
    const first = await change({ name, retentionMs: 259200000, retentionBytes: 536870912 })
    expect(first.data?.updateTopic).toMatchObject({ name, retentionMs: 259200000, retentionBytes: 536870912 })
    const second = await change({ name, retentionMs: 1000000 })
    expect(second.data?.updateTopic).toMatchObject({ retentionMs: 1000000, retentionBytes: 536870912 })
    expect(await codeOf(change({ name }))).toBe('BAD_USER_INPUT')
    expect(await codeOf(change({ name: ownName('my-topik'), retentionMs: 5 }))).toBe('NOT_FOUND')
  })

  test('E-42 a topic is deleted once; what the log keeps for itself never is', async () => {
    expect(await hub().query(remove, { name: ownName('forever') })).toEqual({ data: { deleteTopic: true } })
    const again = await hub().query(remove, { name: ownName('forever') })
    expect(again.errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND')
    expect(await names()).not.toContain(ownName('forever'))
    for (const name of ['__consumer_offsets', 'connect-configs']) expect(await codeOf(hub().query(remove, { name }))).toBe('BAD_USER_INPUT')
  })
}
