import { openSync, writeSync } from 'node:fs'
import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import { systemClock, type Scope } from '../../../connectors/ports/scope.ts'
import { anyTransfer, openBank, perform } from './bank.ts'

/** Transfers until it is killed, and notes the id of each that was answered in a file. Arguments: directory, file, what its ids begin with. */
const [directory = '', answered = '', prefix = ''] = process.argv.slice(2)
const file = openSync(answered, 'a')
const quiet = () => undefined
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const store = await openMemoryRegions({ directory, clock: systemClock, log, segmentBytes: 256 * 1024, retainBytes: 512 * 1024 })
const scope: Scope = {
  requestId: 'teller', tenant: 'test', caller: { subject: 'teller', scopes: new Set() }, signal: new AbortController().signal,
  deadlineMs: Number.POSITIVE_INFINITY, clock: systemClock, log, later: work => void work(),
}
await openBank(store, scope)

let next = 0
async function serve(): Promise<never> {
  for (;;) {
    const transfer = anyTransfer(`${prefix}-${next++}`)
    await store.transact(scope, { isolation: 'SERIALIZABLE', timeoutMs: 60_000, maxAttempts: 1_000 }, tx => perform(tx, transfer))
    writeSync(file, `${transfer.id}\n`)
  }
}

await Promise.all(Array.from({ length: 32 }, serve))
