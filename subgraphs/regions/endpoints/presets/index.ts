import { assetMetadata } from './asset-metadata.ts'
import { featureStore } from './feature-store.ts'
import { metricsRealtime } from './metrics-realtime.ts'
import type { Preset } from './preset.ts'
import { sessionLookup } from './session-lookup.ts'

export type { Preset } from './preset.ts'

export const presets: readonly Preset[] = [sessionLookup, assetMetadata, metricsRealtime, featureStore]
