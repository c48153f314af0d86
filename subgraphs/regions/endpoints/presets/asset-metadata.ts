import { numbered, round, type Preset } from './preset.ts'

export const assetMetadata: Preset = {
  name: 'ASSET_METADATA',
  title: 'Asset metadata',
  description: 'What is known of an asset: its type, size, owner and place.',
  region: {
    name: 'asset_metadata',
    definition: {
      description: 'What is known of assets; created_at is a text in the form of ISO 8601, so that statements may compare it with one.',
      key: 'asset_id',
      fields: { asset_id: 'ID!', asset_type: 'String!', name: 'String!', owner: 'String', size_bytes: 'Long', uri: 'String', created_at: 'String!' },
      indexes: ['asset_type'],
    },
  },
  endpoint: {
    path: 'asset/metadata',
    definition: {
      description: 'One asset by its id; no row where there is none.',
      cacheRegions: ['asset_metadata'],
      query: "SELECT * FROM asset_metadata WHERE asset_id = '{asset_id}'",
      cacheKeyPattern: 'asset:{asset_id}',
      ttlSeconds: 300,
    },
  },
  rows: numbered(30, index => {
    const type = round(['model', 'texture', 'animation', 'audio', 'script'], index)
    const id = `asset-${String(index + 1).padStart(4, '0')}`
    return {
      asset_id: id,
      asset_type: type,
      name: `${type} ${1 + Math.floor(index / 5)}`,
      owner: round(['studio-north', 'studio-south', 'vendor'], index),
      size_bytes: 1024 * (index + 1) ** 2,
      uri: `s3://assets/${type}/${id}`,
      created_at: `2024-${String(1 + (index % 12)).padStart(2, '0')}-${String(1 + (index % 28)).padStart(2, '0')}`,
    }
  }),
  example: { asset_id: 'asset-0001' },
}
