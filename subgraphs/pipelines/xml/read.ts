import { SaxesParser } from 'saxes'
import { nearest } from '../../../schema/names.ts'
import type { Finding } from '../finding.ts'

/** Where something stands in a text: from 1, columns in UTF-16 code units as editors count them. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface XmlAttribute {
  readonly value: string
  readonly at: Position
}

export interface XmlElement {
  readonly name: string
  /** Of its `<`. */
  readonly at: Position
  /** As XPath. */
  readonly path: string
  readonly attributes: ReadonlyMap<string, XmlAttribute>
  readonly children: readonly XmlElement[]
  /** All of its own text, CDATA included, without that of its children. */
  readonly text: string
  /** Of the first character of its text that is no space; of the element without one. */
  readonly textAt: Position
}

/** What was read, and what stands against it: with an ERROR there is no root. */
export interface XmlRead {
  readonly root?: XmlElement
  readonly findings: readonly Finding[]
}

const limits = { elements: 10_000, depth: 50, attributes: 100 } as const
/** More mistakes than these are not listed: most follow from the first. */
const mostMistakes = 20

interface Open {
  name: string
  offset: number
  readonly attributes: Map<string, XmlAttribute>
  readonly children: XmlElement[]
  text: string
  textOffset: number
  /** Where the last attribute, or the name, ended. */
  readUntil: number
  /** Of its children so far, by name. */
  readonly counts: Map<string, number>
  path: string
}

/**
 * Reads XML 1.0 (Fifth Edition) and where everything stands. No document type is read, so there are no entities but the five of section 4.6 and characters by number; nothing is ever fetched.
 * Comments and processing instructions are passed over. Takes time in proportion to the text.
 */
export function readXml(text: string): XmlRead {
  const positions = positionsOf(text)
  const findings: Finding[] = []
  const open: Open[] = []
  let root: XmlElement | undefined
  let elements = 0
  const parser = new SaxesParser()

  const report = (code: Finding['code'], offset: number, message: string, proposal?: string) => {
    findings.push({ severity: 'ERROR', code, ...positions(offset), path: open.at(-1)?.path ?? '/', message, ...(proposal && { proposal }) })
    if (findings.length >= mostMistakes || code === 'REFUSED_XML') throw new Enough()
  }

  parser.on('error', ({ message }) => {
    const words = message.replace(/^\d+:\d+: /, '')
    // Told where it stands, below.
    if (words.startsWith('duplicate attribute')) return
    if (!words.startsWith('unclosed tag: ')) return report('NOT_WELL_FORMED', parser.position - 1, sentence(words))
    const { name, offset } = open.pop() as Open
    report('NOT_WELL_FORMED', offset, `<${name}> is not closed up to the end of the document; </${name}> is expected.`)
  })
  parser.on('doctype', () => report('REFUSED_XML', text.lastIndexOf('<!DOCTYPE', parser.position), 'The document has a document type (<!DOCTYPE …>); none is read here, for it can name files and grow without bound. Take it out.'))
  parser.on('opentagstart', ({ name }) => {
    const offset = text.lastIndexOf('<', parser.position - 1)
    const above = open.at(-1)
    const nth = (above?.counts.get(name) ?? 0) + 1
    above?.counts.set(name, nth)
    open.push({ name, offset, attributes: new Map(), children: [], text: '', textOffset: -1, readUntil: offset + 1 + name.length, counts: new Map(), path: `${above?.path ?? ''}/${name}${nth > 1 ? `[${nth}]` : ''}` })
    elements += 1
    if (elements > limits.elements) report('REFUSED_XML', offset, `The document has more than ${limits.elements} elements, which is the limit.`)
    if (open.length > limits.depth) report('REFUSED_XML', offset, `More than ${limits.depth} elements stand inside one another, which is the limit.`)
  })
  parser.on('attribute', ({ name, value }) => {
    const element = open.at(-1) as Open
    const offset = element.readUntil + (/^\s*/.exec(text.slice(element.readUntil, parser.position))?.[0].length ?? 0)
    element.readUntil = parser.position
    const other = element.attributes.get(name)
    if (other) report('NOT_WELL_FORMED', offset, `<${element.name}> has "${name}" already, in line ${other.at.line}; an attribute stands once.`)
    element.attributes.set(name, { value, at: positions(offset) })
    if (element.attributes.size > limits.attributes) report('REFUSED_XML', offset, `<${element.name}> has more than ${limits.attributes} attributes, which is the limit.`)
  })
  const take = (piece: string, from: number) => {
    const element = open.at(-1)
    if (!element) return
    if (element.textOffset < 0 && /\S/.test(piece)) element.textOffset = from + (/\S/.exec(text.slice(from))?.index ?? 0)
    element.text += piece
  }
  parser.on('text', piece => take(piece, open.at(-1)?.readUntil ?? 0))
  parser.on('cdata', piece => take(piece, text.lastIndexOf('<![CDATA[', parser.position) + 9))
  parser.on('opentag', () => {
    const element = open.at(-1) as Open
    element.readUntil = parser.position
  })
  parser.on('closetag', ({ isSelfClosing }) => {
    const { name, offset, attributes, children, text: own, textOffset, path } = open.pop() as Open
    const end = text.lastIndexOf('</', parser.position - 1)
    const closing = isSelfClosing ? name : (/^<\/([^\s>]*)/.exec(text.slice(end, parser.position))?.[1] ?? name)
    if (closing !== name) {
      report('NOT_WELL_FORMED', end, `</${closing}> stands where <${name}> of line ${positions(offset).line} is open; </${name}> is expected.`)
      // Whatever follows follows from it.
      throw new Enough()
    }
    const element: XmlElement = { name, at: positions(offset), path, attributes, children, text: own, textAt: positions(textOffset < 0 ? offset : textOffset) }
    const above = open.at(-1)
    if (!above) root = element
    else {
      above.children.push(element)
      above.readUntil = parser.position
    }
  })

  try {
    parser.write(text).close()
  } catch (error) {
    if (!(error instanceof Enough)) throw error
  }
  return findings.length > 0 || !root ? { findings } : { root, findings }
}

/** Nothing more is looked at. */
class Enough extends Error {}

/** The parser's words as a sentence. */
function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? '' : '.'}`
}

/** Line and column by offset. */
function positionsOf(text: string): (offset: number) => Position {
  const starts = [0]
  for (const { index, 0: end } of text.matchAll(/\r\n|\r|\n/g)) starts.push(index + end.length)
  return offset => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((starts[middle] as number) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: Math.max(0, offset - (starts[low] as number)) + 1 }
  }
}

/** The known name nearest to one that is not, to be put in its place. */
export function proposed(found: string, known: Iterable<string>): string | undefined {
  return nearest(found, known)[0]
}
