import { Kind, visit, type DocumentNode, type OperationDefinitionNode } from 'graphql'

const name = 'cached'

/** What clients may write; it is for the hub, and no subgraph sees it. Added to graphs that have regions. */
export const cachedSdl = `
"The hub keeps the answer, and gives it again for as long as nothing it was made from has changed: never one that differs from what the reads would find."
directive @${name} on QUERY
`

/** Whether the operation's answers may be kept. */
export function isCached({ directives }: OperationDefinitionNode): boolean {
  return directives?.some(directive => directive.name.value === name) === true
}

/** The document as it is executed: without the hub's own word. */
export function withoutCached(document: DocumentNode): DocumentNode {
  const definitions = document.definitions.map(node => (node.kind === Kind.OPERATION_DEFINITION && isCached(node) ? { ...node, directives: node.directives?.filter(directive => directive.name.value !== name) } : node))
  return { ...document, definitions }
}

/** Whether the document asks about the schema. */
export function asksForSchema(document: DocumentNode): boolean {
  const fields = new Set<string>()
  visit(document, { Field: node => void fields.add(node.name.value) })
  return fields.has('__schema') || fields.has('__type')
}
