import { Kind, parse, print, visit, type ConstDirectiveNode } from 'graphql'

/**
 * Supergraphs in which no two subgraphs share a field of the mutation: in the first each such field is its first subgraph's alone, in the next the next one's, as many
 * as the field with most subgraphs has. A planner that knows of both asks both where each has a part of the answer, and what the field does is done twice.
 * Empty: none is shared.
 */
export function withoutSharedMutations(supergraphSdl: string): readonly string[] {
  const document = parse(supergraphSdl, { noLocation: true })
  const schema = document.definitions.find(node => node.kind === Kind.SCHEMA_DEFINITION)
  const name = schema?.operationTypes.find(({ operation }) => operation === 'mutation')?.type.name.value ?? 'Mutation'
  const mutation = document.definitions.find(node => node.kind === Kind.OBJECT_TYPE_DEFINITION && node.name.value === name)
  if (mutation?.kind !== Kind.OBJECT_TYPE_DEFINITION) return []
  const graphs = (mutation.directives ?? []).filter(one => one.name.value === 'join__type').map(graphOf)
  // A field without @join__field is in every subgraph that has the type; one that is on its way to another subgraph is where the request's share says.
  const owners = (directives: readonly ConstDirectiveNode[] = []) => {
    const joins = directives.filter(one => one.name.value === 'join__field')
    if (joins.some(one => one.arguments?.some(({ name: { value } }) => value === 'overrideLabel'))) return []
    return joins.length > 0 ? joins.filter(one => !isElsewhere(one)).map(graphOf) : graphs
  }
  const most = Math.max(...(mutation.fields ?? []).map(field => owners(field.directives).length))
  if (most < 2) return []
  return Array.from({ length: most }, (_, index) => print(visit(document, {
    ObjectTypeDefinition: {
      enter: node => (node === mutation ? undefined : false),
    },
    FieldDefinition(field) {
      const all = owners(field.directives)
      if (all.length < 2) return undefined
      const only = all[index % all.length] ?? ''
      return { ...field, directives: [...(field.directives ?? []).filter(one => one.name.value !== 'join__field'), joinField(only)] }
    },
  })))
}

function graphOf(directive: ConstDirectiveNode): string {
  const value = directive.arguments?.find(one => one.name.value === 'graph')?.value
  return value?.kind === Kind.ENUM ? value.value : ''
}

/** External, or overridden. */
function isElsewhere(directive: ConstDirectiveNode): boolean {
  return (directive.arguments ?? []).some(({ name, value }) => (name.value === 'external' || name.value === 'usedOverridden') && value.kind === Kind.BOOLEAN && value.value)
}

function joinField(graph: string): ConstDirectiveNode {
  return { kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: 'join__field' }, arguments: [{ kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: 'graph' }, value: { kind: Kind.ENUM, value: graph } }] }
}
