import { GraphQLError, validate, ValuesOfCorrectTypeRule, visit, type ASTNode, type DocumentNode, type ExecutionResult, type GraphQLSchema } from 'graphql'

/**
 * The result, with what was expected in place of a literal that a scalar did not take. Execution says only which argument it was; the graph clients see has scalars that
 * take anything, so that validation before it says nothing.
 */
export function withExpectations<Result extends Pick<ExecutionResult, 'errors'>>(schema: GraphQLSchema, document: DocumentNode, result: Result): Result {
  if (!result.errors?.some(isOfLiteral)) return result
  const found = validate(schema, document, [ValuesOfCorrectTypeRule])
  return { ...result, errors: result.errors.map(error => (isOfLiteral(error) ? expected(error, found) : error)) }
}

function isOfLiteral({ message, nodes }: GraphQLError): boolean {
  return nodes?.length === 1 && /^Argument "\w+" has invalid value /.test(message)
}

function expected(error: GraphQLError, found: readonly GraphQLError[]): GraphQLError {
  const inside = new Set<ASTNode>()
  for (const node of error.nodes ?? []) visit(node, { enter: each => void inside.add(each) })
  const reason = found.find(({ nodes }) => nodes?.some(node => inside.has(node)))
  if (!reason) return error
  return new GraphQLError(`${error.message.replace(/\.$/, '')}: ${reason.message}`, { nodes: error.nodes, path: error.path, extensions: reason.extensions })
}
