import fc from 'fast-check'
import { storedName, topicOf } from '../../../connectors/topics/names.ts'

const letters = [...'abcXYZ019._-']
const topics = fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 40 }).map(parts => parts.join('')).filter(name => name !== '.' && name !== '..' && !name.startsWith('tenant.'))
const tenants = fc.oneof(fc.constantFrom('public', '$hub', 'a', 'a.b', 'a_2eb', 'tenant', 'Zoë'), fc.string({ minLength: 1, maxLength: 20 }))

test('a name in the log is one that Kafka takes, and stands for one topic of one tenant', () => {
  fc.assert(fc.property(tenants, topics, tenants, topics, (tenant, topic, otherTenant, otherTopic) => {
    const stored = storedName(tenant, topic)
    expect(stored).toMatch(/^[A-Za-z0-9._-]{1,249}$/)
    expect(topicOf(tenant, stored)).toBe(topic)
    if (otherTenant !== tenant) expect(topicOf(otherTenant, stored)).toBeUndefined()
    if (otherTenant !== tenant || otherTopic !== topic) expect(storedName(otherTenant, otherTopic)).not.toBe(stored)
  }))
})

test('the open tenant\'s topics are called what other programs call them; another tenant\'s say whose they are', () => {
  expect(storedName('public', 'db.public.person12')).toBe('db.public.person12')
  expect(storedName('acme.eu', 'orders')).toBe('tenant.acme_2eeu.orders')
})

test('a name that cannot be is refused with the room there is', () => {
  expect(() => storedName('public', 'tenant.a.orders')).toThrow('"tenant.a.orders" begins with "tenant.", which stands for topics of tenants.')
  expect(() => storedName('acme', 'x'.repeat(238))).toThrow('has 238 characters; this tenant\'s topics have at most 237')
  expect(storedName('acme', 'x'.repeat(237))).toHaveLength(249)
})
