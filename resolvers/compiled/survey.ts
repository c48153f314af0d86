import { Kind, type DocumentNode, type SelectionNode, type SelectionSetNode } from 'graphql'

export interface Survey {
  /** Variables on which it depends what is selected. */
  readonly conditions: readonly string[]
  /** An answer is nested no deeper, nor are the selections that lead there. */
  readonly depth: number
}

/** Looks at each selection of the document once, however deep it stands. A fragment never leads to itself, so that their depths add up at most once. */
export function survey(document: DocumentNode): Survey {
  const conditions = new Set<string>()
  let depth = 0
  for (const definition of document.definitions) if ('selectionSet' in definition) depth += depthOf(definition.selectionSet, conditions)
  return { conditions: [...conditions], depth }
}

function depthOf(selections: SelectionSetNode, conditions: Set<string>): number {
  let deepest = 0
  const open: (readonly [SelectionNode, number])[] = selections.selections.map(node => [node, 1])
  for (let next = open.pop(); next; next = open.pop()) {
    const [node, depth] = next
    deepest = Math.max(deepest, depth)
    noteConditions(node, conditions)
    if ('selectionSet' in node && node.selectionSet) for (const below of node.selectionSet.selections) open.push([below, depth + 1])
  }
  return deepest
}

function noteConditions({ directives = [] }: SelectionNode, conditions: Set<string>): void {
  for (const { name, arguments: args = [] } of directives) {
    if (name.value !== 'skip' && name.value !== 'include') continue
    for (const { value } of args) if (value.kind === Kind.VARIABLE) conditions.add(value.name.value)
  }
}
