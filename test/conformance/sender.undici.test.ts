import { Pooled } from '../../gateway/federation/http/pooled.ts'
import type { Sender } from '../../gateway/federation/http/posted.ts'
import { conforms } from '../support/conformance.ts'
import { rawHttp } from '../support/raw-http.ts'
import { senderChecks } from './sender.ts'

conforms('sender over undici', senderChecks, async () => {
  const server = await rawHttp()
  const senders: Sender[] = []
  return {
    server,
    open(connections, headers = {}) {
      const sender = new Pooled({ origin: server.origin, connections, headers })
      senders.push(sender)
      return sender
    },
    async close() {
      await Promise.all(senders.map(sender => sender.close()))
      await server.close()
    },
  }
})
