import { minute, numbered, round, type Preset } from './preset.ts'

export const sessionLookup: Preset = {
  name: 'SESSION_LOOKUP',
  title: 'Session lookup',
  description: 'Is this session token valid, and whose is it?',
  region: {
    name: 'user_sessions',
    definition: {
      description: 'Sessions of users, gone an hour after they began or were last read.',
      key: 'session_token',
      fields: { session_token: 'ID!', user_id: 'String!', tenant_id: 'String!', created_at: 'DateTime!', ip_address: 'String', user_agent: 'String' },
      mode: 'REPLICATED',
      expiry: { create: 'PT1H', access: 'PT1H' },
      indexes: ['user_id', 'tenant_id'],
    },
  },
  endpoint: {
    path: 'session/validate',
    definition: {
      description: 'The session of a token; no row where there is none.',
      cacheRegions: ['user_sessions'],
      query: "SELECT * FROM user_sessions WHERE session_token = '{token}'",
      cacheKeyPattern: 'session:{token}',
      ttlSeconds: 60,
    },
  },
  rows: numbered(24, index => ({
    session_token: index === 0 ? 'abc123' : `session-${String(index).padStart(3, '0')}`,
    user_id: `user_${1 + (index % 8)}`,
    tenant_id: round(['acme', 'globex', 'initech'], index),
    created_at: minute(index),
    ip_address: `192.0.2.${1 + index}`,
    user_agent: round(['Firefox/128.0', 'Chrome/126.0', 'Safari/17.5'], index),
  })),
  example: { token: 'abc123' },
}
