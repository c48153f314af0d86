import type { ASTNode, FieldNode, GraphQLError } from 'graphql'
import { graphqlError } from './errors.ts'
import type { Path } from './failures.ts'

/** Errors of one answer, at most `limit`: what would be told further on is left out, the data is null there all the same. */
export class ErrorList {
  readonly list: GraphQLError[] = []
  /** Whether a null was carried up: what failed below it need not be told. */
  isCut = false
  readonly #limit: number
  readonly #covered = new Set<string>()
  readonly #told = new Set<unknown>()
  readonly #hidden: { readonly failure: unknown; readonly path: Path; readonly nodes: readonly FieldNode[] }[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether an error at the path or below it is known: then a null there needs no other. */
  covers(path: Path): boolean {
    return this.#covered.has(path.join('.'))
  }

  tell(failure: unknown, path: Path, nodes: readonly ASTNode[]): void {
    this.#told.add(failure)
    this.#cover(path)
    if (this.list.length < this.#limit) this.list.push(graphqlError(failure, { path: path.length > 0 ? path : undefined, nodes: nodes.length > 0 ? nodes : undefined }))
  }

  /** A failure at what the client did not ask for; `path` is the nearest place it did. Told at the end unless it shows up somewhere else. */
  hide(failure: unknown, path: Path, nodes: readonly FieldNode[]): void {
    this.#hidden.push({ failure, path, nodes })
    this.#cover(path)
  }

  /** Tells what was not told yet: first what has a place. */
  finish(all: Iterable<unknown>): void {
    for (const { failure, path, nodes } of this.#hidden) if (!this.#told.has(failure)) this.tell(failure, path, nodes)
    if (this.isCut) return
    for (const failure of all) if (!this.#told.has(failure)) this.tell(failure, [], [])
  }

  #cover(path: Path): void {
    for (let length = path.length; length > 0; length--) {
      const text = path.slice(0, length).join('.')
      if (this.#covered.has(text)) return
      this.#covered.add(text)
    }
  }
}
