/** What a region keeps of each entry beside its record, in 88 bytes under the entry's id: seven doubles and seven integers. */
export const doubles = { version: 0, writtenAtMs: 1, createdAtMs: 2, usedAtMs: 3, position: 4, commitEnd: 5, bucket: 6 } as const
export const integers = { address: 14, owner: 15, newer: 16, older: 17, next: 18, previous: 19, kept: 20 } as const

const lineDoubles = 11
const lineIntegers = 2 * lineDoubles
const blockLines = 1024

/** Lines by id, in blocks, so that growing moves none. Ids are given out again after they were given back; the first is 0. */
export class Lines {
  readonly #doubles: Float64Array[] = []
  readonly #integers: Int32Array[] = []
  /** The id given back last; each names the one before in `newer`. */
  #free = -1
  #next = 0

  /** Ids given out so far are below. */
  get end(): number { return this.#next }

  /** An id whose line holds whatever was there. */
  take(): number {
    const id = this.#free
    if (id >= 0) {
      this.#free = this.integer(id, integers.newer)
      return id
    }
    if (this.#next === this.#doubles.length * blockLines) {
      const buffer = new ArrayBuffer(blockLines * lineDoubles * 8)
      this.#doubles.push(new Float64Array(buffer))
      this.#integers.push(new Int32Array(buffer))
    }
    return this.#next++
  }

  giveBack(id: number): void {
    this.setInteger(id, integers.newer, this.#free)
    this.#free = id
  }

  double(id: number, field: number): number {
    return (this.#doubles[id >>> 10] as Float64Array)[(id & (blockLines - 1)) * lineDoubles + field] as number
  }

  setDouble(id: number, field: number, value: number): void {
    ;(this.#doubles[id >>> 10] as Float64Array)[(id & (blockLines - 1)) * lineDoubles + field] = value
  }

  integer(id: number, field: number): number {
    return (this.#integers[id >>> 10] as Int32Array)[(id & (blockLines - 1)) * lineIntegers + field] as number
  }

  setInteger(id: number, field: number, value: number): void {
    ;(this.#integers[id >>> 10] as Int32Array)[(id & (blockLines - 1)) * lineIntegers + field] = value
  }
}
