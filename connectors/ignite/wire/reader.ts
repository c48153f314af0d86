import { HubError } from '../../../schema/errors.ts'
import { code } from './codes.ts'

/** Walks over a message. Methods named after a width read bare values; `string` reads one behind its type byte. */
export class Reader {
  readonly buffer: Buffer
  at: number

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer
    this.at = at
  }

  u8(): number {
    const value = this.buffer[this.at]
    if (value === undefined) throw new HubError('UPSTREAM_REJECTED', `A message of Ignite ended at byte ${this.at}, where more was expected.`)
    this.at += 1
    return value
  }

  bool(): boolean {
    return this.u8() !== 0
  }

  i16(): number {
    const value = this.buffer.readInt16LE(this.at)
    this.at += 2
    return value
  }

  i32(): number {
    const value = this.buffer.readInt32LE(this.at)
    this.at += 4
    return value
  }

  i64(): bigint {
    const value = this.buffer.readBigInt64LE(this.at)
    this.at += 8
    return value
  }

  /** A number while it is a safe integer, else a bigint. */
  long(): number | bigint {
    const high = this.buffer.readInt32LE(this.at + 4)
    const low = this.buffer.readUInt32LE(this.at)
    this.at += 8
    const value = high * 4_294_967_296 + low
    return Number.isSafeInteger(value) ? value : this.buffer.readBigInt64LE(this.at - 8)
  }

  f32(): number {
    const value = this.buffer.readFloatLE(this.at)
    this.at += 4
    return value
  }

  f64(): number {
    const value = this.buffer.readDoubleLE(this.at)
    this.at += 8
    return value
  }

  bytes(size: number): Buffer {
    const value = this.buffer.subarray(this.at, this.at + size)
    this.at += size
    return value
  }

  utf8(size: number): string {
    const value = this.buffer.toString('utf8', this.at, this.at + size)
    this.at += size
    return value
  }

  /** A string or null, behind its type byte. */
  string(): string | null {
    const type = this.u8()
    if (type === code.null) return null
    if (type !== code.string) throw new HubError('UPSTREAM_REJECTED', `A message of Ignite has type code ${type} at byte ${this.at - 1}, where a string was expected.`)
    return this.utf8(this.i32())
  }

  /** A string that the protocol does not let be null. */
  text(): string {
    const value = this.string()
    if (value === null) throw new HubError('UPSTREAM_REJECTED', `A message of Ignite has null at byte ${this.at - 1}, where a string was expected.`)
    return value
  }
}
