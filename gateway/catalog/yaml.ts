import { isUtf8 } from 'node:buffer'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Alias, type Document, type Node, type Scalar } from 'yaml'
import { pathText, type Path } from '../../schema/findings.ts'

/** Largest file taken. */
export const maxFileBytes = 4 * 1024 * 1024
/** Values in one file, aliases counted as often as they stand: an anchor used again and again cannot grow beyond it. */
const maxValues = 100_000
const maxDepth = 64

/** Where one member of the file stands: offsets into its text. */
export interface Place {
  readonly path: Path
  /** Absent for elements of lists. */
  readonly key?: number
  readonly value: number
  /** For texts: how they are written. */
  readonly scalar?: Scalar
}

export interface YamlFile {
  readonly text: string
  /** Absent when nothing can be said of the content. Undefined members never occur; an empty file is null. */
  readonly value?: unknown
  /** By `pathText`. */
  readonly places: ReadonlyMap<string, Place>
  readonly problems: readonly YamlProblem[]
  /** 1-based line and column, in UTF-16 code units, of an offset. */
  lineColumn(offset: number): { line: number; column: number }
}

export interface YamlProblem {
  readonly path: Path
  readonly message: string
  readonly offset: number
  /** The member has no value because of it; null stands in its place. */
  readonly lost?: true
}

/** One YAML or JSON document with the place of everything in it. Never throws: what is wrong is a problem. Bounded in size, depth and number of values. */
export function parseYaml(bytes: Buffer): YamlFile {
  if (!isUtf8(bytes)) return notUtf8(bytes)
  const text = new TextDecoder().decode(bytes)
  const lines = new LineCounter()
  const lineColumn = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const failed = (problems: readonly YamlProblem[]): YamlFile => ({ text, places: new Map(), problems, lineColumn })
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false })
    const errors = [...document.errors, ...document.warnings].map(({ message, pos }) => ({ path: [], message: sentence(message), offset: pos[0] }))
    if (errors.length > 0) return failed(errors)

    const walk = new Walk(document, offset => lineColumn(offset).line)
    const value = walk.convert(document.contents, [], 0, undefined)
    return { text, value, places: walk.places, problems: walk.problems, lineColumn }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return failed([{ path: [], message: `The file nests deeper than ${maxDepth} levels.`, offset: 0 }])
  }
}

class Walk {
  readonly places = new Map<string, Place>()
  readonly problems: YamlProblem[] = []
  readonly #document: Document
  readonly #lineOf: (offset: number) => number
  readonly #open = new Set<Node>()
  /** Finding an anchor walks the document: once per alias written, however often it is come by. */
  readonly #targets = new Map<Alias, Node | undefined>()
  #values = 0

  constructor(document: Document, lineOf: (offset: number) => number) {
    this.#document = document
    this.#lineOf = lineOf
  }

  convert(node: unknown, path: Path, at: number, key: number | undefined): unknown {
    const given = node as Node | null
    const offset = given?.range?.[0] ?? at
    this.#values += 1
    if (this.#values === maxValues) this.#refuse(path, offset, `The file holds more than ${maxValues} values, those that aliases repeat counted.`)
    if (this.#values >= maxValues) return null

    if (isAlias(given)) {
      const target = this.#target(given)
      if (!target) return this.#refuse(path, offset, `Alias "*${given.source}" names an anchor that does not stand before it.`)
      if (this.#open.has(target)) return this.#refuse(path, offset, `Alias "*${given.source}" stands inside of what it names.`)
      const value = this.convert(target, path, offset, key)
      this.places.set(pathText(path), { path, key, value: offset })
      return value
    }
    if (path.length > maxDepth) return this.#refuse(path, offset, `The file nests deeper than ${maxDepth} levels.`)

    this.places.set(pathText(path), { path, key, value: offset, ...(isScalar(given) && typeof given.value === 'string' && { scalar: given }) })
    if (given === null || isScalar(given)) return given?.value ?? null
    this.#open.add(given)
    const value = isMap(given) ? this.#map(given.items, path, offset) : isSeq(given) ? given.items.map((item, index) => this.convert(item, [...path, index], offset, undefined)) : null
    this.#open.delete(given)
    return value
  }

  #target(alias: Alias): Node | undefined {
    if (!this.#targets.has(alias)) this.#targets.set(alias, alias.resolve(this.#document))
    return this.#targets.get(alias)
  }

  #map(items: readonly { key: unknown; value: unknown }[], path: Path, at: number): Record<string, unknown> {
    const members = new Map<string, unknown>()
    const offsets = new Map<string, number>()
    for (const { key: keyNode, value } of items) {
      const node = keyNode as Node | null
      const offset = node?.range?.[0] ?? at
      if (node !== null && !isScalar(node)) {
        this.#refuse(path, offset, 'A name must be text, not a list, a map or an alias.')
        continue
      }
      const name = typeof node?.value === 'string' ? node.value : (node?.source ?? String(node?.value ?? null))
      if (members.has(name)) {
        this.problems.push({ path: [...path, name], offset, message: `"${name}" stands here twice, first on line ${this.#lineOf(offsets.get(name) ?? 0)}.` })
        continue
      }
      offsets.set(name, offset)
      members.set(name, this.convert(value, [...path, name], offset, offset))
    }
    return Object.fromEntries(members)
  }

  #refuse(path: Path, offset: number, message: string): null {
    this.problems.push({ path, message, offset, lost: true })
    return null
  }
}

function notUtf8(bytes: Buffer): YamlFile {
  let line = 1
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, start)
    const stop = end < 0 ? bytes.length : end
    if (!isUtf8(bytes.subarray(start, stop))) break
    start = stop + 1
  }
  return { text: '', places: new Map(), problems: [{ path: [], message: 'The file is not UTF-8 text: this line holds other bytes. Save it as UTF-8.', offset: 0 }], lineColumn: () => ({ line, column: 1 }) }
}

/** The parser's message as one sentence; its own stack is what too deep a nesting meets first. */
function sentence(message: string): string {
  if (message.includes('call stack')) return `The file nests deeper than ${maxDepth} levels.`
  const first = (message.split('\n')[0] ?? '').trim()
  return /[.!?]$/.test(first) ? first : `${first}.`
}
