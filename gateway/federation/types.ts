import { Kind, parse, type GraphQLSchema } from 'graphql'

/** Types of the supergraph, those hidden from clients included: plans name them. */
export interface Types {
  isObject(name: unknown): boolean
  /** Whether an object of type `name` (absent: unknown) is of the type `condition`: the same, or a member of the interface or union. */
  satisfies(name: unknown, condition: string): boolean
}

/** Interfaces of which some objects are hidden from clients. */
export function interfacesOfHidden(supergraphSdl: string, seen: GraphQLSchema): ReadonlySet<string> {
  if (!supergraphSdl.includes('@inaccessible')) return new Set()
  const { definitions } = parse(supergraphSdl, { noLocation: true })
  return new Set(definitions.flatMap(node => (node.kind === Kind.OBJECT_TYPE_DEFINITION && !seen.getType(node.name.value) ? (node.interfaces ?? []).map(({ name }) => name.value) : [])))
}

export function typesOf(supergraphSdl: string): Types {
  const objects = new Set<string>()
  const members = new Map<string, Set<string>>()
  const add = (abstract: string, name: string) => members.set(abstract, (members.get(abstract) ?? new Set()).add(name))
  for (const node of parse(supergraphSdl, { noLocation: true }).definitions) {
    if (node.kind === Kind.UNION_TYPE_DEFINITION) for (const type of node.types ?? []) add(node.name.value, type.name.value)
    if (node.kind !== Kind.OBJECT_TYPE_DEFINITION && node.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue
    if (node.kind === Kind.OBJECT_TYPE_DEFINITION) objects.add(node.name.value)
    for (const type of node.interfaces ?? []) add(type.name.value, node.name.value)
  }
  return {
    isObject: name => typeof name === 'string' && objects.has(name),
    satisfies: (name, condition) => typeof name !== 'string' || name === condition || members.get(condition)?.has(name) === true,
  }
}
