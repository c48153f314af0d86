import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCounters } from '../../connectors/counters/index.ts'
import { conforms } from '../support/conformance.ts'
import { testScope } from '../support/scope.ts'
import { counterStoreChecks } from './counter-store.ts'

conforms('counter store in SQLite', counterStoreChecks, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'counters-'))
  const file = join(directory, 'counters.sqlite')
  const [counters, other] = [openCounters({ file }), openCounters({ file })]
  return {
    counters,
    other,
    scope: tenant => testScope({ tenant }),
    async close() {
      await Promise.all([counters.close(), other.close()])
      await rm(directory, { recursive: true })
    },
  }
})
