export type Path = readonly (string | number)[]

/** What went wrong, noted at the objects of the data it concerns: where those stand in the answer, and how often, is known when the answer is projected. */
export class Failures {
  readonly all = new Set<unknown>()
  readonly #reported = new Map<object, { readonly path: Path; readonly error: unknown }[]>()
  readonly #missing = new Map<object, { readonly keys: { has(key: string): boolean }; readonly error: unknown }[]>()

  /** A subgraph reported an error at this path below the object. */
  report(object: object, path: Path, error: unknown): void {
    this.all.add(error)
    append(this.#reported, object, { path, error })
  }

  /** The fetch that was to fill these keys of the object did not happen. */
  miss(object: object, keys: { has(key: string): boolean }, error: unknown): void {
    this.all.add(error)
    append(this.#missing, object, { keys, error })
  }

  reportedAt(object: object): readonly { readonly path: Path; readonly error: unknown }[] {
    return this.#reported.get(object) ?? []
  }

  /** Why the object lacks the key; undefined where no fetch failed. */
  reasonFor(object: object, key: string): unknown {
    return this.#missing.get(object)?.find(({ keys }) => keys.has(key))?.error
  }
}

function append<T>(lists: Map<object, T[]>, object: object, item: T): void {
  const list = lists.get(object)
  if (list) list.push(item)
  else lists.set(object, [item])
}
