import { createHash } from 'node:crypto'
import { eventually } from './eventually.ts'
import type { Message, WsClient } from './ws-client.ts'

/** Entries of a file of API keys, one for each caller: `key of <id>` is its key. */
export function apiKeys(callers: Readonly<Record<string, { readonly tenant: string; readonly scopes: readonly string[] }>>): string {
  return JSON.stringify(Object.entries(callers).map(([id, { tenant, scopes }]) => ({ id, tenant, scopes, sha256: createHash('sha256').update(`key of ${id}`).digest('hex') })))
}

export const headersOf = (id: string) => ({ 'x-api-key': `key of ${id}` })

/** Subscriptions open at the hub, and the executions behind them. */
export async function subscriptionsAt(url: string): Promise<{ open: number; groups: number }> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const sum = (name: string) => [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))].reduce((total, [, value]) => total + Number(value), 0)
  return { open: sum('graphql_subscriptions_open'), groups: sum('graphql_subscription_groups') }
}

/** Ends when so many subscriptions are served by so many executions: an execution is given up for another when it has all there is. */
export async function settledAt(url: string, open: number, groups: number): Promise<void> {
  let seen = { open: -1, groups: -1 }
  await eventually(`${open} subscriptions in ${groups} groups`, async () => {
    seen = await subscriptionsAt(url)
    return seen.open === open && seen.groups === groups
  }).catch((error: Error) => {
    throw new Error(`${error.message} There are ${seen.open} in ${seen.groups}.`)
  })
}

/** The next messages of this kind, pings left out. */
export async function messagesOf(client: WsClient, count: number, type = 'next'): Promise<Message[]> {
  const messages: Message[] = []
  while (messages.length < count) {
    const message = await client.next()
    if (message.type === 'ping') continue
    if (message.type !== type) throw new Error(`${JSON.stringify(message)} came instead of "${type}".`)
    messages.push(message)
  }
  return messages
}
