import { Kind, parse, type ConstDirectiveNode, type DefinitionNode, type DocumentNode } from 'graphql'
import { HubError } from '../schema/errors.ts'

/** What a subgraph's `@link`s bring into its schema: definitions its SDL leaves out, and what it calls `@key`. */
export interface FederationSpec {
  readonly definitions: readonly DefinitionNode[]
  /** Name of `@key` in this SDL, without `@`. */
  readonly key: string
}

const everything = 'FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION'
const guarded = 'FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM'

/** Directives of the federation specification by the minor version that brought them; `%X` is the specification's type X under the name it has in the SDL. */
const directives: Readonly<Record<string, { readonly since: number; readonly definition: string }>> = {
  key: { since: 0, definition: '(fields: %FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE' },
  requires: { since: 0, definition: '(fields: %FieldSet!) on FIELD_DEFINITION' },
  provides: { since: 0, definition: '(fields: %FieldSet!) on FIELD_DEFINITION' },
  external: { since: 0, definition: '(reason: String) on OBJECT | FIELD_DEFINITION' },
  tag: { since: 0, definition: `(name: String!) repeatable on ${everything} | SCHEMA` },
  extends: { since: 0, definition: ' on OBJECT | INTERFACE' },
  shareable: { since: 0, definition: ' repeatable on OBJECT | FIELD_DEFINITION' },
  inaccessible: { since: 0, definition: ` on ${everything}` },
  override: { since: 0, definition: '(from: String!, label: String) on FIELD_DEFINITION' },
  composeDirective: { since: 1, definition: '(name: String!) repeatable on SCHEMA' },
  interfaceObject: { since: 3, definition: ' on OBJECT' },
  authenticated: { since: 5, definition: ` on ${guarded}` },
  requiresScopes: { since: 5, definition: `(scopes: [[%Scope!]!]!) on ${guarded}` },
  policy: { since: 6, definition: `(policies: [[%Policy!]!]!) on ${guarded}` },
  context: { since: 8, definition: '(name: String!) repeatable on INTERFACE | OBJECT | UNION' },
  fromContext: { since: 8, definition: '(field: %ContextFieldValue) on ARGUMENT_DEFINITION' },
  cost: { since: 9, definition: '(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR' },
  listSize: {
    since: 9,
    definition: '(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION',
  },
}

const scalars: Readonly<Record<string, number>> = { FieldSet: 0, Scope: 5, Policy: 6, ContextFieldValue: 8 }

/** Reads the `@link` to federation; an SDL without one → CATALOG_INVALID. What the SDL defines itself is not defined again. */
export function federationSpec(subgraph: string, document: DocumentNode): FederationSpec {
  const link = federationLink(document)
  if (!link) {
    const found = `Subgraph "${subgraph}" does not say which version of Federation it follows.`
    throw new HubError('CATALOG_INVALID', `${found} Its SDL needs extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"]).`)
  }
  const local = (name: string) => link.imports.get(name) ?? `${link.prefix}__${name}`
  const directiveName = (name: string) => link.imports.get(`@${name}`) ?? `@${link.prefix}__${name}`
  const lines = [
    'directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA',
    'scalar link__Import',
    'enum link__Purpose { SECURITY EXECUTION }',
  ]
  for (const [name, since] of Object.entries(scalars)) if (since <= link.minor) lines.push(`scalar ${local(name)}`)
  for (const [name, { since, definition }] of Object.entries(directives)) {
    if (since <= link.minor) lines.push(`directive ${directiveName(name)}${definition.replace(/%(\w+)/g, (_, type: string) => local(type))}`)
  }
  const known = new Set(document.definitions.map(identity))
  return {
    definitions: parse(lines.join('\n'), { noLocation: true }).definitions.filter(definition => !known.has(identity(definition))),
    key: directiveName('key').slice(1),
  }
}

function identity(definition: DefinitionNode): string {
  const name = 'name' in definition ? definition.name?.value ?? '' : ''
  return definition.kind === Kind.DIRECTIVE_DEFINITION ? `@${name}` : name
}

interface FederationLink {
  readonly minor: number
  readonly prefix: string
  /** From the specification's name (`@key`, `FieldSet`) to the name in the SDL. */
  readonly imports: ReadonlyMap<string, string>
}

function federationLink(document: DocumentNode): FederationLink | undefined {
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.SCHEMA_DEFINITION && definition.kind !== Kind.SCHEMA_EXTENSION) continue
    for (const directive of definition.directives ?? []) {
      const version = /\/federation\/v2\.(\d+)$/.exec(text(directive, 'url') ?? '')
      if (version) return { minor: Number(version[1]), prefix: text(directive, 'as') ?? 'federation', imports: imports(directive) }
    }
  }
  return undefined
}

function text(directive: ConstDirectiveNode, name: string): string | undefined {
  const value = directive.arguments?.find(argument => argument.name.value === name)?.value
  return value?.kind === Kind.STRING ? value.value : undefined
}

function imports(link: ConstDirectiveNode): Map<string, string> {
  const names = new Map<string, string>()
  const list = link.arguments?.find(argument => argument.name.value === 'import')?.value
  for (const item of list?.kind === Kind.LIST ? list.values : []) {
    if (item.kind === Kind.STRING) names.set(item.value, item.value)
    if (item.kind !== Kind.OBJECT) continue
    const member = (name: string) => {
      const value = item.fields.find(field => field.name.value === name)?.value
      return value?.kind === Kind.STRING ? value.value : undefined
    }
    const name = member('name')
    if (name !== undefined) names.set(name, member('as') ?? name)
  }
  return names
}
