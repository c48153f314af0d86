/** `mean_delay_minutes` → `meanDelayMinutes`; names that are camelCase already stay. Characters GraphQL does not know become word breaks. */
export function camelCase(name: string): string {
  const words = name.replace(/[^A-Za-z0-9]+/g, '_').split('_').filter(Boolean)
  if (words.length === 0) return '_'
  const joined = words.map((word, index) => (index === 0 ? lowerFirstWord(word) : upperFirst(allUpper(word) ? word.toLowerCase() : word))).join('')
  return /^[0-9]/.test(joined) ? `_${joined}` : joined
}

/** `mean_delay_minutes` → `MeanDelayMinutes`. */
export function pascalCase(name: string): string {
  return upperFirst(camelCase(name).replace(/^_/, ''))
}

export function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

export function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function lowerFirstWord(word: string): string {
  return allUpper(word) ? word.toLowerCase() : lowerFirst(word)
}

function allUpper(word: string): boolean {
  return word.length > 1 && word === word.toUpperCase() && /[A-Z]/.test(word)
}

/** Known names near the one found, nearest first, at most three: those within a third of its length in edits, letter case aside. */
export function nearest(found: string, known: Iterable<string>): string[] {
  const limit = Math.max(1, Math.floor(found.length / 3))
  const ranked: { name: string; distance: number }[] = []
  for (const name of known) {
    const distance = editDistance(found.toLowerCase(), name.toLowerCase(), limit)
    if (distance <= limit) ranked.push({ name, distance })
  }
  ranked.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
  return ranked.slice(0, 3).map(({ name }) => name)
}

/** ` Did you mean "airports"?`, with its leading space, or nothing when no known name is near. */
export function didYouMean(found: string, known: Iterable<string>): string {
  const names = nearest(found, known).map(name => `"${name}"`)
  if (names.length === 0) return ''
  const last = names.pop()
  return names.length === 0 ? ` Did you mean ${last}?` : ` Did you mean ${names.join(', ')} or ${last}?`
}

/** Edits (insert, delete, replace, swap of neighbours) from a to b; anything above the limit is answered as limit + 1. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let older: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let best = Math.min(replace, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (older[j - 2] ?? 0) + 1)
      current.push(best)
    }
    older = previous
    previous = current
  }
  return previous[b.length] ?? limit + 1
}
