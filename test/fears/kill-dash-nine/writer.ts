import { openSync, writeSync } from 'node:fs'
import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import { systemClock, type Scope } from '../../../connectors/ports/scope.ts'
import { accounts, groupSize } from './accounts.ts'

/**
 * Writes until it is killed, and notes each answer in a file (a pipe could refuse a line while its reader lags): `s <n>` for a single row n,
 * `g <n>` for the group n, whose rows are written in one commit. Numbers go on from those given: directory, file, first number.
 */
const [directory = '', acknowledged = '', first = '0'] = process.argv.slice(2)
const file = openSync(acknowledged, 'a')
const quiet = () => undefined
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const store = await openMemoryRegions({ directory, clock: systemClock, log, segmentBytes: 128 * 1024, retainBytes: 256 * 1024 })
const region = await store.define(accounts)
const scope: Scope = {
  requestId: 'writer', tenant: 'test', caller: { subject: 'writer', scopes: new Set() }, signal: new AbortController().signal,
  deadlineMs: Number.POSITIVE_INFINITY, clock: systemClock, log, later: work => void work(),
}

let next = Number(first)
async function write(): Promise<never> {
  for (;;) {
    const number = next++
    const together = number % 3 === 0
    const rows = together ? Array.from({ length: groupSize }, (_, index) => ({ id: `g${number}-${index}`, round: number })) : [{ id: `s${number}`, round: number }]
    await region.putMany(scope, [...rows, { id: 'latest', round: number }])
    writeSync(file, `${together ? 'g' : 's'} ${number}\n`)
  }
}

writeSync(file, 'ready\n')
await Promise.all(Array.from({ length: 8 }, write))
