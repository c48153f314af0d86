import { Random } from './random.ts'

export type Cell = null | boolean | number | bigint | string | readonly string[]
export type DemoRow = Readonly<Record<string, Cell>>

/** One table of the demo: where it is written and its rows, the same for the same seed. */
export interface DemoTable {
  /** Below the demo's folder; the ending says how it is written. */
  readonly file: string
  readonly rows: (seed: number) => Iterable<DemoRow>
}

export const people = 10_000
export const assets = 5_000
export const sessions = 20_000

const epochMs = Date.UTC(2026, 0, 1)
const dayMs = 86_400_000

const firstNames = ['Ada', 'Amara', 'Bruno', 'Chen', 'Dina', 'Elif', 'Emeka', 'Freya', 'Goran', 'Hana', 'Ines', 'Ivo', 'Jonas', 'Kaya', 'Lena', 'Luis', 'Mara', 'Mei', 'Nils', 'Noor', 'Olga', 'Priya', 'Ravi', 'Sofia', 'Tariq', 'Uma', 'Vera', 'Yuki', 'Zoë'] as const
const lastNames = ['Almeida', 'Baker', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'García', 'Haddad', 'Ito', 'Jansen', 'Kaur', 'Lindqvist', 'Moreau', 'Nakamura', "O'Brien", 'Okafor', 'Petrov', 'Quispe', 'Rossi', 'Sato', 'Tran', 'Ueda', 'Varga', 'Weber', 'Yılmaz', 'Zhou'] as const
const countries = ['Brazil', 'France', 'Germany', 'India', 'Italy', 'Japan', 'Kenya', 'Mexico', 'Nigeria', 'Norway', 'Peru', 'Poland', 'Spain', 'Turkey', 'United States'] as const
const departments = ['Design', 'Engineering', 'Finance', 'Legal', 'Marketing', 'Operations', 'People', 'Research', 'Sales', 'Support'] as const
const tenants = ['acme', 'globex', 'initech', 'umbrella'] as const
const assetTypes = ['cad_model', 'dataset', 'document', 'image', 'simulation', 'video'] as const
const subjects = ['Bridge', 'Carburettor', 'Floor plan', 'Gearbox', 'Harbour', 'Press kit', 'Quarterly report', 'Sensor log', 'Site survey', 'Turbine', 'Wind tunnel', 'Wing'] as const
const variants = ['as built', 'draft', 'final', 'for review', 'revised', 'v2', 'v3'] as const
const tags = ['archived', 'confidential', 'customer', 'export', 'internal', 'urgent'] as const
const layers = ['bronze', 'silver', 'gold'] as const
const rules = ['duplicate key', 'late arrival', 'missing owner', 'value out of range'] as const
const devices = ['desktop', 'laptop', 'phone', 'tablet'] as const

export const demoTables: readonly DemoTable[] = [
  { file: 'platform/people.csv', rows: peopleRows },
  { file: 'platform/digital_assets.ndjson', rows: assetRows },
  { file: 'platform/user_sessions.csv', rows: sessionRows },
  { file: 'lake/user_activity_summary.json', rows: activityRows },
  { file: 'lake/data_quality_latest.csv', rows: qualityRows },
]

export const assetId = (number: number): string => `asset-${String(number).padStart(5, '0')}`

function* peopleRows(seed: number): Iterable<DemoRow> {
  const random = new Random(seed + 1)
  for (let user_id = 1; user_id <= people; user_id++) {
    const first = random.pick(firstNames)
    const last = random.pick(lastNames)
    yield {
      user_id,
      full_name: `${first} ${last}`,
      email: random.chance(0.03) ? null : `${plain(first)}.${plain(last)}.${user_id}@example.com`,
      country: random.pick(countries),
      department: random.pick(departments),
      manager_id: user_id <= 20 ? null : random.whole(1, Math.min(user_id - 1, 400)),
      hired_on: new Date(epochMs - random.whole(1, 4_000) * dayMs).toISOString().slice(0, 10),
      hourly_rate: random.decimal(18, 140, 2),
      is_active: random.chance(0.93),
    }
  }
}

function* assetRows(seed: number): Iterable<DemoRow> {
  const random = new Random(seed + 2)
  for (let number = 1; number <= assets; number++) {
    const createdMs = epochMs - random.whole(0, 900 * dayMs)
    yield {
      asset_id: assetId(number),
      asset_name: `${random.pick(subjects)} ${number}, ${random.pick(variants)}`,
      asset_type: random.pick(assetTypes),
      owner_id: 1 + random.skewed(people - 1),
      size_bytes: random.whole(1_000, 9_000_000_000_000),
      fingerprint: BigInt(`0x${random.hex(15)}`),
      is_public: random.chance(0.2),
      tags: tags.filter(() => random.chance(0.25)),
      created_at: instant(createdMs),
      updated_at: random.chance(0.4) ? null : instant(createdMs + random.whole(0, epochMs - createdMs)),
    }
  }
}

function* sessionRows(seed: number): Iterable<DemoRow> {
  const random = new Random(seed + 3)
  for (let number = 1; number <= sessions; number++) {
    const startedMs = epochMs - random.whole(0, 30 * dayMs)
    yield {
      session_token: `st_${random.hex(24)}`,
      user_id: 1 + random.skewed(people - 1),
      tenant_id: random.pick(tenants),
      device: random.pick(devices),
      ip_address: random.chance(0.1) ? null : `10.${random.whole(0, 255)}.${random.whole(0, 255)}.${random.whole(1, 254)}`,
      started_at: instant(startedMs),
      last_seen_at: random.chance(0.05) ? null : instant(startedMs + random.whole(0, 8 * 3_600_000)),
    }
  }
}

function* activityRows(seed: number): Iterable<DemoRow> {
  const random = new Random(seed + 4)
  for (let user_id = 1; user_id <= people; user_id++) {
    const isIdle = random.chance(0.08)
    yield {
      user_id,
      engagement_score: isIdle ? 0.5 : random.decimal(1, 100, 2),
      sessions_30d: isIdle ? 0 : random.skewed(120),
      assets_viewed: isIdle ? 0 : random.skewed(4_000),
      last_active_at: isIdle ? null : instant(epochMs - random.whole(0, 30 * dayMs)),
    }
  }
}

/** Not every asset was checked: about one in twenty has no row. */
function* qualityRows(seed: number): Iterable<DemoRow> {
  const random = new Random(seed + 5)
  for (let number = 1; number <= assets; number++) {
    if (random.chance(0.05)) continue
    const score = Number((1 - random.next() ** 2 * 0.6).toFixed(4))
    yield {
      asset_id: assetId(number),
      layer: random.pick(layers),
      quality_score: score,
      completeness: random.decimal(0.6, 1, 4),
      failing_rule: score < 0.8 ? random.pick(rules) : null,
      checked_at: instant(epochMs - random.whole(0, 2 * dayMs)),
    }
  }
}

function instant(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}

/** As it may stand in an address. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll('ı', 'i').normalize('NFD').replace(/[^a-z]/g, '')
}
