export { type EventLogOptions, openEventLog } from './event-log.ts'
