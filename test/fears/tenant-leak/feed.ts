import type { RunningHub } from '../../support/hub.ts'
import { mustNotTell, type Note } from './attack.ts'
import { headersOf, type Tenant } from './world.ts'

interface Event {
  readonly type: string
  readonly key: string
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
  readonly cursor: string
}

/** What one tenant's subscriptions told so far, folded into maps by key. */
export class Feed {
  /** Of the last event of the typed subscription. */
  cursor: string | undefined
  readonly #tenant: Tenant
  readonly #maps = { typed: new Map<string, unknown>(), generic: new Map<string, unknown>(), accounts: new Map<string, unknown>() }
  readonly #events: { return(): Promise<unknown> }[] = []
  #spied = 0
  #failure: unknown
  #wake = () => {}

  constructor(hub: RunningHub, tenant: Tenant) {
    this.#tenant = tenant
    const open = (document: string, take: (event: Event) => void) => {
      const events = hub.subscribe<Record<string, Event>>(document, {}, headersOf(tenant))
      this.#events.push(events)
      void this.#pull(events, take)
    }
    const { typed, generic, accounts } = this.#maps
    open('subscription { noteChanged { type key before { body } after { id city account body weight } cursor } }', event => {
      this.cursor = event.cursor
      fold(typed, event.key, event.after)
    })
    open('subscription { cacheChanges(region: "notes") { type key before after cursor } }', event => fold(generic, event.key, event.after))
    open('subscription { accountChanged { type key before { owner } after { owner } cursor } }', event => fold(accounts, event.key, event.after?.['owner'] ?? null))
    // The filter of a tenant that knows what it looks for in the other's rows.
    const word = tenant === 'acme' ? 'Globex' : 'Acme'
    open(`subscription { noteChanged(where: { body: { like: "%${word}%" } }) { type key before { body } after { body } cursor } }`, () => {
      this.#spied += 1
    })
    open(`subscription { cacheChanges(region: "accounts", where: { owner: { like: "%${word}%" } }) { type key before after cursor } }`, () => {
      this.#spied += 1
    })
  }

  /** What the events make, once both subscriptions told of this note. */
  async until(id: Note['id']): Promise<{ typed: unknown; generic: unknown; accounts: unknown; spied: number }> {
    const { typed, generic, accounts } = this.#maps
    while (!this.#failure && !(typed.has(id) && generic.has(id) && accounts.size > 0)) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    if (this.#failure) throw this.#failure
    return { typed: Object.fromEntries(typed), generic: Object.fromEntries(generic), accounts: Object.fromEntries(accounts), spied: this.#spied }
  }

  async end(): Promise<void> {
    await Promise.all(this.#events.map(events => events.return()))
  }

  async #pull(events: AsyncIterable<{ data?: Record<string, Event> | null; errors?: unknown }>, take: (event: Event) => void): Promise<void> {
    try {
      for await (const answer of events) {
        mustNotTell(this.#tenant, JSON.stringify(answer))
        if (answer.errors) throw answer.errors
        for (const event of Object.values(answer.data ?? {})) take(event)
        this.#wake()
      }
    } catch (error) {
      this.#failure = error
      this.#wake()
    }
  }
}

function fold(map: Map<string, unknown>, key: string, after: unknown): void {
  if (after === null) map.delete(key)
  else map.set(key, after)
}
