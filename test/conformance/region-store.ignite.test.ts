import { jest } from '@jest/globals'
import { conforms } from '../support/conformance.ts'
import { withEngine } from '../support/engines.ts'
import { regionSubject } from '../support/ignite-regions.ts'
import { regionStoreChecks } from './region-store.ts'
import { regionTransactionChecks } from './region-transactions.ts'
import { regionVersionChecks } from './region-versions.ts'

jest.setTimeout(180_000)

const checks = [...regionStoreChecks, ...regionTransactionChecks, ...regionVersionChecks]

withEngine('IGNITE_HOST_1', 'regions', () => {
  conforms('regions on Ignite', checks, () => regionSubject())
  withEngine('KAFKA_BROKER', 'whose changes are in a topic', brokers => {
    conforms('regions on Ignite with their changes in Kafka', checks, () => regionSubject(brokers))
  })
})
