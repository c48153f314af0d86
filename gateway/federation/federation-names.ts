import { Kind, visit, type ConstDirectiveNode, type ConstValueNode, type DocumentNode, type NameNode } from 'graphql'

/**
 * A subgraph's SDL as the composer knows all of it: root types are called Query, Mutation and Subscription, and the directives of federation have their own names. `@link` may give them others, one by one (`import: [{ name: "@key", as: "@named" }]`) or
 * all together (`as: "fed"`, for `@fed__key`); the composer knows them as `@key` where they are imported and as `@federation__key` everywhere.
 */
export function inFederationNames(document: DocumentNode): DocumentNode {
  return withOwnDirectives(withUsualRoots(document))
}

const usual = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' }

function withUsualRoots(document: DocumentNode): DocumentNode {
  const roots = document.definitions.flatMap(node => (node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION ? node.operationTypes ?? [] : []))
  const names = new Map(roots.flatMap(({ operation, type }) => (type.name.value === usual[operation] ? [] : [[type.name.value, usual[operation]] as const])))
  const taken = new Set(document.definitions.flatMap(node => ('name' in node && node.name ? [node.name.value] : [])))
  if (names.size === 0 || [...names.values()].some(name => taken.has(name))) return document
  const renamed = <Node extends { readonly name: NameNode }>(node: Node): Node | undefined => {
    const value = names.get(node.name.value)
    return value === undefined ? undefined : { ...node, name: { ...node.name, value } }
  }
  return visit(document, { NamedType: renamed, ObjectTypeDefinition: { leave: renamed }, ObjectTypeExtension: { leave: renamed } })
}

function withOwnDirectives(document: DocumentNode): DocumentNode {
  const link = document.definitions.flatMap(node => (node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION ? node.directives ?? [] : [])).find(isFederation)
  const prefix = link && textOf(argument(link, 'as'))
  const imports = link && argument(link, 'import')
  const items = imports?.kind === Kind.LIST ? imports.values : []
  const renamed = new Map(items.flatMap(item => {
    const [name, as] = [member(item, 'name'), member(item, 'as')]
    return name !== undefined && as !== undefined && name !== as ? [[bare(as), bare(name)] as const] : []
  }))
  if (!link || (prefix === undefined && renamed.size === 0)) return document

  const own = (name: string) => {
    const found = prefix !== undefined && name.startsWith(`${prefix}__`) ? name.slice(prefix.length + 2) : renamed.get(name)
    return found === undefined ? undefined : { kind: Kind.NAME, value: `federation__${found}` } as const
  }
  const kept = items.filter(item => member(item, 'as') === undefined || member(item, 'as') === member(item, 'name'))
  return visit(document, {
    Directive(node) {
      if (node === link) {
        const others = link.arguments?.flatMap(one => (one.name.value === 'as' ? [] : one.name.value === 'import' ? [{ ...one, value: { kind: Kind.LIST, values: kept } as const }] : [one]))
        return { ...link, arguments: others }
      }
      const name = own(node.name.value)
      return name && { ...node, name }
    },
    NamedType(node) {
      const name = own(node.name.value)
      return name && { ...node, name }
    },
  })
}

function isFederation(directive: ConstDirectiveNode): boolean {
  return directive.name.value === 'link' && /\/federation\/v2\.\d+$/.test(textOf(argument(directive, 'url')) ?? '')
}

function argument(directive: ConstDirectiveNode, name: string): ConstValueNode | undefined {
  return directive.arguments?.find(one => one.name.value === name)?.value
}

function member(item: ConstValueNode, name: string): string | undefined {
  return item.kind === Kind.OBJECT ? textOf(item.fields.find(field => field.name.value === name)?.value) : undefined
}

function textOf(value: ConstValueNode | undefined): string | undefined {
  return value?.kind === Kind.STRING ? value.value : undefined
}

function bare(name: string): string {
  return name.replace(/^@/, '')
}
