import { didYouMean } from '../../../schema/names.ts'
import type { Finding, FindingCode } from '../finding.ts'
import { type Position, proposed, type XmlElement } from './read.ts'
import { allShapes, type Attribute, type Content, type ElementShape, inside, type Values } from './shape.ts'
import { oneOf } from './text-types.ts'

/** An element that was looked at. A value that is wrong or missing is undefined, whatever its type says, until nothing is left to find. */
export interface Checked<Shape extends ElementShape = ElementShape> {
  readonly shape: Shape
  readonly element: XmlElement
  readonly values: Values<Shape['attributes']>
  /** Of an element that is a text. */
  readonly text: unknown
  readonly children: readonly Checked[]
}

/** Whether an element is one of the shape. */
export function isOf<Shape extends ElementShape>(checked: Checked, shape: Shape): checked is Checked<Shape> {
  return (checked.shape as ElementShape) === shape
}

/** Those of its children that have the shape. */
export function childrenOf<Shape extends ElementShape>(checked: Checked | undefined, shape: Shape): readonly Checked<Shape>[] {
  return (checked?.children ?? []).filter((child): child is Checked<Shape> => child.shape === shape)
}

/** Text of the first of its children that has the shape. */
export function textOf(checked: Checked | undefined, shape: ElementShape): unknown {
  return childrenOf(checked, shape)[0]?.text
}

/** Where an attribute stands; the element where it is left out. */
export function placeOf({ element }: Checked, attribute: string): Position & { readonly path: string } {
  const given = element.attributes.get(attribute)
  return given ? { ...given.at, path: `${element.path}/@${attribute}` } : { ...element.at, path: element.path }
}

/** Compares a document with the shape of its root, all of it: each finding goes to `report`. */
export function check<Shape extends ElementShape>(root: XmlElement, shape: Shape, report: (finding: Finding) => void): Checked<Shape> {
  const known = new Map(allShapes(shape).map(one => [one.name, one]))
  return new Check(known, report).element(root, shape, true)
}

class Check {
  readonly #known: ReadonlyMap<string, ElementShape>
  readonly #report: (finding: Finding) => void

  constructor(known: ReadonlyMap<string, ElementShape>, report: (finding: Finding) => void) {
    this.#known = known
    this.#report = report
  }

  element<Shape extends ElementShape>(element: XmlElement, shape: Shape, isRoot = false): Checked<Shape> {
    if (isRoot && element.name !== shape.name) this.#say('UNKNOWN_ELEMENT', element.at, element.path, `The document is a <${element.name}>; <${shape.name}> is expected.`)
    return { shape, element, values: this.#values(element, shape, isRoot), text: this.#text(element, shape), children: this.#children(element, shape) }
  }

  #values<Shape extends ElementShape>(element: XmlElement, { attributes }: Shape, isRoot: boolean): Values<Shape['attributes']> {
    const names = Object.keys(attributes)
    for (const [name, { at }] of element.attributes) {
      if (Object.hasOwn(attributes, name) || (isRoot && /^(?:xmlns:|xsi:)/.test(name))) continue
      this.#say('UNKNOWN_ATTRIBUTE', at, `${element.path}/@${name}`, `<${element.name}> has no attribute "${name}".${didYouMean(name, names) || (names.length === 0 ? ' It has none.' : ` It may have ${names.join(', ')}.`)}`, proposed(name, names))
    }
    const values: Record<string, unknown> = {}
    for (const [name, attribute] of Object.entries(attributes)) {
      const given = element.attributes.get(name)
      if (given) values[name] = this.#value(attribute, given.value, given.at, `${element.path}/@${name}`, `"${name}" of <${element.name}>`)
      else if (attribute.isRequired) this.#say('MISSING_ATTRIBUTE', element.at, element.path, `<${element.name}> lacks "${name}"; ${attribute.type.expected} is expected.`)
      else values[name] = attribute.fallback
    }
    return values as Values<Shape['attributes']>
  }

  #text(element: XmlElement, { text, content }: ElementShape): unknown {
    const given = element.text.trim()
    if (text) return given === '' ? void this.#say('INVALID_VALUE', element.at, element.path, `<${element.name}> is empty; ${text.type.expected} is expected.`) : this.#value(text, given, element.textAt, element.path, `The text of <${element.name}>`)
    if (given !== '') this.#say('INVALID_VALUE', element.textAt, element.path, `<${element.name}> has the text ${shown(given)}; ${content ? 'only elements' : 'nothing'} may stand in it.`)
    return undefined
  }

  #value({ type }: Attribute, given: string, at: Position, path: string, what: string): unknown {
    const found = type.read(type.xsd.base === 'xs:string' ? given : given.trim())
    if (found !== undefined) return found
    const why = type.why?.(given)
    const near = type.choices && proposed(given, type.choices)
    // Behind JDBC's own words people write passwords.
    const said = type.name === 'jdbcUrl' || type.name === 'url' ? 'the value given' : shown(given)
    this.#say('INVALID_VALUE', at, path, why ?? `${what} is ${said}; ${type.expected} is expected.${type.choices ? didYouMean(given, type.choices) : ''}`, near)
    return undefined
  }

  #children(element: XmlElement, shape: ElementShape): readonly Checked[] {
    const shapes = inside(shape)
    const names = shapes.map(({ name }) => name)
    const found: Checked[] = []
    for (const child of element.children) {
      const own = shapes.find(({ name }) => name === child.name)
      if (own) found.push(this.element(child, own))
      else if (this.#known.has(child.name)) this.#say('MISPLACED_ELEMENT', child.at, child.path, `<${child.name}> does not belong into <${element.name}>; ${names.length === 0 ? 'nothing' : oneOf(names)} may stand there.`)
      else this.#say('UNKNOWN_ELEMENT', child.at, child.path, `There is no element <${child.name}>.${didYouMean(child.name, names) || (names.length === 0 ? ` Nothing may stand in <${element.name}>.` : ` In <${element.name}> may stand ${names.map(name => `<${name}>`).join(', ')}.`)}`, proposed(child.name, names))
    }
    if (shape.content) this.#arrangement(element, shape.content, found)
    return found
  }

  /** How many there are of each, and in which order. */
  #arrangement(element: XmlElement, content: Content, found: readonly Checked[]): void {
    if ('any' in content) {
      if (found.length < content.least && element.children.length < content.least) {
        this.#say('MISSING_ELEMENT', element.at, element.path, `<${element.name}> is empty; ${oneOf(content.any.map(({ name }) => `<${name}>`))} is expected in it.`)
      }
      return
    }
    const parts = 'inOrder' in content ? content.inOrder : content.each
    for (const { shape, isRequired } of parts) {
      const [first, ...more] = found.filter(one => one.shape === shape)
      if (!first && isRequired) this.#say('MISSING_ELEMENT', element.at, element.path, `<${element.name}> lacks <${shape.name}>.`)
      for (const { element: again } of more) this.#say('REPEATED_ELEMENT', again.at, again.path, `<${shape.name}> stands in <${element.name}> once more, after that of line ${first?.element.at.line}; once is expected.`)
    }
    if (!('inOrder' in content)) return
    let last = -1
    for (const { shape, element: child } of found) {
      const place = parts.findIndex(part => part.shape === shape)
      if (place < last) this.#say('MISPLACED_ELEMENT', child.at, child.path, `<${shape.name}> stands behind <${parts[last]?.shape.name}>; the order is ${parts.map(part => part.shape.name).join(', ')}.`)
      last = Math.max(last, place)
    }
  }

  #say(code: FindingCode, { line, column }: Position, path: string, message: string, proposal?: string): void {
    this.#report({ severity: 'ERROR', code, line, column, path, message, ...(proposal && { proposal }) })
  }
}

function shown(given: string): string {
  return given.length > 60 ? `${JSON.stringify(given.slice(0, 60))}…` : JSON.stringify(given)
}
