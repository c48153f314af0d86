import { HubError } from '../../schema/errors.ts'

/**
 * Whose topic it is, told by its name in the log, so that every log, Kafka among them, keeps tenants apart in the same way:
 *
 *   tenant `public`   → the topic's own name: `db.public.person` is what other programs call it, too
 *   any other tenant  → `tenant.<tenant>.<topic>`, the tenant with every character but letters, digits and "-" as `_` and two hexadecimal digits a UTF-8 byte
 *
 * `public` has no topics whose names begin with `tenant.`: one text is one tenant's topic. The text in the log has at most 249 characters, which a long tenant takes from the topic's.
 */
const openTenant = 'public'
const prefix = 'tenant.'
const longest = 249

/** The name in the log. A topic's name that cannot be → VALIDATION_ERROR. */
export function storedName(tenant: string, topic: string): string {
  const problem = nameProblem(tenant, topic)
  if (problem) throw new HubError('VALIDATION_ERROR', problem, { problems: [{ path: 'name', message: problem }] })
  return `${prefixOf(tenant)}${topic}`
}

/** The name in the log; undefined where the tenant can have no topic of this name. */
export function storedNameOf(tenant: string, topic: string): string | undefined {
  return nameProblem(tenant, topic) ? undefined : storedName(tenant, topic)
}

/** The topic this name in the log stands for, if it is the tenant's. */
export function topicOf(tenant: string, stored: string): string | undefined {
  if (tenant === openTenant) return stored.startsWith(prefix) ? undefined : stored
  const own = prefixOf(tenant)
  return stored.startsWith(own) && stored.length > own.length ? stored.slice(own.length) : undefined
}

/** Why the tenant can have no topic of this name, in a sentence; undefined: it can. */
export function nameProblem(tenant: string, topic: string): string | undefined {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(topic) || topic === '.' || topic === '..') return `"${topic}" is not a topic's name: 1 to ${longest} letters, digits, ".", "_" and "-".`
  if (tenant === openTenant && topic.startsWith(prefix)) return `"${topic}" begins with "${prefix}", which stands for topics of tenants. Choose another name.`
  const room = longest - prefixOf(tenant).length
  if (topic.length > room) return `"${topic}" has ${topic.length} characters; this tenant's topics have at most ${room}.`
  return undefined
}

function prefixOf(tenant: string): string {
  if (tenant === openTenant) return ''
  const escaped = tenant.replace(/[^A-Za-z0-9-]/gu, character => [...Buffer.from(character)].map(byte => `_${byte.toString(16).padStart(2, '0')}`).join(''))
  return `${prefix}${escaped}.`
}

/** Topics that brokers, Kafka Connect and schema registries keep for themselves. */
export function isInternal(topic: string): boolean {
  return topic.startsWith('__') || ['connect-configs', 'connect-offsets', 'connect-status', '_schemas'].includes(topic)
}

export function refuseInternal(topic: string, verb: string): void {
  if (isInternal(topic)) throw new HubError('BAD_USER_INPUT', `Topic "${topic}" is internal to the log and cannot be ${verb}.`, { topic })
}
