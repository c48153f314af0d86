import { openStore, realScope } from '../../support/ignite-regions.ts'
import { openEvents } from '../../support/kafka.ts'
import { items } from '../../support/shared-hub.ts'

/** A hub that writes until it is killed, and says what it was answered. */
const [, , namespace = '', brokers = '', name = ''] = process.argv
const store = await openStore(namespace, openEvents(brokers))
const region = await store.define(items)
process.stdout.write('ready\n')
for (let n = 0; ; n++) {
  await region.putMany(realScope(), [{ id: `${name}-${n % 20}`, n }])
  process.stdout.write(`${name}-${n}\n`)
}
