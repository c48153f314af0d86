import { type CommitRecord, decodeRecord, encodeRecord } from '../record.ts'

/** Who tells a feed's changes from now on, and whether what readers hold of its region is void. */
export interface Claim {
  readonly feed: string
  readonly region: string
  readonly resets: boolean
}

/** What stands in the log for one feed when the record of it begins to count. */
export interface Standing {
  /** Who tells its changes; undefined: nobody. */
  readonly writer: string | undefined
  /** Since which entry of the log that is so. */
  readonly since: number
  /** Where nobody does: the state it was left in with all its changes told, if that is known. */
  readonly left?: string
}

/** What follows of the log before an entry for those behind it. */
export interface Checkpoint {
  /** The entry. */
  readonly at: number
  readonly log: string
  readonly feeds: readonly (readonly [string, Standing])[]
  readonly regions: readonly string[]
  readonly nodes: readonly (readonly [string, number])[]
}

/**
 * One entry of the shared log as it is stored: a JSON text with what is said of feeds, and from its second line on, where there are changes or resets, the commit as
 * `encodeRecord` writes it. Regions are called in it as in `Followed.region`.
 */
export interface SharedRecord {
  /** One process, from its start to its end. */
  readonly node: string
  /** Grows by one with each record of a node; one that comes again counts once. */
  readonly sequence: number
  /** Up to which entry the node had read when it made the record. */
  readonly seen: number
  /** When the node made it, on its clock. */
  readonly atMs: number
  /** The log's id; the first one counts. */
  readonly log?: string
  /** From here on the node hears what these feeds tell. */
  readonly listens?: readonly string[]
  /** All that the node's feeds heard for some time after the record at this offset has been told before this one. */
  readonly covers?: number
  readonly claims?: readonly Claim[]
  /** The node tells their changes no more. */
  readonly leaves?: readonly { readonly feed: string; readonly left?: string }[]
  /** Nothing will be heard of them any more. */
  readonly ends?: readonly string[]
  readonly checkpoint?: Checkpoint
  /** Per change of the commit its feed, as an index of `feeds`, and its mark; absent: no feed tells them. */
  readonly marks?: readonly (readonly [number, string])[]
  readonly feeds?: readonly string[]
  /** Changes no reader is told of: index of the feed, tenant, key, mark. */
  readonly quiet?: readonly (readonly [number, string, string, string])[]
  readonly commit?: CommitRecord
}

export function encodeShared({ commit, ...head }: SharedRecord): Buffer {
  const first = Buffer.from(JSON.stringify(head))
  return commit ? Buffer.concat([first, Buffer.from('\n'), encodeRecord(commit)]) : first
}

/** Undefined: no record of ours. */
export function decodeShared(bytes: Buffer): SharedRecord | undefined {
  try {
    const end = bytes.indexOf(10)
    const head = JSON.parse(bytes.toString('utf8', 0, end < 0 ? bytes.length : end)) as SharedRecord
    if (typeof head !== 'object' || head === null || typeof head.node !== 'string' || !Number.isSafeInteger(head.sequence)) return undefined
    return end < 0 ? head : { ...head, commit: decodeRecord(bytes.subarray(end + 1)) }
  } catch (error) {
    // Another program wrote it.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
