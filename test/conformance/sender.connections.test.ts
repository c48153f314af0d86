import { Connections } from '../../gateway/federation/http/connections.ts'
import { conforms } from '../support/conformance.ts'
import { senderChecks, senderSubject } from './sender.ts'

conforms('sender over plain TCP', senderChecks, () => senderSubject(options => new Connections(options)))
