import type { Footprint, RegionVersions } from '../../../connectors/ports/footprint.ts'

interface RowsRead {
  readonly versions: RegionVersions
  readonly tenant: string
  readonly version: number
}

interface EntryRead extends RowsRead {
  readonly key: string
}

/** What V8 takes for one of them, about, beside the key's text. */
const bytesPerRead = 64

/** What one answer was made from, and whether that is still so. Entries are noted as they were found, rows and what is heard of as they were before they were read: what changes meanwhile is seen as a change. */
export class Dependencies implements Footprint {
  readonly #entries: EntryRead[] = []
  readonly #rows: RowsRead[] = []
  #reason: string | undefined
  #sizeBytes = 0

  entry(versions: RegionVersions, tenant: string, key: string, version: number): void {
    this.#entries.push({ versions, tenant, key, version })
    this.#sizeBytes += bytesPerRead + 2 * key.length
  }

  rows(versions: RegionVersions, tenant: string): void {
    // Read again, they are still to be as they were the first time. One answer is of one tenant, and reads few regions.
    if (this.#rows.some(known => known.versions === versions)) return
    const version = versions.rows(tenant)
    if (version === undefined) return void this.unknown('Whether rows were as they are could not be told just then.')
    this.#rows.push({ versions, tenant, version })
    this.#sizeBytes += bytesPerRead
  }

  unknown(reason: string): void {
    this.#reason ??= reason
  }

  /** Why nobody can tell whether the answer is still so; undefined: it can be told. What is made from nothing noted may be another request's answer. */
  get reason(): string | undefined {
    return this.#reason ?? (this.#entries.length + this.#rows.length === 0 ? 'Nothing is known of what it was made from.' : undefined)
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Whether the same reads would find the same at this moment. Entries looked at count as read. */
  areCurrent(): boolean {
    for (const { versions, tenant, version } of this.#rows) if (versions.rows(tenant) !== version) return false
    for (const { versions, tenant, key, version } of this.#entries) if (versions.entry(tenant, key) !== version) return false
    return true
  }
}
