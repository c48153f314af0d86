import { createHash } from 'node:crypto'
import { catalogFolder } from '../../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../../support/hub.ts'

const keys = [
  { id: 'acme', tenant: 'acme', scopes: ['*'] },
  { id: 'globex', tenant: 'globex', scopes: ['*'] },
  { id: 'guest', tenant: 'acme', scopes: ['topic:read'] },
].map(one => ({ ...one, sha256: createHash('sha256').update(`key of ${one.id}`).digest('hex') }))

/** How long a visit is there after it was written. */
export const lifeMs = 200
/** Money of a tenant, which only changes hands. */
export const fortunes = { acme: 400, globex: 28 } as const
export type Tenant = keyof typeof fortunes

const catalog = (turn: number) => `
sources:
  shop: { type: files, root: ./shop }
regions:
  counts: { type: Count, key: id, fields: { id: ID!, n: Int!, parity: Int! }, indexes: [parity], tenancy: SHARED }
  notes: { type: Note, key: id, fields: { id: ID!, count: ID! }, tenancy: SHARED }
  purses: { type: Purse, key: id, fields: { id: ID!, owner: String!, money: Int! }, tenancy: TENANT }
  visits: { type: Visit, key: id, fields: { id: ID!, n: Int! }, expiry: { update: PT${lifeMs / 1_000}S }, tenancy: SHARED }
  papers: { type: Paper, key: id, load: { source: shop, table: papers, eager: true } }
views:
  totals: { type: Total, key: name, sql: "SELECT 'all' AS name, sum(n) AS n FROM hub.counts" }
${turn % 20 === 3 ? '' : '  spares: { type: Spare, key: name, sql: "SELECT name FROM hub.totals" }\n'}relations:
  - { from: Note.count, to: Count.id, as: counted, inverse: notes }
`

export const names = ['a', 'b', 'c', 'd'] as const

/** A number that only grows: `begun` is the last one somebody started to write, `done` the last whose writing was answered. */
export class Register {
  begun = 0
  done = 0
  /** When the writing of each began and was answered. */
  readonly beganMs = new Map<number, number>()
  readonly endedMs = new Map<number, number>()

  async next(write: (n: number) => Promise<void>): Promise<void> {
    const n = ++this.begun
    this.beganMs.set(n, Date.now())
    await write(n)
    this.endedMs.set(n, Date.now())
    this.done = n
  }
}

const registers = () => new Map(names.map(name => [name as string, new Register()]))

interface Answered {
  readonly cache: string | null
  readonly data?: Record<string, never> | null
  readonly codes: readonly string[]
}

/** A hub, what is being written to it, and what was last known to be written. */
export class World {
  readonly folder = catalogFolder({ 'hub.yaml': catalog(0), 'keys.json': JSON.stringify(keys), 'shop/papers.csv': 'id,n\n1,0\n' })
  readonly counts = registers()
  readonly visits = registers()
  readonly paper = new Register()
  isWritten = false
  /** How many were given so far. */
  #answers = 0
  readonly #listeners = new Set<() => void>()
  hub!: RunningHub

  async start(fastPath: boolean): Promise<void> {
    const flags = [`--auth-api-keys-file=${this.folder.folder}/keys.json`, '--limits-requests-per-minute=100000000', `--fast-path=${fastPath}`]
    this.hub = await startHub({ catalog: this.folder.catalog, flags, headers: { 'x-api-key': 'key of acme' } })
    for (const id of names) {
      await this.write('($id: ID!) { putCount(input: { id: $id, n: 0, parity: 0 }) { id } one: putNote(input: { id: $id, count: $id }) { id } other: putNote(input: { id: "x", count: $id }) { id } }', { id })
      for (const tenant of ['acme', 'globex'] as const) await this.write('($id: ID!, $owner: String!, $n: Int!) { putPurse(input: { id: $id, owner: $owner, money: $n }) { id } }', { id, owner: tenant, n: fortunes[tenant] / names.length }, tenant)
    }
  }

  async stop(): Promise<void> {
    await this.hub.close()
    this.folder.remove()
  }

  async ask(query: string, variables: Readonly<Record<string, unknown>> = {}, caller = 'acme'): Promise<Answered> {
    const response = await fetch(`${this.hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': `key of ${caller}` }, body: JSON.stringify({ query, variables }) })
    const { data, errors = [] } = (await response.json()) as { data?: Record<string, never> | null; errors?: readonly { extensions: { code: string } }[] }
    this.#answers += 1
    for (const listener of this.#listeners) listener()
    return { cache: response.headers.get('x-cache'), data, codes: errors.map(({ extensions }) => extensions.code) }
  }

  async write(mutation: string, variables: Readonly<Record<string, unknown>> = {}, caller = 'acme'): Promise<void> {
    const { codes } = await this.ask(`mutation ${mutation}`, variables, caller)
    if (codes.length > 0) throw new Error(`A write failed: ${codes.join(', ')}.`)
  }

  transact(operations: readonly unknown[], caller?: Tenant): Promise<void> {
    return this.write('($input: TransactionInput!) { executeTransaction(input: $input) { id } }', { input: { operations, retry: { maxAttempts: 100 } } }, caller)
  }

  /** Everything that changes, side by side, in so many bursts, between which there is time for an answer to be kept; ends when all of it is written. */
  async writeAll(bursts: number): Promise<void> {
    try {
      for (let burst = 0; burst < bursts; burst++) {
        await Promise.all([
          ...names.map((id, place) => this.#count(id, burst + place)),
          ...(['acme', 'globex'] as const).map(tenant => this.#pay(tenant, burst)),
          // Now and then they are left to their end.
          ...(burst % 3 === 0 ? [] : names.map(id => this.#visit(id))),
          ...(burst % 5 === 0 ? [this.#publish()] : []),
          ...(burst % 10 === 3 ? [this.#declare(burst)] : []),
        ])
        await this.#read(60)
      }
    } finally {
      this.isWritten = true
    }
  }

  async #count(id: string, turn: number): Promise<void> {
    for (const way of ['alone', 'alone', 'in a transaction']) {
      await this.counts.get(id)?.next(async n => {
        const value = { id, n, parity: n % 2 }
        if (way === 'alone') await this.write('($id: ID!, $n: Int!, $parity: Int!) { putCount(input: { id: $id, n: $n, parity: $parity }) { id } }', value)
        else await this.transact([{ region: 'counts', op: 'PUT', value }, { region: 'notes', op: 'PUT', value: { id: 'x', count: names[turn % 4] } }])
      })
    }
  }

  async #pay(tenant: Tenant, turn: number): Promise<void> {
    for (const step of [0, 1, 2]) {
      const [from, to] = [names[(turn + step) % 4], names[(turn + 2 * step + 1) % 4]]
      if (from !== to) await this.transact([{ region: 'purses', op: 'UPDATE', key: from, increments: { money: -1 } }, { region: 'purses', op: 'UPDATE', key: to, increments: { money: 1 } }], tenant)
    }
  }

  #visit(id: string): Promise<void> {
    return this.visits.get(id)!.next(n => this.write('($id: ID!, $n: Int!) { putVisit(input: { id: $id, n: $n }) { id } }', { id, n }))
  }

  #publish(): Promise<void> {
    return this.paper.next(async n => {
      this.folder.write({ 'shop/papers.csv': `id,n\n1,${n}\n` })
      // A load that was under way already answers this one too.
      for (let found = 0; found !== n; found = await this.#published()) await this.write('{ reloadCacheRegion(name: "papers") { name } }')
    })
  }

  async #published(): Promise<number> {
    const { data } = await this.ask('{ paper(id: 1) { n } }')
    return (data as unknown as { paper: { n: number } }).paper.n
  }

  async #declare(turn: number): Promise<void> {
    this.folder.write({ 'hub.yaml': catalog(turn) })
    await this.hub.hub.reload()
  }

  /** Ends when so many more answers were given. */
  #read(count: number): Promise<void> {
    const until = this.#answers + count
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => {
      if (this.#answers < until) return
      this.#listeners.delete(look)
      resolve()
    }
    this.#listeners.add(look)
    return promise
  }
}
