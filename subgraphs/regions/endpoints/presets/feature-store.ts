import { numbered, round, type Preset } from './preset.ts'

export const featureStore: Preset = {
  name: 'FEATURE_STORE',
  title: 'Feature store',
  description: 'Features of many entities in one version, for a model that is about to answer.',
  region: {
    name: 'ml_features_online',
    definition: {
      description: 'Features of entities, by version.',
      key: ['entity_id', 'feature_name', 'version'],
      fields: { entity_id: 'String!', feature_name: 'String!', feature_value: 'Float', version: 'String!' },
      indexes: ['entity_id', 'feature_name'],
      maxEntries: 100_000_000,
    },
  },
  endpoint: {
    path: 'features/online',
    definition: {
      description: 'Every feature of the entities in a version; entities without one have no row.',
      cacheRegions: ['ml_features_online'],
      query: 'SELECT entity_id, feature_name, feature_value, version FROM ml_features_online WHERE entity_id IN ({entity_ids}) AND version = {version} ORDER BY entity_id, feature_name',
      cacheKeyPattern: 'features:{version}:{entity_ids}',
      ttlSeconds: 10,
    },
  },
  rows: numbered(48, index => ({
    entity_id: `user_${1 + Math.floor(index / 8)}`,
    feature_name: round(['age_days', 'orders_30d', 'avg_basket', 'churn_risk'], index),
    feature_value: ((index * 53) % 400) / 4,
    version: Math.floor(index / 4) % 2 === 0 ? 'v1' : 'v2',
  })),
  example: { entity_ids: ['user_1', 'user_2'], version: 'v1' },
}
