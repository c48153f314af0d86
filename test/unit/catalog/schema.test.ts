import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isTypeDefinitionNode, isTypeExtensionNode, parse } from 'graphql'
import { reservedNames, type NameSpace } from '../../../schema/catalog-names.ts'
import { catalogSchemaText } from '../../../schema/catalog-schema.ts'

interface Node {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Node>>
  readonly anyOf?: readonly Node[]
  readonly oneOf?: readonly Node[]
  readonly items?: Node
  readonly additionalProperties?: Node | boolean
}

test('the JSON schema for editors is the one the catalog is checked by; `node schema/catalog-schema.ts` writes it', () => {
  expect(readFileSync(join(import.meta.dirname, '../../../schema/catalog.schema.json'), 'utf8')).toBe(catalogSchemaText())
})

test('every option of the catalog has a sentence in the JSON schema', () => {
  const bare: string[] = []
  const visit = (node: Node, path: string): void => {
    for (const [name, member] of Object.entries(node.properties ?? {})) {
      if (!member.description) bare.push(`${path}.${name}`)
      visit(member, `${path}.${name}`)
    }
    for (const branch of [...(node.anyOf ?? []), ...(node.oneOf ?? [])]) visit(branch, path)
    if (node.items) visit(node.items, `${path}[]`)
    if (typeof node.additionalProperties === 'object') visit(node.additionalProperties, `${path}.*`)
  }
  const schema = JSON.parse(catalogSchemaText()) as Node
  visit(schema, '')
  expect(bare).toEqual([])
  expect(Object.keys(schema.properties ?? {})).toEqual(['sources', 'regions', 'views', 'relations', 'subgraphs', 'endpoints'])
})

test('every type and root field the graph has of its own is reserved, so that no entry can take its name', () => {
  const folder = join(import.meta.dirname, '../../../schema')
  const free: string[] = []
  const missing = (space: NameSpace, name: string) => { if (!reservedNames[space].has(name)) free.push(`${space} ${name}`) }
  for (const file of readdirSync(folder).filter(name => name.endsWith('.graphql'))) {
    for (const definition of parse(readFileSync(join(folder, file), 'utf8')).definitions) {
      if (!isTypeDefinitionNode(definition) && !isTypeExtensionNode(definition)) continue
      const { value: name } = definition.name
      if (name !== 'Query' && name !== 'Mutation' && name !== 'Subscription') missing('type', name)
      else if ('fields' in definition) for (const field of definition.fields ?? []) missing(name, field.name.value)
    }
  }
  expect(free).toEqual([])
})
