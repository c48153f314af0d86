import { minute, numbered, round, type Preset } from './preset.ts'

export const metricsRealtime: Preset = {
  name: 'METRICS_REALTIME',
  title: 'Metrics in real time',
  description: 'The newest values of a metric, host by host.',
  region: {
    name: 'realtime_metrics',
    definition: {
      description: 'Values of metrics, gone five minutes after they came.',
      key: 'metric_id',
      fields: { metric_id: 'ID!', metric_name: 'String!', host: 'String!', value: 'Float!', unit: 'String', recorded_at: 'DateTime!' },
      strategies: 'WRITE_BEHIND',
      expiry: { create: 'PT5M' },
      indexes: ['metric_name'],
    },
  },
  endpoint: {
    path: 'metrics/realtime',
    definition: {
      description: 'Up to a hundred values of a metric, the newest first.',
      cacheRegions: ['realtime_metrics'],
      query: "SELECT * FROM realtime_metrics WHERE metric_name = '{metric_name}' ORDER BY recorded_at DESC, metric_id LIMIT 100",
      cacheKeyPattern: 'metric:{metric_name}',
      ttlSeconds: 1,
    },
  },
  rows: numbered(36, index => {
    const metric = round(['cpu_usage', 'memory_usage', 'request_rate'], index)
    const host = round(['web-1', 'web-2', 'db-1', 'cache-1'], Math.floor(index / 3))
    return {
      metric_id: `${metric}-${host}-${Math.floor(index / 12)}`,
      metric_name: metric,
      host,
      value: metric === 'request_rate' ? 100 + 7 * (index % 11) : 0.25 + ((index * 37) % 50) / 100,
      unit: metric === 'request_rate' ? 'requests/s' : 'ratio',
      recorded_at: minute(Math.floor(index / 12)),
    }
  }),
  example: { metric_name: 'cpu_usage' },
}
