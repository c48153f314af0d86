import { assetId, assets, people } from '../../gateway/demo/tables.ts'

/** One operation sent many times over HTTP, each time with other variables. */
export interface RequestScenario {
  readonly name: string
  readonly document: string
  /** Variables of the nth request, n from 0. */
  readonly variables: (n: number) => Readonly<Record<string, unknown>>
  /** Sent with each request beside those of every one. */
  readonly headers?: Readonly<Record<string, string>>
  /** Requests measured and, before them, sent to warm up; with the default scale. */
  readonly requests: number
  readonly warmUp: number
}

/** One subscription held by many sockets, fed by a mutation. */
export interface FanOutScenario {
  readonly name: string
  readonly subscription: string
  readonly mutation: string
  /** Variables of the nth mutation; each must change something. */
  readonly variables: (n: number) => Readonly<Record<string, unknown>>
  readonly subscribers: number
  /** Mutations measured and, before them, sent to warm up. */
  readonly mutations: number
  readonly warmUp: number
  /** Changes one mutation makes, which each subscriber is told one by one; absent: one. */
  readonly changes?: number
  /** Time between two mutations; absent: the next is sent when the one before has reached everybody. */
  readonly everyMs?: number
  /** Flags of the hub beside those that let so many subscribe. */
  readonly flags?: readonly string[]
}

/** A whole number below `size`, other ones before it comes again, far from its neighbours. */
export const spread = (n: number, size: number): number => (n * 7_919) % size
const person = (n: number): string => String(1 + spread(n, people))
const asset = (n: number): string => assetId(1 + spread(n, assets))

export const requestScenarios: readonly RequestScenario[] = [
  {
    name: 'get',
    document: 'query ($id: ID!) { person(userId: $id) { userId fullName email department country isActive } }',
    variables: n => ({ id: person(n) }),
    requests: 10_000,
    warmUp: 3_000,
  },
  {
    name: 'batch of 100',
    document: 'query ($keys: [ID!]!) { peopleByKey(keys: $keys) { userId fullName email department } }',
    variables: n => ({ keys: Array.from({ length: 100 }, (_, index) => person(n * 100 + index)) }),
    requests: 2_000,
    warmUp: 500,
  },
  {
    name: 'indexed filter',
    document: 'query ($manager: Int!) { people(where: { managerId: { eq: $manager } }, first: 20) { nodes { userId fullName department } pageInfo { hasNextPage } } }',
    variables: n => ({ manager: 1 + spread(n, 400) }),
    requests: 5_000,
    warmUp: 1_500,
  },
  {
    name: 'view read (materialised)',
    document: 'query ($least: Float!) { dataQualityDashboard(where: { meanQuality: { gt: $least } }, first: 20) { nodes { layer assetType checkedAssets meanQuality } } }',
    variables: n => ({ least: spread(n, 5_000) / 10_000 }),
    requests: 5_000,
    warmUp: 1_500,
  },
  {
    name: 'view read (engine)',
    document: 'query ($id: ID!) { userActivity(userId: $id) { userId engagementScore assetsOwned storedBytes } }',
    variables: n => ({ id: person(n) }),
    requests: 300,
    warmUp: 50,
  },
  {
    name: 'relation walk',
    document: 'query ($id: ID!) { digitalAsset(assetId: $id) { assetName owner { fullName manager { fullName } assets(first: 5) { nodes { assetId assetName } } } } }',
    variables: n => ({ id: asset(n) }),
    requests: 5_000,
    warmUp: 1_500,
  },
]

const note = (n: number) => ({ noteId: `note-${n % 50}`, assetId: asset(n), body: `The ${n}th remark of the benchmark.`, priority: n })

export const fanOutScenario: FanOutScenario = {
  name: 'fan-out to 1,000',
  subscription: 'subscription { assetNoteChanged(initial: false) { type key after { noteId body priority } cursor } }',
  mutation: 'mutation ($input: AssetNoteInput!) { putAssetNote(input: $input) { noteId } }',
  variables: n => ({ input: note(n) }),
  subscribers: 1_000,
  mutations: 100,
  warmUp: 20,
}

/** The same to so many sockets: change by change, ten in one commit with and without coalescing, and at 100,000 messages a second. */
export function fanOutScenarios(subscribers: number): readonly FanOutScenario[] {
  const name = `fan-out to ${subscribers.toLocaleString('en')}`
  const alike = { ...fanOutScenario, subscribers, name }
  const tens: FanOutScenario = {
    ...alike,
    mutation: 'mutation ($values: [JSON!]!) { cachePutAll(region: "asset_notes", values: $values) { key } }',
    variables: n => ({ values: Array.from({ length: 10 }, (_, index) => note(10 * n + index)) }),
    changes: 10, mutations: 30,
  }
  return [
    alike,
    { ...tens, name: `${name}, 10 a commit` },
    { ...tens, name: `${name}, 10 a commit, not coalesced`, flags: ['--subscriptions-coalesce-ms', '0'] },
    { ...alike, name: `${name}, 100,000/s`, everyMs: subscribers / 100, mutations: Math.round(1_000_000 / subscribers) },
  ]
}
