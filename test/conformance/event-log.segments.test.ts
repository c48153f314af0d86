import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEventLog } from '../../connectors/events/index.ts'
import { conforms } from '../support/conformance.ts'
import { MovedClock, testScope } from '../support/scope.ts'
import { eventLogChecks } from './event-log.ts'

conforms('event log in segments', eventLogChecks, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'events-'))
  const clock = new MovedClock()
  const segmentBytes = 4096
  const open = () => openEventLog({ directory, clock, log: testScope().log, segmentBytes })
  let events = await open()
  return {
    get events() { return events },
    segmentBytes,
    scope: tenant => testScope({ clock, tenant }),
    abortable() {
      const scope = testScope({ clock })
      return { scope, abort: reason => scope.abort(reason) }
    },
    async elapse(ms) { clock.advance(ms) },
    async reopen() {
      await events.close()
      events = await open()
    },
    async close() {
      await events.close()
      await rm(directory, { recursive: true })
    },
  }
})
