import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { RawAnswer } from '../supergraph.ts'
import type { Program } from './program.ts'

/** The core's functions; addresses and lengths in bytes (`assembly/`). */
interface Exports {
  begin(from: number, seed: bigint): void
  root(shape: number): number
  keep(record: number, slot: number, data: number): void
  reserve(bytes: number): number
  used(): number
  scan(shape: number, from: number, length: number): number
  fieldAt(record: number, field: number): number
  represent(program: number, root: number): number
  textsOf(): number
  chainOf(): number
  countOf(): number
  shapesOf(): number
  expect(shape: number, field: number, shapes: number): void
  join(entities: number, chain: number, count: number): void
  write(program: number, root: number): number
  topOf(): number
}

/** What is asked for at one place of entities. */
export interface Asked {
  readonly count: number
  readonly chain: number
  readonly shapes: number
}

/** The answer is to be made the general way: something is not as it should be, or takes another form in it. */
export const odd = new Error('The answer is to be made the general way.')

const pageBytes = 65_536
const mostPages = 4_096
/** Runs at a time; further ones go the general way. */
const mostRuns = 1_000
/** Bytes of the memories kept for further runs, and of the largest of them. */
const mostKeptBytes = 64 * 1024 * 1024
const largestKeptBytes = 8 * 1024 * 1024

const before = Buffer.from('{"data":')

const module = new WebAssembly.Module(readFileSync(new URL('./core.wasm', import.meta.url)))
/** Whoever knows it could choose keys that fall together. */
const seed = randomBytes(8).readBigUInt64LE()

/** The memory of one run at a time. Nothing of one run is left in it for another, and no other can reach it: answers of different callers are never in one memory. */
export class RunMemory {
  readonly #memory: WebAssembly.Memory
  readonly #exports: Exports
  #view: Buffer<ArrayBuffer>
  #root = 0

  constructor() {
    this.#memory = new WebAssembly.Memory({ initial: 8, maximum: mostPages })
    this.#view = Buffer.from(this.#memory.buffer)
    const env = { memory: this.#memory, odd: () => { throw odd }, normal: (from: number, to: number, at: number) => this.#normal(from, to, at) }
    this.#exports = new WebAssembly.Instance(module, { env }).exports as Exports
  }

  get bytes(): number {
    return this.#memory.buffer.byteLength
  }

  begin({ image, from, root }: Program): void {
    const end = from + image.length
    const missing = Math.ceil((end + pageBytes - this.bytes) / pageBytes)
    if (missing > 0) this.#memory.grow(missing)
    this.#current.set(image, from)
    this.#exports.begin(end, seed)
    this.#root = this.#exports.root(root)
  }

  /** Takes the answer of a call at the root. */
  takeRoot(shape: number, slot: number, answer: RawAnswer): void {
    this.#exports.keep(this.#root, slot, this.#scanned(shape, answer))
  }

  /** Representations of the entities at a place, as a list in JSON. */
  represent(program: number): { readonly asked: Asked; readonly text: string } {
    const end = this.#exports.represent(program, this.#root)
    const text = `[${this.#current.toString('utf8', this.#exports.textsOf(), end)}]`
    return { asked: { count: this.#exports.countOf(), chain: this.#exports.chainOf(), shapes: this.#exports.shapesOf() }, text }
  }

  /** Takes the answer of a call for entities, asked for place by place. */
  takeEntities(shape: number, asked: readonly Asked[], answer: RawAnswer): void {
    for (const [index, { shapes }] of asked.entries()) this.#exports.expect(shape, index, shapes)
    const record = this.#scanned(shape, answer)
    for (const [index, { chain, count }] of asked.entries()) this.#exports.join(this.#exports.fieldAt(record, index), chain, count)
  }

  /** The answer as it is sent. */
  write(program: number): Buffer {
    const from = this.#exports.topOf()
    const end = this.#exports.write(program, this.#root)
    const whole = Buffer.allocUnsafeSlow(before.length + end - from + 1)
    before.copy(whole)
    this.#current.copy(whole, before.length, from, end)
    whole[whole.length - 1] = 0x7d
    return whole
  }

  /** Leaves nothing of the run. */
  clear(): void {
    this.#current.fill(0, 0, Math.min(this.#exports.used(), this.bytes))
  }

  #scanned(shape: number, answer: RawAnswer): number {
    const { length } = answer
    const from = this.#exports.reserve(length)
    const view = this.#current
    answer.copyTo(view, from)
    if (!isUtf8(view.subarray(from, from + length))) throw odd
    return this.#exports.scan(shape, from, length)
  }

  #normal(from: number, to: number, at: number): number {
    let text: string
    try {
      text = JSON.stringify(JSON.parse(this.#current.toString('utf8', from, to)))
    } catch {
      throw odd
    }
    const bytes = Buffer.byteLength(text)
    if (bytes > 6 * (to - from)) throw odd
    this.#current.write(text, at)
    return at + bytes
  }

  /** A memory that has grown lies elsewhere. */
  get #current(): Buffer<ArrayBuffer> {
    if (this.#view.length === 0) this.#view = Buffer.from(this.#memory.buffer)
    return this.#view
  }
}

const kept: RunMemory[] = []
let keptBytes = 0
let runs = 0

/** Undefined where there is no room for another. */
export function takeMemory(): RunMemory | undefined {
  if (runs >= mostRuns) return undefined
  const memory = kept.pop()
  if (memory) keptBytes -= memory.bytes
  try {
    const taken = memory ?? new RunMemory()
    runs += 1
    return taken
  } catch (error) {
    // The system gives no more of its address space.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

export function giveMemory(memory: RunMemory): void {
  runs -= 1
  memory.clear()
  if (memory.bytes > largestKeptBytes || keptBytes + memory.bytes > mostKeptBytes) return
  keptBytes += memory.bytes
  kept.push(memory)
}
