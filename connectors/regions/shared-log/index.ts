export { openSharedLog, type SharedLogOptions } from './shared-log.ts'
