import type { Value } from '../../schema/values.ts'
import type { LinkMember, Member, Region, RegionDefinition } from '../ports/region-store.ts'
import type { Scope } from '../ports/scope.ts'
import { beginJson, endJson, jsonNull, writeJson, writeJsonList } from './json-writer.ts'
import type { Records } from './records.ts'

/** Ids read now, −1 where there is no entry, and up to where the log must be durable before they are shown. */
export interface Found {
  readonly ids: readonly number[]
  readonly end: number
}

/** Those of several values, one behind the other: of the n-th from `starts[n]` up to `starts[n + 1]`. */
export interface FoundPer extends Found {
  readonly starts: readonly number[]
}

/** What a region is to whoever writes answers from its records. */
export interface Readable {
  readonly definition: RegionDefinition
  readonly records: Records
  byKeys(scope: Scope, keys: readonly (string | null)[]): Found
  /** The first `limit` of each value, in the order of their keys; undefined without an index. */
  withValues(scope: Scope, column: string, values: readonly Value[], limit: number): FoundPer | undefined
}

/** The rows of a list of an answer, and what each leads to. Good until any region changes. */
interface Frame {
  readonly region: Readable
  readonly members: readonly Member[]
  readonly ids: readonly number[]
  /** By the place of the member; none at those that are columns. */
  readonly links: readonly (Linked | undefined)[]
}

/** Of one row to one: the frame's rows are those of the row's list, place by place. */
interface Linked {
  readonly frame: Frame
  readonly many?: { readonly starts: readonly number[]; readonly label: Buffer }
}

/** Rows of one answer: more are read as rows, in turns between which others have theirs. */
const mostRows = 20_000

/** One answer written from records: what is found is found at one moment, so none of it may wait. */
export class Answer {
  readonly #scope: Scope
  readonly #readable: (region: Region) => Readable | undefined
  #room = mostRows
  /** Up to where the log must be durable before the answer is shown. */
  end = 0

  /** `readable`: undefined for regions of elsewhere. */
  constructor(scope: Scope, readable: (region: Region) => Readable | undefined) {
    this.#scope = scope
    this.#readable = readable
  }

  /** Members of these rows as a JSON list; undefined where they have to be read as rows. */
  write(region: Readable, found: Found, members: readonly Member[]): Buffer | undefined {
    region.records.checkMembers(members)
    const frame = this.#frame(region, found, members)
    if (!frame) return undefined
    beginJson()
    return writeJsonList(0, frame.ids.length, rowWriter(frame)) ? endJson() : undefined
  }

  #frame(region: Readable, { ids, end }: Found, members: readonly Member[]): Frame | undefined {
    this.end = Math.max(this.end, end)
    this.#room -= ids.length
    if (this.#room < 0) return undefined
    const links: (Linked | undefined)[] = []
    for (const [place, member] of members.entries()) {
      if (!('link' in member)) continue
      const linked = this.#linked(region, ids, member)
      if (!linked) return undefined
      links[place] = linked
    }
    return { region, members, ids, links }
  }

  #linked(from: Readable, ids: readonly number[], { column, link }: LinkMember): Linked | undefined {
    const region = this.#readable(link.region)
    const index = from.definition.columns.findIndex(({ name }) => name === column)
    if (!region || index < 0) return undefined
    region.records.checkMembers(link.members)
    const values = ids.map(id => (id < 0 ? null : from.records.field(id, index)))
    if (!link.many) {
      const frame = this.#frame(region, region.byKeys(this.#scope, values.map(value => (value === null ? null : String(value)))), link.members)
      return frame && { frame }
    }
    const found = region.withValues(this.#scope, link.many.by, values, link.many.limit)
    const frame = found && this.#frame(region, found, link.members)
    return frame && found && { frame, many: { starts: found.starts, label: Buffer.from(`{${JSON.stringify(link.many.nodes)}:`) } }
  }
}

const closing = Buffer.from('}')

/** Writes the frame's rows by their places; false: one is not what its members ask for. */
function rowWriter({ region: { records }, members, ids, links }: Frame): (index: number) => boolean {
  const writers = links.map(link => link && linkWriter(link))
  let at = 0
  const link = (place: number): boolean => writers[place]?.(at) ?? false
  return index => {
    const id = ids[index] as number
    if (id < 0) {
      writeJson(jsonNull)
      return true
    }
    at = index
    return records.writeJson(id, members, link)
  }
}

function linkWriter({ frame, many }: Linked): (index: number) => boolean {
  const row = rowWriter(frame)
  if (!many) return row
  return index => {
    writeJson(many.label)
    if (!writeJsonList(many.starts[index] as number, many.starts[index + 1] as number, row)) return false
    writeJson(closing)
    return true
  }
}
