import { code } from './codes.ts'

/** Appends little-endian values to a buffer that grows. What was written so far is `buffer` up to `at`. */
export class Writer {
  buffer: Buffer
  at = 0

  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafeSlow(capacity)
  }

  get written(): Buffer {
    return this.buffer.subarray(0, this.at)
  }

  /** Makes sure that `size` more bytes fit. */
  room(size: number): void {
    if (this.at + size <= this.buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.at + size))
    this.buffer.copy(grown, 0, 0, this.at)
    this.buffer = grown
  }

  u8(value: number): void {
    this.room(1)
    this.buffer[this.at++] = value
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0)
  }

  i16(value: number): void {
    this.room(2)
    this.at = this.buffer.writeInt16LE(value, this.at)
  }

  i32(value: number): void {
    this.room(4)
    this.at = this.buffer.writeInt32LE(value, this.at)
  }

  /** A number must be a whole one; beyond ±2^53 give a bigint. */
  i64(value: number | bigint): void {
    this.room(8)
    if (typeof value === 'bigint') {
      this.at = this.buffer.writeBigInt64LE(value, this.at)
      return
    }
    const high = Math.floor(value / 4_294_967_296)
    this.buffer.writeUInt32LE(value - high * 4_294_967_296, this.at)
    this.at = this.buffer.writeInt32LE(high, this.at + 4)
  }

  f32(value: number): void {
    this.room(4)
    this.at = this.buffer.writeFloatLE(value, this.at)
  }

  f64(value: number): void {
    this.room(8)
    this.at = this.buffer.writeDoubleLE(value, this.at)
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length)
    this.buffer.set(bytes, this.at)
    this.at += bytes.length
  }

  /** A string with its type byte, or null's byte. Half a surrogate pair becomes U+FFFD. */
  string(value: string | null): void {
    if (value === null) {
      this.u8(code.null)
      return
    }
    this.room(5 + value.length * 3)
    this.buffer[this.at] = code.string
    const size = this.buffer.write(value, this.at + 5, 'utf8')
    this.buffer.writeInt32LE(size, this.at + 1)
    this.at += 5 + size
  }
}
