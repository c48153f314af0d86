import { didYouMean } from '../../../schema/names.ts'
import type { Finding } from '../finding.ts'
import { reportOn } from '../rules.ts'
import { transforms } from '../transforms/index.ts'
import type { Checked } from '../xml/check.ts'
import { proposed } from '../xml/read.ts'
import { cycleIn } from './cycle.ts'

/** One step of a run: a source, a transformation or a target. */
export interface Step {
  /** `customer_csv`, `2-sort`, `targets-1-hive`: the same for the same document. */
  readonly id: string
  readonly kind: 'source' | 'transformation' | 'target'
  readonly checked: Checked
  /** Ids of the steps whose results it reads, in the order of its attributes. */
  readonly dependsOn: readonly string[]
  /** What its result is called; a target has none. */
  readonly dataset?: string
}

interface Node extends Step {
  dependsOn: string[]
}

/**
 * The steps of a document, each behind those it depends on, and what stands against them. A name means what has it last before the step that says it, in the order of the document; a name that is
 * given further down alone (`as`) means that. Sources nobody reads are no steps.
 */
export function stepsOf(sources: readonly Checked[], transformations: readonly Checked[], targets: readonly Checked[], report: (finding: Finding) => void): readonly Step[] {
  const declared = new Map<string, Node>()
  for (const source of sources) {
    const { id } = source.values as { readonly id?: string }
    if (id === undefined) continue
    const other = declared.get(id)
    if (other) reportOn(source, report)('DUPLICATE_ID', 'id', `There is another source "${id}", in line ${other.checked.element.at.line}. Give each a name of its own.`)
    else declared.set(id, { id, kind: 'source', checked: source, dependsOn: [], dataset: id })
  }

  const nodes = transformations.map((checked, index): Node => ({ id: `${index + 1}-${checked.shape.name}`, kind: 'transformation', checked, dependsOn: [], dataset: resultOf(checked) }))
  let isWhole = true
  const later = namedLater(nodes, declared, report)
  const current = new Map(declared)
  const everyName = [...new Set([...declared.keys(), ...later.keys()])]
  const read = new Set<string>()
  const lookUp = (checked: Checked, attribute: string, wanted: string, self?: Node): Node | undefined => {
    const found = current.get(wanted) ?? later.get(wanted)
    if (found && (found !== self || later.get(wanted) === self)) return found
    isWhole = false
    reportOn(checked, report)('UNKNOWN_REFERENCE', attribute, `"${wanted}" is no dataset of this pipeline.${didYouMean(wanted, everyName) || (everyName.length === 0 ? '' : ` There are ${everyName.join(', ')}.`)}`, 'ERROR', proposed(wanted, everyName))
    return undefined
  }

  for (const node of nodes) {
    for (const { attribute, name } of readsOf(node.checked)) {
      const found = lookUp(node.checked, attribute, name, node)
      if (found) node.dependsOn.push(found.id)
    }
    for (const id of node.dependsOn) read.add(id)
    if (node.dataset !== undefined) current.set(node.dataset, node)
  }

  const ends = nodes.filter(({ id }) => !read.has(id))
  const asked = targets.map(checked => (checked.values as { readonly source?: string }).source)
  const taken = new Set(asked.flatMap(name => (name === undefined ? [] : current.get(name)?.id ?? [])))
  const written = targets.map((checked, index): Node => {
    const node: Node = { id: `target-${index + 1}-${checked.shape.name}`, kind: 'target', checked, dependsOn: [] }
    const name = asked[index]
    // Where a step reads what there is not, more is open than is meant.
    if (name === undefined && !isWhole) return node
    const found = name === undefined ? lastOf(checked, nodes.length === 0 ? [...declared.values()] : ends.filter(({ id }) => ends.length === 1 || !taken.has(id)), report) : lookUp(checked, 'source', name)
    if (found) node.dependsOn.push(found.id)
    return node
  })

  const all = new Map([...declared.values(), ...nodes, ...written].map(node => [node.id, node]))
  const cycle = cycleIn(nodes, ({ dependsOn }) => dependsOn.flatMap(id => all.get(id) ?? []))
  if (cycle) {
    const [first] = cycle as [Node]
    reportOn(first.checked, report)('CYCLE', 'as', `These steps wait for each other: ${[...cycle, first].map(({ checked, dataset }) => `<${checked.shape.name}> of line ${checked.element.at.line} ("${dataset}")`).join(' needs ')}.`)
    return []
  }
  return sorted([...nodes, ...written], all)
}

/** The datasets an element says it reads. */
function readsOf({ shape, values }: Checked): { readonly attribute: string; readonly name: string }[] {
  const { reads = [] } = transforms.find(transform => transform.shape === shape) ?? {}
  return reads.flatMap(attribute => {
    const given = (values as Readonly<Record<string, string | readonly string[] | undefined>>)[attribute]
    return given === undefined ? [] : (typeof given === 'string' ? [given] : given).map(name => ({ attribute, name }))
  })
}

function resultOf(checked: Checked): string | undefined {
  const { as } = checked.values as { readonly as?: string }
  return as ?? readsOf(checked)[0]?.name
}

/** Steps by the name that only they give, wherever they stand. */
function namedLater(nodes: readonly Node[], declared: ReadonlyMap<string, Node>, report: (finding: Finding) => void): ReadonlyMap<string, Node> {
  const found = new Map<string, Node>()
  for (const node of nodes) {
    const { as } = node.checked.values as { readonly as?: string }
    if (as === undefined) continue
    const other = declared.get(as) ?? found.get(as)
    if (other) reportOn(node.checked, report)('DUPLICATE_ID', 'as', `"${as}" is the name of <${other.checked.shape.name}> in line ${other.checked.element.at.line} already. Give the result another, or none, to take the place of what it was made of.`)
    else found.set(as, node)
  }
  return found
}

/** What a target writes that does not say it: the one thing nobody goes on with. */
function lastOf(checked: Checked, open: readonly Node[], report: (finding: Finding) => void): Node | undefined {
  const [only, ...more] = open
  if (only && more.length === 0) return only
  const names = open.map(({ dataset }) => `"${dataset}"`)
  if (open.length > 0) reportOn(checked, report)('AMBIGUOUS', 'source', `${names.slice(0, -1).join(', ')} and ${names.at(-1)} could be written here, for nothing goes on with them. Say which by "source".`)
  return undefined
}

/** Each behind what it needs, else in the order of the document. */
function sorted(wanted: readonly Node[], all: ReadonlyMap<string, Node>): readonly Step[] {
  const found = new Set<Node>()
  const add = (node: Node) => {
    if (found.has(node)) return
    for (const id of node.dependsOn) {
      const needed = all.get(id)
      if (needed) add(needed)
    }
    found.add(node)
  }
  for (const node of wanted) add(node)
  return [...found]
}
