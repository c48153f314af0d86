export { type KafkaOptions, openKafkaEvents } from './event-log.ts'
