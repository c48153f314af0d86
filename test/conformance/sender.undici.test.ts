import { Pooled } from '../../gateway/federation/http/pooled.ts'
import { conforms } from '../support/conformance.ts'
import { senderChecks, senderSubject } from './sender.ts'

conforms('sender over undici', senderChecks, () => senderSubject(options => new Pooled(options)))
