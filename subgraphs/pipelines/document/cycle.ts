/** Things each of which needs the next, and the last the first, if there are such; beginning with the one that is met first. */
export function cycleIn<T>(all: Iterable<T>, needs: (one: T) => readonly T[]): readonly T[] | undefined {
  const done = new Set<T>()
  const path: T[] = []
  const visit = (one: T): readonly T[] | undefined => {
    if (path.includes(one)) return path.slice(path.indexOf(one))
    if (done.has(one)) return undefined
    path.push(one)
    for (const next of needs(one)) {
      const found = visit(next)
      if (found) return found
    }
    path.pop()
    done.add(one)
    return undefined
  }
  for (const one of all) {
    const found = visit(one)
    if (found) return found
  }
  return undefined
}
