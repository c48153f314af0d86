import { GraphQLBoolean, GraphQLDirective, GraphQLString, GraphQLNonNull, getDirectiveValues, DirectiveLocation, Kind, visit, type DocumentNode, type SelectionNode } from 'graphql'
import { HubError } from '../../../schema/errors.ts'

/** GraphQL over incremental delivery, the draft that clients know as deferSpec=20220824. */
export const deferDirective = new GraphQLDirective({
  name: 'defer',
  description: 'The answer may come without what the fragment asks for, which then follows. Only clients that take an answer in parts get it so.',
  locations: [DirectiveLocation.FRAGMENT_SPREAD, DirectiveLocation.INLINE_FRAGMENT],
  args: {
    if: { type: new GraphQLNonNull(GraphQLBoolean), defaultValue: true, description: 'Whether it is deferred.' },
    label: { type: GraphQLString, description: 'Names the part; no two of a document are alike.' },
  },
})

/** Whether any of the text may say it; most do not, and nobody looks further. */
export const saysDefer = /@\s*defer\b/

/** What the node says, with coerced variables; undefined where nothing is deferred. */
export function deferOf(node: SelectionNode, variables: Record<string, unknown>): { readonly label: string | undefined } | undefined {
  if (!node.directives?.some(({ name }) => name.value === 'defer')) return undefined
  const { if: isDeferred, label } = getDirectiveValues(deferDirective, node, variables) ?? {}
  return isDeferred === true ? { label: typeof label === 'string' ? label : undefined } : undefined
}

const judged = new WeakSet<DocumentNode>()

/** Labels are texts of the document, each of one fragment: clients find the parts by them. Others → BAD_USER_INPUT. */
export function checkLabels(document: DocumentNode): void {
  if (judged.has(document)) return
  const labels = new Set<string>()
  visit(document, {
    Directive(node) {
      const value = node.name.value === 'defer' ? node.arguments?.find(({ name }) => name.value === 'label')?.value : undefined
      if (!value || value.kind === Kind.NULL) return
      if (value.kind !== Kind.STRING) throw new HubError('BAD_USER_INPUT', 'The label of @defer has to be a text written in the document.', { field: '@defer(label:)' })
      if (labels.has(value.value)) throw new HubError('BAD_USER_INPUT', `Two parts have the label "${value.value}". Give each its own.`, { field: '@defer(label:)' })
      labels.add(value.value)
    },
  })
  judged.add(document)
}
