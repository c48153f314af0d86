import type { PlanNode } from '@graphql-hive/router-query-planner'
import { Kind, parse, type ConstDirectiveNode } from 'graphql'

/** A supergraph as the planner is given it, and its plans with the subgraphs' own names. */
export interface PlannerNames {
  readonly sdl: string
  readonly restored: (node: PlanNode) => PlanNode
}

/**
 * The planner tries subgraphs in the order of their names, and from an interface object finds fields of the concrete types only in those that come before it. So
 * where there are interface objects, it knows the subgraphs by numbers: those that define an interface stand before those that have it as an object. Where two
 * subgraphs are each other's, one of them must stand first.
 */
export function plannerNames(sdl: string): PlannerNames {
  if (!saysInterfaceObject(sdl)) return { sdl, restored: node => node }
  const { names, before } = orderOf(sdl)
  const waiting = [...names.keys()].sort()
  const order: string[] = []
  while (waiting.length > 0) {
    const free = waiting.findIndex(graph => ![...(before.get(graph) ?? [])].some(other => waiting.includes(other)))
    order.push(...waiting.splice(Math.max(0, free), 1))
  }
  const numbers = new Map(order.map((graph, index) => [names.get(graph) ?? graph, `s${String(index).padStart(4, '0')}`]))
  const own = new Map([...numbers].map(([name, number]) => [number, name]))
  const renamed = sdl.replace(/(@join__graph\(name: |override: )("(?:[^"\\]|\\.)*")/g, (whole, start: string, text: string) => {
    const number = numbers.get(JSON.parse(text) as string)
    return number === undefined ? whole : `${start}"${number}"`
  })
  const restored = (node: PlanNode) => JSON.parse(JSON.stringify(node), (key, value) => (key === 'serviceName' ? own.get(value as string) ?? value : value)) as PlanNode
  return { sdl: renamed, restored }
}

export function saysInterfaceObject(sdl: string): boolean {
  return sdl.includes('isInterfaceObject: true')
}

/** The name of each graph, and for each graph those that must stand before it. */
function orderOf(sdl: string): { names: ReadonlyMap<string, string>; before: ReadonlyMap<string, ReadonlySet<string>> } {
  const names = new Map<string, string>()
  const before = new Map<string, Set<string>>()
  for (const node of parse(sdl, { noLocation: true }).definitions) {
    if (node.kind === Kind.ENUM_TYPE_DEFINITION && node.name.value === 'join__Graph') {
      for (const { name, directives = [] } of node.values ?? []) for (const one of directives) names.set(name.value, argument(one, 'name') ?? name.value)
    }
    if (node.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue
    const joins = (node.directives ?? []).filter(one => one.name.value === 'join__type')
    const isObject = (one: ConstDirectiveNode) => argument(one, 'isInterfaceObject') === 'true'
    const owners = joins.filter(one => !isObject(one)).map(one => argument(one, 'graph') ?? '')
    for (const one of joins.filter(isObject)) {
      const graph = argument(one, 'graph') ?? ''
      before.set(graph, new Set([...(before.get(graph) ?? []), ...owners]))
    }
  }
  return { names, before }
}

function argument(directive: ConstDirectiveNode, name: string): string | undefined {
  const value = directive.arguments?.find(one => one.name.value === name)?.value
  return value && 'value' in value ? String(value.value) : undefined
}
