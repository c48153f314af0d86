import fc from 'fast-check'
import { XmlDocument, XsdValidator } from 'libxml2-wasm'
import { readDocument } from '../../subgraphs/pipelines/document/read.ts'
import { transforms } from '../../subgraphs/pipelines/transforms/index.ts'
import { schemas } from '../../subgraphs/pipelines/xsd.ts'
import { readXml, type XmlElement } from '../../subgraphs/pipelines/xml/read.ts'
import { customerMaster, customerStagingLoad } from '../support/pipelines.ts'

/** An element that can be changed and written again. */
interface Node {
  name: string
  attributes: [string, string][]
  children: Node[]
  text: string
}

const nodeOf = ({ name, attributes, children, text }: XmlElement): Node => ({ name, attributes: [...attributes].map(([each, { value }]) => [each, value]), children: children.map(nodeOf), text: text.trim() })
const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;')
// Space between the tags of an element that has nothing is taken, which a schema would not.
const written = ({ name, attributes, children, text }: Node): string => `<${name}${attributes.map(([each, value]) => ` ${each}="${escaped(value)}"`).join('')}>${escaped(text.trim())}${children.map(written).join('')}</${name}>`
const all = (node: Node): Node[] => [node, ...node.children.flatMap(all)]

const documents = [customerStagingLoad.replace('</transformations>', `${transforms.map(({ example }) => example).join('')}</transformations>`).replace('<targets>', '<targets><region name="r" mode="overwrite"/><kafka topic="t" keys="a,b"/>'), customerMaster].map(xml => {
  const { root } = readXml(xml)
  if (!root) throw new Error('The sample is no XML.')
  return { root, schema: root.name === 'pipeline' ? schemas['pipeline.xsd'] : schemas['job.xsd'] }
})
const names = [...new Set(documents.flatMap(({ root }) => all(nodeOf(root)).flatMap(({ name, attributes }) => [name, ...attributes.map(([each]) => each)])))]
const texts = fc.oneof(fc.constantFrom('', ' ', '0', '1', '-1', 'true', 'a', 'a,b', 'a,,b', 'a b', '1.0', '1.2.3', 'PT1H', '* * * * *', 'staging', 'inner', 'sum:x', 'x.y', 'jdbc:sqlite:x', '%Y', '\\t', ';', 'http://a', 'a@b.c'), fc.string({ maxLength: 6 }))

const mutation = fc.record({
  kind: fc.constantFrom('value', 'rename attribute', 'drop attribute', 'new attribute', 'rename', 'drop', 'double', 'swap', 'move', 'text'), at: fc.nat(), other: fc.nat(), name: fc.constantFrom(...names, 'unknown'), text: texts,
})
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never

function mutate(root: Node, { kind, at, other, name, text }: Mutation): void {
  const nodes = all(root)
  const node = nodes[at % nodes.length] as Node
  const parent = nodes.find(({ children }) => children.includes(node))
  const attribute = node.attributes[other % Math.max(1, node.attributes.length)]
  if (kind === 'value' && attribute) attribute[1] = text
  else if (kind === 'rename attribute' && attribute && !node.attributes.some(([each]) => each === name)) attribute[0] = name
  else if (kind === 'drop attribute') node.attributes.splice(other % Math.max(1, node.attributes.length), 1)
  else if (kind === 'new attribute' && !node.attributes.some(([each]) => each === name)) node.attributes.push([name, text])
  else if (kind === 'rename' && parent) node.name = name
  else if (kind === 'drop' && parent) parent.children.splice(parent.children.indexOf(node), 1)
  else if (kind === 'double' && parent) parent.children.push(structuredClone(node))
  else if (kind === 'swap' && parent) parent.children.reverse()
  else if (kind === 'move') (nodes[other % nodes.length] as Node).children.push({ name, attributes: [], children: [], text: '' })
  else if (kind === 'text') node.text = text
}

const validators = new Map(Object.values(schemas).map(schema => [schema, XsdValidator.fromDoc(XmlDocument.fromString(schema))]))
afterAll(() => {
  for (const validator of validators.values()) validator.dispose()
})

function isValid(schema: string, xml: string): boolean {
  using document = XmlDocument.fromString(xml)
  try {
    validators.get(schema)?.validate(document)
    return true
  } catch {
    return false
  }
}

/** Codes of what a schema says as well. */
const structural = new Set(['UNKNOWN_ELEMENT', 'MISPLACED_ELEMENT', 'REPEATED_ELEMENT', 'UNKNOWN_ATTRIBUTE'])

test('D-73: what libxml2 finds against a changed document by the schema we find, too; and elements and attributes that we say are wrong are so by the schema', () => {
  const counts = { valid: 0, refused: 0, stricter: 0 }
  fc.assert(
    fc.property(fc.nat(documents.length - 1), fc.array(mutation, { minLength: 1, maxLength: 3 }), (which, mutations) => {
      const { root, schema } = documents[which] as (typeof documents)[number]
      const node = nodeOf(root)
      for (const one of mutations) mutate(node, one)
      const xml = written(node)
      if (!readXml(xml).root) return
      const errors = readDocument(xml).findings.filter(({ severity }) => severity === 'ERROR')
      const valid = isValid(schema, xml)
      counts[valid ? (errors.length === 0 ? 'valid' : 'stricter') : 'refused'] += 1
      if (!valid) expect(errors.length).toBeGreaterThan(0)
      else expect(errors.filter(({ code }) => structural.has(code))).toEqual([])
    }),
    { numRuns: 2_000 },
  )
  expect(counts.valid).toBeGreaterThan(50)
  expect(counts.refused).toBeGreaterThan(500)
})
