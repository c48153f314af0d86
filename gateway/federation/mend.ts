import {
  Kind, parse, print, visit,
  type ConstArgumentNode, type ConstDirectiveNode, type ConstValueNode, type DocumentNode, type FieldDefinitionNode, type InterfaceTypeDefinitionNode, type ObjectTypeDefinitionNode, type TypeNode,
} from 'graphql'

export interface ParsedSubgraph {
  readonly name: string
  readonly typeDefs: DocumentNode
}

type Fielded = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode

/** A field as one subgraph has it. */
interface Part {
  readonly graph: string
  readonly type: TypeNode
  readonly isExternal: boolean
}

/**
 * The supergraph with what its composer leaves out of `@join__field`:
 * - a field that is a union in one subgraph and one of its members in another is the union, and each subgraph's own type is said;
 * - a field of an interface that is `@external` where the interface is an `@interfaceObject` is asked of its owners alone.
 * Undefined: nothing was left out.
 */
export function mended(sdl: string, subgraphs: readonly ParsedSubgraph[]): string | undefined {
  const document = parse(sdl, { noLocation: true })
  const parts = partsOf(document, subgraphs)
  const members = new Map(document.definitions.flatMap(node => (node.kind === Kind.UNION_TYPE_DEFINITION ? [[node.name.value, new Set(node.types?.map(type => type.name.value))] as const] : [])))
  let isMended = false
  const mend = (type: Fielded): Fielded => {
    const isInterfaceObject = directives(type, 'join__type').some(one => argument(one, 'isInterfaceObject') === 'true')
    const fields = type.fields?.map(field => {
      const own = parts.get(`${type.name.value}.${field.name.value}`) ?? []
      const found = unionField(field, own, members) ?? (isInterfaceObject ? externalField(field, own) : undefined)
      if (found) isMended = true
      return found ?? field
    })
    return { ...type, fields } as Fielded
  }
  const result = visit(document, { ObjectTypeDefinition: mend as never, InterfaceTypeDefinition: mend as never })
  return isMended ? print(result) : undefined
}

function unionField(field: FieldDefinitionNode, parts: readonly Part[], members: ReadonlyMap<string, ReadonlySet<string>>): FieldDefinitionNode | undefined {
  const names = [...new Set(parts.map(part => nameOf(part.type)))]
  const union = names.find(name => names.every(other => other === name || members.get(name)?.has(other)))
  const known = directives(field, 'join__field')
  if (names.length < 2 || union === undefined || known.some(one => argument(one, 'type') !== undefined)) return undefined
  const by = (one: ConstDirectiveNode) => parts.find(part => part.graph === argument(one, 'graph'))
  const join = known.length > 0 ? known.map(one => typed(one, by(one))) : parts.map(part => typed(joinField(part), part))
  return { ...field, type: renamed(field.type, union), directives: [...others(field), ...join] }
}

function externalField(field: FieldDefinitionNode, parts: readonly Part[]): FieldDefinitionNode | undefined {
  if (directives(field, 'join__field').length > 0 || !parts.some(part => part.isExternal)) return undefined
  return { ...field, directives: [...others(field), ...parts.map(part => joinField(part))] }
}

/** By `Type.field`: what each subgraph says of it. */
function partsOf(supergraph: DocumentNode, subgraphs: readonly ParsedSubgraph[]): ReadonlyMap<string, readonly Part[]> {
  const graphs = new Map<string, string>()
  for (const node of supergraph.definitions) {
    if (node.kind !== Kind.ENUM_TYPE_DEFINITION || node.name.value !== 'join__Graph') continue
    for (const value of node.values ?? []) for (const one of directives(value, 'join__graph')) graphs.set(argument(one, 'name') ?? '', value.name.value)
  }
  const parts = new Map<string, Part[]>()
  for (const { name, typeDefs } of subgraphs) {
    for (const node of typeDefs.definitions) {
      if (!('fields' in node) || node.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION || node.kind === Kind.INPUT_OBJECT_TYPE_EXTENSION) continue
      const keys = new Set(own(node, 'key').flatMap(key => argument(key, 'fields')?.split(/[\s,{}]+/) ?? []))
      for (const field of (node.fields ?? []) as readonly FieldDefinitionNode[]) {
        const place = `${node.name.value}.${field.name.value}`
        const isExternal = own(field, 'external').length > 0 && !keys.has(field.name.value)
        parts.set(place, [...(parts.get(place) ?? []), { graph: graphs.get(name) ?? name, type: field.type, isExternal }])
      }
    }
  }
  return parts
}

interface Marked {
  readonly directives?: readonly ConstDirectiveNode[]
}

function directives(node: Marked, name: string): readonly ConstDirectiveNode[] {
  return (node.directives ?? []).filter(one => one.name.value === name)
}

/** A directive of federation, by its name or with the prefix it has where it is not imported. */
function own(node: Marked, name: string): readonly ConstDirectiveNode[] {
  return [...directives(node, name), ...directives(node, `federation__${name}`)]
}

function others(node: Marked): readonly ConstDirectiveNode[] {
  return (node.directives ?? []).filter(one => one.name.value !== 'join__field')
}

function argument(node: ConstDirectiveNode, name: string): string | undefined {
  const value = node.arguments?.find(one => one.name.value === name)?.value
  return value && ('value' in value ? String(value.value) : print(value))
}

function joinField({ graph, isExternal }: Part): ConstDirectiveNode {
  const external = isExternal ? [argumentNode('external', { kind: Kind.BOOLEAN, value: true })] : []
  return { kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: 'join__field' }, arguments: [argumentNode('graph', { kind: Kind.ENUM, value: graph }), ...external] }
}

function typed(join: ConstDirectiveNode, part: Part | undefined): ConstDirectiveNode {
  return part ? { ...join, arguments: [...(join.arguments ?? []), argumentNode('type', { kind: Kind.STRING, value: print(part.type) })] } : join
}

function argumentNode(name: string, value: ConstValueNode): ConstArgumentNode {
  return { kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: name }, value }
}

function nameOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : nameOf(type.type)
}

function renamed(type: TypeNode, name: string): TypeNode {
  if (type.kind === Kind.NAMED_TYPE) return { ...type, name: { kind: Kind.NAME, value: name } }
  return { ...type, type: renamed(type.type, name) } as TypeNode
}
