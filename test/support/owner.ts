import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openOwner, type Owner } from '../../connectors/owner/owner.ts'
import { openReader, type OwnedRegion, type Reader } from '../../connectors/owner/reader.ts'
import type { Region, RegionStore } from '../../connectors/ports/region-store.ts'
import { type Clock, systemClock } from '../../connectors/ports/scope.ts'
import { testScope } from './scope.ts'

export interface OwnerWorld {
  readonly owner: Owner
  readonly reader: Reader
  /** Path of the owner's socket. */
  readonly at: string
  /** Takes the owner's socket away, so that the reader is cut off. The answer gives it back. */
  lose(): Promise<() => Promise<void>>
  /** The graph the reader was told of last; undefined while it has none. */
  graph(): number | undefined
  /** Ends when the reader knows a graph that `isIt`. */
  knows(isIt: (graph: number | undefined) => boolean): Promise<void>
  /** The region as the reader has it, everything but reads by key being the store's own. */
  region(region: Region): Region
  close(): Promise<void>
}

export function ownedRegion({ definition: { name, tenancy, expiry }, getJson }: Region, graph: number): OwnedRegion {
  return { graph, name, tenancy, isKept: Object.keys(expiry).length === 0, writesJson: getJson !== undefined }
}

/** A store with an owner at its socket, and a worker's reader at the other end. */
export async function ownerWorld(store: RegionStore, clock: Clock = systemClock): Promise<OwnerWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'owner-'))
  const { log } = testScope()
  const at = join(folder, 'reads')
  let owner = await openOwner({ at, store, clock, log })
  await owner.publish({})
  let known: number | undefined
  let waiting: (() => void)[] = []
  const reader = openReader({
    at, clock: systemClock, log,
    onGraph(graph) {
      known = graph?.number
      for (const wake of waiting.splice(0)) wake()
    },
  })
  const knows: OwnerWorld['knows'] = async isIt => {
    while (!isIt(known)) await new Promise<void>(wake => { waiting = [...waiting, wake] })
  }
  await knows(graph => graph !== undefined)
  return {
    reader, knows, at,
    get owner() { return owner },
    async lose() {
      await owner.close()
      return async () => {
        owner = await openOwner({ at, store, clock, log })
        await owner.publish({})
      }
    },
    graph: () => known,
    region: region => new Proxy(region, {
      get(target, name) {
        const read = reader.region(ownedRegion(target, known ?? 0))
        if (name === 'getMany') return read.getMany
        if (name === 'getJson') return read.getJson && (async (...asked: Parameters<NonNullable<typeof read.getJson>>) => {
          const json = await read.getJson?.(...asked)
          return json === undefined ? undefined : Buffer.from(json)
        })
        const member: unknown = Reflect.get(target, name, target)
        return typeof member === 'function' ? member.bind(target) : member
      },
    }),
    async close() {
      reader.close()
      await owner.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
