export type { MemoryRegion } from './region.ts'
export { type MemoryRegionStore, type MemoryRegionsOptions, openMemoryRegions } from './store.ts'
