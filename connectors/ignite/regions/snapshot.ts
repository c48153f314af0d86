import type { Change } from '../../../schema/change.ts'
import { type Filter, matcher } from '../../../schema/filter.ts'
import type { Row } from '../../../schema/values.ts'
import { keyOf, type Entry, type Snapshot } from '../../ports/region-store.ts'
import type { Scope } from '../../ports/scope.ts'
import type { IgniteRegion } from './region.ts'
import { settled } from './settled.ts'
import { scanStatement } from './statement.ts'

/** How long an event of a row that was seen may be on its way. */
const longestMs = 2_000

/**
 * The entries as the log has them at its end: they are read, what was seen before the log told of it is waited for, and what the log tells meanwhile is laid over them.
 * An entry somebody else removed while they were read may be missing before its removal is told; the change then names a key nobody has.
 */
export async function snapshot(scope: Scope, region: IgniteRegion, filter?: Filter): Promise<Snapshot> {
  // What this process began to write before comes before.
  await region.written()
  const { log } = region.home
  const { definition } = region
  const tenant = region.owner(scope.tenant)
  const passes = matcher(filter ?? { and: [] }, definition.columns)
  for (;;) {
    await settled(scope, region)
    const { table } = region
    const from = log.end
    const rows = await region.read(scope, one => one.query(scope, scanStatement(one.layout, tenant, filter)))
    const entries = new Map<string, Entry>()
    for (const [row, { version, writtenAtMs }] of rows) {
      const key = keyOf(definition.key, row)
      entries.set(key, { key, row, version, writtenAtMs })
    }
    await Promise.all([...entries.values()].map(({ key, version, writtenAtMs }) => table.feed.whenEntryTold(scope, { tenant, key, version, writtenAtMs }, longestMs)))
    await log.drained()
    const to = log.end
    const told = from < log.start ? undefined : await log.read(from, to - from)
    // Begins again where the entries moved, or changes went by unseen.
    if (!told || table !== region.table || told.some(({ resets }) => resets.includes(definition.name))) continue
    for (const { changes, committedAtMs } of told) {
      for (const change of changes) if (change.region === definition.name && change.tenant === tenant) fold(entries, change, passes, committedAtMs)
    }
    return { entries: [...entries.values()], offset: to }
  }
}

function fold(entries: Map<string, Entry>, { key, after, version }: Change, passes: (row: Row) => boolean, writtenAtMs: number): void {
  const known = entries.get(key)
  if (known && known.version > version) return
  if (after && passes(after)) {
    if (known?.version !== version) entries.set(key, { key, row: after, version, writtenAtMs })
  } else entries.delete(key)
}
