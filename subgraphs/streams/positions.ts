import { HubError } from '../../schema/errors.ts'
import type { TopicInfo } from '../../connectors/ports/event-log.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'

/** The offset to read next, per partition. */
export type Positions = readonly number[]

/** Positions as cursors of one list or subscription. */
export interface PositionCodec {
  seal(positions: Positions): string
  /** A cursor of something else → BAD_CURSOR; one from before the topic was deleted and made anew, where that shows → GONE. */
  open(cursor: string): Positions
}

export function positionCodec(cursors: CursorSealer, identity: readonly unknown[], topic: TopicInfo): PositionCodec {
  const scopeText = JSON.stringify(identity)
  return {
    seal: positions => cursors.seal(scopeText, JSON.stringify(positions)),
    open(cursor) {
      const held = JSON.parse(cursors.open(scopeText, cursor)) as number[]
      if (held.length > topic.places.length || held.some((offset, partition) => offset > (topic.places[partition]?.end ?? 0))) {
        throw new HubError('GONE', `Topic "${topic.name}" was made anew since the cursor was given out. Begin again without it.`, { topic: topic.name })
      }
      // Partitions that were added since begin at their first message.
      return topic.places.map(({ start }, partition) => held[partition] ?? start)
    },
  }
}
