import { inOrder } from '../../../subgraphs/pipelines/finding.ts'
import { readXml, type XmlElement } from '../../../subgraphs/pipelines/xml/read.ts'

const said = (xml: string) => inOrder(readXml(xml).findings).map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`)

/** Every place of a document beside what stands there in the text. */
function places(text: string): [string, string][] {
  const lines = text.split(/\r\n|\r|\n/)
  const found: [string, string][] = []
  const visit = ({ name, at, attributes, children, text: own, textAt }: XmlElement) => {
    found.push([`<${name}`, lines[at.line - 1]?.slice(at.column - 1, at.column + name.length) ?? ''])
    for (const [each, { at: place }] of attributes) found.push([each, lines[place.line - 1]?.slice(place.column - 1, place.column - 1 + each.length) ?? ''])
    const first = own.trim().slice(0, 3)
    if (first) found.push([first, lines[textAt.line - 1]?.slice(textAt.column - 1, textAt.column - 1 + first.length) ?? ''])
    for (const child of children) visit(child)
  }
  const { root, findings } = readXml(text)
  if (!root) throw new Error(JSON.stringify(findings))
  visit(root)
  return found
}

const document = `<?xml version="1.0"?>
<!-- <a b="c"> -->
<one first = "𝒳 &lt;one x='1'&gt;"
     second='"'>
  <two/><two	third="a
b"/>
  text &amp; more <?pi <two?> <three><![CDATA[  SELECT '<two>' ]]></three>
  <four>
    under it
  </four>
</one>`

test.each([['line feeds', document], ['carriage returns', document.replaceAll('\n', '\r\n')], ['a byte order mark', `\ufeff${document}`.replace('\ufeff<?xml version="1.0"?>', '\ufeff<?xml version="1.0"?>')]])('elements, attributes and texts are found where they stand, with %s', (_, text) => {
  const found = places(text)
  expect(found.length).toBe(11)
  for (const [wanted, stands] of found) expect(stands).toBe(wanted)
})

test('values are as the specification says: references resolved, line breaks in attributes as spaces', () => {
  const { root } = readXml(document)
  expect(root?.attributes.get('first')?.value).toBe("𝒳 <one x='1'>")
  expect(root?.children.map(({ name, path, attributes }) => [name, path, attributes.get('third')?.value])).toEqual([['two', '/one/two', undefined], ['two', '/one/two[2]', 'a b'], ['three', '/one/three', undefined], ['four', '/one/four', undefined]])
  expect(root?.children[2]?.text).toBe("  SELECT '<two>' ")
})

test.each([
  ['', ['1:1 NOT_WELL_FORMED Document must contain a root element.']],
  ['<a><b></a>', ['1:7 NOT_WELL_FORMED </a> stands where <b> of line 1 is open; </b> is expected.']],
  ['<a>\n  <b>\n', ['1:1 NOT_WELL_FORMED <a> is not closed up to the end of the document; </a> is expected.', '2:3 NOT_WELL_FORMED <b> is not closed up to the end of the document; </b> is expected.']],
  ['<a/><b/>', ['1:7 NOT_WELL_FORMED Documents may contain only one root.']],
  ['<a b="1" b="2"/>', ['1:10 NOT_WELL_FORMED <a> has "b" already, in line 1; an attribute stands once.']],
  ['<a>&unknown;</a>', ['1:12 NOT_WELL_FORMED Undefined entity.']],
  ['<a>\u0001</a>', ['1:4 NOT_WELL_FORMED Disallowed character.']],
])('%p is no XML, and it is said where', (xml, expected) => expect(said(xml)).toEqual(expected))

test('a document type is refused before anything of it is read, whatever it names', () => {
  const bomb = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;</a>'
  for (const xml of ['<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', '<!DOCTYPE a PUBLIC "-//X" "http://127.0.0.1:1/x"><a/>', bomb]) {
    expect(said(xml)).toEqual(['1:1 REFUSED_XML The document has a document type (<!DOCTYPE …>); none is read here, for it can name files and grow without bound. Take it out.'])
    expect(readXml(xml).root).toBeUndefined()
  }
})

test('a document that nests, repeats or names too much is refused where it does', () => {
  expect(said('<a>'.repeat(60))).toEqual(['1:151 REFUSED_XML More than 50 elements stand inside one another, which is the limit.'])
  expect(said(`<a>${'<b/>'.repeat(10_000)}</a>`)).toEqual(['1:40000 REFUSED_XML The document has more than 10000 elements, which is the limit.'])
  expect(said(`<a ${Array.from({ length: 101 }, (_, n) => `b${n}=""`).join(' ')}/>`)[0]).toMatch(/REFUSED_XML <a> has more than 100 attributes/)
})

test('of many mistakes the first twenty are listed', () => {
  expect(said(`<a>${'&x; '.repeat(1_000)}</a>`)).toHaveLength(20)
})
