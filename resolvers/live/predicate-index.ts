import type { Filter } from '../../schema/filter.ts'
import type { Column, Row, Value } from '../../schema/values.ts'
import { accessTo } from './access.ts'
import { canonical } from './canonical.ts'
import { conditionOf, type Condition } from './condition.ts'
import { RangeList, type Bound } from './range-list.ts'
import { constantsOf, Shapes, type Shape } from './shape.ts'

/** A group whose rows a change touches, as its members see it: `before` the row they had, `after` the row they have now, null where there is none that passes. */
export interface Hit<Member> {
  readonly members: ReadonlySet<Member>
  readonly before: Row | null
  readonly after: Row | null
  /** The filter could not compare what the rows hold: it throws, and whether they pass is not known. */
  readonly failed: boolean
}

/** A node keeps up to this many groups in a plain list; above, it files them by a column. */
const splitAt = 24

/**
 * Finds, among many filters over the rows of one region and tenant, those that pass a row before or after its change, without testing them all.
 * A group is filed under values or ranges of which every passing row has one; a crowded value becomes a node that files by the next column. The index may offer a group too much,
 * never one too few; the filter itself decides.
 */
export class PredicateIndex<Member> {
  readonly #shapes = new Shapes()
  readonly #root = new Node<Member>(undefined, new Set())
  readonly #groups = new Map<string, Group<Member>>()
  #round = 0

  /** Groups, that is unequal filters. */
  get size(): number {
    return this.#groups.size
  }

  *members(): Iterable<Member> {
    for (const group of this.#groups.values()) yield* group.members
  }

  /** Adds a member; the answer removes it again. `columns` are the rows' as of now; a filter by another → BAD_USER_INPUT. */
  add(filter: Filter | undefined, columns: readonly Column[], member: Member): () => void {
    const text = canonical(filter)
    let group = this.#groups.get(text)
    if (!group) {
      const condition = conditionOf(filter ?? { and: [] }, columns)
      group = new Group(condition, this.#shapes.of(condition))
      this.#groups.set(text, group)
      this.#root.file(group)
    }
    const filed = group
    filed.members.add(member)
    return () => {
      if (!filed.members.delete(member) || filed.members.size > 0) return
      for (const node of [...filed.nodes]) node.remove(filed)
      this.#groups.delete(text)
    }
  }

  /** The groups that pass the row before or after the change, each once. The list stays as it is when members are added or removed afterwards. */
  match(before: Row | null, after: Row | null): readonly Hit<Member>[] {
    this.#round += 1
    const hits: Hit<Member>[] = []
    this.#root.visit(before, after, group => {
      if (group.round === this.#round) return
      group.round = this.#round
      const { members } = group
      try {
        const passedBefore = before !== null && group.passes(before)
        const passesAfter = after !== null && (before !== null && !group.concerns(before, after) ? passedBefore : group.passes(after))
        if (passedBefore || passesAfter) hits.push({ members, before: passedBefore ? before : null, after: passesAfter ? after : null, failed: false })
      } catch {
        hits.push({ members, before: null, after: null, failed: true })
      }
    })
    return hits
  }
}

/** Members with equal filters: tested once per change, told together. */
class Group<Member> {
  readonly condition: Condition
  readonly #shape: Shape
  readonly #constants: readonly unknown[]
  readonly members = new Set<Member>()
  /** Every node that lists it. */
  nodes: readonly Node<Member>[] = []
  /** The change it was last tested for. */
  round = 0

  constructor(condition: Condition, shape: Shape) {
    this.condition = condition
    this.#shape = shape
    this.#constants = constantsOf(condition)
  }

  passes(row: Row): boolean {
    return this.#shape.test(row, this.#constants)
  }

  /** Whether the rows differ in a column the condition reads. */
  concerns(before: Row, after: Row): boolean {
    for (const column of this.#shape.columns) if (before[column] !== after[column]) return true
    return false
  }
}

interface Parent<Member> {
  readonly node: Node<Member>
  readonly column: string
  readonly value: Value
}

class Node<Member> {
  readonly #parent: Parent<Member> | undefined
  /** Columns whose value is settled on the way here. */
  readonly #settled: ReadonlySet<string>
  readonly #listed = new Set<Group<Member>>()
  readonly #columns = new Map<string, Map<Value, Node<Member>>>()
  readonly #ranges = new Map<string, RangeList<Group<Member>>>()
  #split = false

  constructor(parent: Parent<Member> | undefined, settled: ReadonlySet<string>) {
    this.#parent = parent
    this.#settled = settled
  }

  file(group: Group<Member>): void {
    if (this.#split) {
      this.#descend(group)
      return
    }
    this.#list(group)
    if (this.#listed.size <= splitAt) return
    this.#split = true
    for (const listed of [...this.#listed]) {
      this.#unlist(listed)
      this.#descend(listed)
    }
  }

  remove(group: Group<Member>): void {
    this.#unlist(group)
    for (const [column, ranges] of this.#ranges) {
      ranges.remove(group)
      if (ranges.size === 0) this.#ranges.delete(column)
    }
    this.#prune()
  }

  visit(before: Row | null, after: Row | null, offer: (group: Group<Member>) => void): void {
    for (const group of this.#listed) offer(group)
    for (const [column, ranges] of this.#ranges) {
      const was = before?.[column] ?? null
      const is = after?.[column] ?? null
      if (was !== null) ranges.visit(was as Bound, offer)
      if (is !== null && is !== was) ranges.visit(is as Bound, offer)
    }
    for (const [column, nodes] of this.#columns) {
      const was = before ? (before[column] ?? null) : undefined
      const is = after ? (after[column] ?? null) : undefined
      if (was === is) {
        if (is !== undefined) nodes.get(is)?.visit(before, after, offer)
        continue
      }
      // A side goes only where its own value leads: a group that passes it is filed there.
      if (was !== undefined) nodes.get(was)?.visit(before, null, offer)
      if (is !== undefined) nodes.get(is)?.visit(null, after, offer)
    }
  }

  /** How crowded it is: groups listed here, and values and ranges filed by. */
  get weight(): number {
    let weight = this.#listed.size
    for (const nodes of this.#columns.values()) weight += nodes.size
    for (const ranges of this.#ranges.values()) weight += ranges.size
    return weight
  }

  /** Into the nodes of the keys that are least crowded now; else under ranges, else into this node's own list. */
  #descend(group: Group<Member>): void {
    const filings = accessTo(group.condition, ({ column, value }) => (this.#settled.has(column) ? Infinity : 1 + (this.#columns.get(column)?.get(value)?.weight ?? 0)))
    if (!filings) {
      this.#list(group)
      return
    }
    for (const filing of filings) {
      if ('value' in filing) this.#child(filing.column, filing.value).file(group)
      else this.#under(filing.column, filing.low, filing.high, group)
    }
  }

  #under(column: string, low: Bound | undefined, high: Bound | undefined, group: Group<Member>): void {
    let ranges = this.#ranges.get(column)
    if (!ranges) {
      ranges = new RangeList()
      this.#ranges.set(column, ranges)
    }
    ranges.add(low, high, group)
    group.nodes = [...group.nodes, this]
  }

  #child(column: string, value: Value): Node<Member> {
    let nodes = this.#columns.get(column)
    if (!nodes) {
      nodes = new Map()
      this.#columns.set(column, nodes)
    }
    let child = nodes.get(value)
    if (!child) {
      child = new Node({ node: this, column, value }, new Set([...this.#settled, column]))
      nodes.set(value, child)
    }
    return child
  }

  #list(group: Group<Member>): void {
    this.#listed.add(group)
    group.nodes = [...group.nodes, this]
  }

  #unlist(group: Group<Member>): void {
    this.#listed.delete(group)
    group.nodes = group.nodes.filter(node => node !== this)
  }

  #prune(): void {
    if (this.weight > 0 || !this.#parent) return
    const { node, column, value } = this.#parent
    const nodes = node.#columns.get(column)
    nodes?.delete(value)
    if (nodes?.size === 0) node.#columns.delete(column)
    node.#prune()
  }
}
