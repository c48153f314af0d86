import { allShapes, type Attribute, type Content, type ElementShape } from './shape.ts'
import type { TextType } from './text-types.ts'

/**
 * The XML Schema (1.0) of a document with this root. It takes every document that is right: what a schema cannot say, such as that a date part of a path exists, is found by `check` and
 * the rules of the documents alone.
 */
export function xsdOf(root: ElementShape): string {
  const types = new Map<string, TextType<unknown>>()
  for (const { attributes, text } of allShapes(root)) for (const { type } of [...Object.values(attributes), ...(text ? [text] : [])]) types.set(type.name, type)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">',
    ...elementOf(root, '').map(line => `  ${line}`),
    ...[...types.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap(simpleType).map(line => `  ${line}`),
    '</xs:schema>',
    '',
  ].join('\n')
}

function elementOf(shape: ElementShape, occurs: string): string[] {
  const { name, doc, attributes, text, content } = shape
  if (text && Object.keys(attributes).length === 0) return [`<xs:element name="${name}" type="${text.type.name}"${occurs}>`, ...indented(documented(doc)), '</xs:element>']
  const body = [...(content ? contentOf(content) : []), ...Object.entries(attributes).flatMap(([each, attribute]) => attributeOf(each, attribute))]
  const type = text ? ['<xs:simpleContent>', ...indented([`<xs:extension base="${text.type.name}">`, ...indented(body), '</xs:extension>']), '</xs:simpleContent>'] : body
  return [`<xs:element name="${name}"${occurs}>`, ...indented([...documented(doc), ...(type.length === 0 ? ['<xs:complexType/>'] : ['<xs:complexType>', ...indented(type), '</xs:complexType>'])]), '</xs:element>']
}

function contentOf(content: Content): string[] {
  if ('any' in content) {
    return [`<xs:choice minOccurs="${content.least}" maxOccurs="unbounded">`, ...indented(content.any.flatMap(shape => elementOf(shape, ''))), '</xs:choice>']
  }
  const [kind, parts] = 'inOrder' in content ? (['sequence', content.inOrder] as const) : (['all', content.each] as const)
  return [`<xs:${kind}>`, ...indented(parts.flatMap(({ shape, isRequired }) => elementOf(shape, isRequired ? '' : ' minOccurs="0"'))), `</xs:${kind}>`]
}

function attributeOf(name: string, { type, isRequired, doc }: Attribute): string[] {
  return [`<xs:attribute name="${name}" type="${type.name}"${isRequired ? ' use="required"' : ''}>`, ...indented(documented(doc)), '</xs:attribute>']
}

function simpleType({ name, expected, xsd: { base = 'xs:token', pattern, enumeration = [], minLength, minInclusive } }: TextType<unknown>): string[] {
  const facets = [
    ...enumeration.map(word => `<xs:enumeration value="${escaped(word)}"/>`),
    ...(pattern === undefined ? [] : [`<xs:pattern value="${escaped(pattern)}"/>`]),
    ...(minLength === undefined ? [] : [`<xs:minLength value="${minLength}"/>`]),
    ...(minInclusive === undefined ? [] : [`<xs:minInclusive value="${minInclusive}"/>`]),
  ]
  return [`<xs:simpleType name="${name}">`, ...indented([...documented(`${expected.charAt(0).toUpperCase()}${expected.slice(1)}.`), `<xs:restriction base="${base}">`, ...indented(facets), '</xs:restriction>']), '</xs:simpleType>']
}

function documented(doc: string): string[] {
  return ['<xs:annotation>', `  <xs:documentation>${escaped(doc)}</xs:documentation>`, '</xs:annotation>']
}

function indented(lines: readonly string[]): string[] {
  return lines.map(line => `  ${line}`)
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
