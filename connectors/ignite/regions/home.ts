import type { RegionDefinition } from '../../ports/region-store.ts'
import type { Clock, Scope } from '../../ports/scope.ts'
import type { FeedLog } from '../../regions/feed-log.ts'
import type { IgniteClient } from '../client.ts'
import type { Told } from './feed.ts'
import type { Gate } from '../../ports/gate.ts'
import type { Place } from './layout.ts'
import type { IgniteRegion } from './region.ts'
import type { Telling } from './told.ts'
import type { Versions } from './versions.ts'

/** What the regions of one store share. */
export interface Home {
  readonly client: IgniteClient
  readonly log: FeedLog
  readonly clock: Clock
  readonly versions: Versions
  readonly telling: Telling<Told>
  /** Before every transaction: the cluster takes so many at once over one connection, and refuses the others. */
  readonly gate: Gate
  /** For what nobody asked for. */
  scope(): Scope
  /** A place nobody else has. */
  freshPlace(definition: RegionDefinition): Place
  /** Whether it is heard of at once where a region goes. */
  hears(): boolean
  /** Takes the region from one place to another; false: it has gone elsewhere meanwhile. */
  move(region: IgniteRegion, to: Place): Promise<boolean>
  /** Where the region is now, as the cluster says, and goes there; false: it is where it was. */
  follow(region: IgniteRegion): Promise<boolean>
}
