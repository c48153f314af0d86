import type { TextType } from './text-types.ts'

/** An attribute, or the text of an element; `Value` has undefined where it may be left out. */
export interface Attribute<Value = unknown> {
  readonly type: TextType<Value>
  readonly isRequired: boolean
  /** Stands for an attribute that is left out. */
  readonly fallback?: Value
  /** A sentence for the XSD and the documentation. */
  readonly doc: string
}

export const required = <T>(type: TextType<T>, doc: string): Attribute<T> => ({ type, isRequired: true, doc })
export const optional = <T>(type: TextType<T>, doc: string): Attribute<T | undefined> => ({ type, isRequired: false, doc })
export const otherwise = <T>(type: TextType<T>, fallback: T, doc: string): Attribute<T> => ({ type, isRequired: false, fallback, doc })

export type Attributes = Readonly<Record<string, Attribute>>
export type Values<A extends Attributes> = { readonly [Name in keyof A]: A[Name] extends Attribute<infer Value> ? Value : never }

/** What stands inside of an element. */
export type Content =
  /** One behind the other, as listed; those that need not be there may be left out. */
  | { readonly inOrder: readonly Part[] }
  /** Each once at most, in any order. */
  | { readonly each: readonly Part[] }
  /** Any of them as often as one likes, `least` in all. */
  | { readonly any: readonly ElementShape[]; readonly least: number }

export interface Part {
  readonly shape: ElementShape
  readonly isRequired: boolean
}

export const must = (shape: ElementShape): Part => ({ shape, isRequired: true })
export const may = (shape: ElementShape): Part => ({ shape, isRequired: false })

/** An element of a document: the XSD and what documents are checked with are both made of it. */
export interface ElementShape<A extends Attributes = Attributes> {
  readonly name: string
  readonly doc: string
  readonly attributes: A
  /** Of an element without children. */
  readonly text?: Attribute
  readonly content?: Content
}

export function element<const A extends Attributes = Record<never, never>>(name: string, doc: string, attributes: A, inside: Pick<ElementShape, 'text' | 'content'> = {}): ElementShape<A> {
  return { name, doc, attributes, ...inside }
}

/** An element that is a text and nothing else. */
export function textElement<T>(name: string, type: TextType<T>, doc: string): ElementShape<Record<never, never>> {
  return element(name, doc, {}, { text: required(type, doc) })
}

/** Shapes of what may stand inside. */
export function inside({ content }: ElementShape): readonly ElementShape[] {
  if (!content) return []
  return 'any' in content ? content.any : ('inOrder' in content ? content.inOrder : content.each).map(({ shape }) => shape)
}

/** The shape and all that may stand inside of it, however deep. */
export function allShapes(shape: ElementShape): readonly ElementShape[] {
  const found = new Set<ElementShape>()
  const add = (one: ElementShape) => {
    if (found.has(one)) return
    found.add(one)
    for (const below of inside(one)) add(below)
  }
  add(shape)
  return [...found]
}
