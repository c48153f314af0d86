import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { scalars } from '../../schema/scalars.ts'
import { withIdempotencyKeys } from '../../schema/sdl.ts'
import type { EventLog } from '../../connectors/ports/event-log.ts'
import type { SchemaLookup } from '../../connectors/ports/schema-lookup.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { mergeFields, type Subgraph } from '../../resolvers/subgraph.ts'
import { valueDecoder } from './decode.ts'
import { messageFields } from './messages.ts'
import { topicFields } from './topics.ts'

export interface StreamsRoles {
  readonly events: EventLog
  readonly cursors: CursorSealer
  /** Absent: values that carry a schema's id stay bytes. */
  readonly schemas?: SchemaLookup
}

const sdl = withIdempotencyKeys(readFileSync(join(import.meta.dirname, '..', '..', 'schema', 'streams.graphql'), 'utf8'))

/** Topics of the event log and the messages in them. */
export function streamsSubgraph({ events, cursors, schemas }: StreamsRoles): Subgraph {
  const decode = valueDecoder(schemas)
  return { name: 'streams', sdl, fields: mergeFields(topicFields({ events, cursors }), messageFields({ events, cursors, decode })), scalars, entities: {} }
}
