import { Kind, type FieldNode, type SelectionSetNode } from 'graphql'
import type { Canonical } from './canonical.ts'

/** A path of keys in the data as the client named it: `k1_airports`, `nodes` → `air.nodes`. What the client did not ask for keeps its key. */
export function clientPath(form: Canonical, keys: readonly string[]): string {
  const path: string[] = []
  let selections: readonly (SelectionSetNode | undefined)[] = [form.operation.selectionSet]
  for (const key of keys) {
    const fields = [...fieldsOf(form, selections)]
    const byKey = fields.filter(node => form.keyOf.get(node) === key)
    // A resolver may name the field rather than the key it was asked under.
    const found = byKey.length > 0 ? byKey : fields.filter(node => node.name.value === key)
    const [first] = found
    path.push(first ? first.alias?.value ?? first.name.value : key)
    selections = found.map(node => node.selectionSet)
  }
  return path.join('.')
}

function* fieldsOf(form: Canonical, selections: readonly (SelectionSetNode | undefined)[]): Generator<FieldNode> {
  for (const set of selections) {
    for (const node of set?.selections ?? []) {
      if (node.kind === Kind.FIELD) yield node
      else yield* fieldsOf(form, [node.kind === Kind.INLINE_FRAGMENT ? node.selectionSet : form.fragments.get(node.name.value)?.selectionSet])
    }
  }
}
