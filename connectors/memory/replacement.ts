import type { Column } from '../../schema/values.ts'
import type { Shape, Shaped } from '../regions/shape.ts'
import { keyedHash } from './keyed-hash.ts'
import { KeyTable } from './key-table.ts'
import { doubles } from './lines.ts'
import { Records } from './records.ts'

/** Rows that are to take the place of all others, beside the heap: as objects, ten million of them have no room in a process. Of several with one key the last counts. */
export class Replacement {
  #shape: Shape
  readonly #records: Records
  readonly #keys: KeyTable

  /** `shape`: of a definition with these columns. */
  constructor(shape: Shape, columns: readonly Column[], flooded: (probes: number) => void) {
    this.#shape = shape
    const records = new Records(columns)
    this.#records = records
    this.#keys = new KeyTable(keyedHash(), (place, key) => records.holds(place, key), flooded)
  }

  /** Takes over a definition that has followed; its columns may have become more, at the end. */
  redefine(shape: Shape, columns: readonly Column[]): void {
    if (shape === this.#shape) return
    this.#shape = shape
    this.#records.redefine(columns)
  }

  get size(): number { return this.#keys.size }

  put({ key, row }: Shaped): void {
    const place = this.#keys.find(key)
    if (place >= 0) this.#records.replace(place, key, row)
    else this.#keys.insert(key, this.#records.create(key, row))
  }

  has(key: string): boolean { return this.#keys.find(key) >= 0 }

  /** The row at a place, which are those below `size`, in the order in which their keys came; made anew each time. */
  at(place: number): Shaped { return this.#shape.restore(this.#records.key(place), this.#records.row(place)) }

  *[Symbol.iterator](): Generator<Shaped> {
    for (let place = 0; place < this.size; place++) yield this.at(place)
  }

  /** The version a row will have. */
  version(place: number): number { return this.#records.lines.double(place, doubles.version) }
  setVersion(place: number, version: number): void { this.#records.lines.setDouble(place, doubles.version, version) }
}
