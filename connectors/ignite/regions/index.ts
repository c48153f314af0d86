export { type IgniteRegionsOptions, openIgniteRegions } from './store.ts'
