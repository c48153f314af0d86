/** What a source's query, in whatever dialect its database has, says of itself. */
export interface QueryText {
  /** Names behind `:`, each once, in the order of the text. */
  readonly parameters: readonly string[]
  /** Why it is not one reading statement. A sentence. */
  readonly why?: string
}

/**
 * What stands in quotes of any dialect, comments, casts (`::type`), parameters, and ends of statements. Text in quotes may hold the quote twice; a backslash before one is read as MySQL reads it where that ends the text, too.
 */
const token = /'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]\n]*\]|--[^\n]*|\/\*[\s\S]*?\*\/|::|:([A-Za-z_][A-Za-z0-9_]*)|;|[A-Za-z_]+/g

/** Whether queries of the database are in MySQL's dialect: a name stands in backticks, and what is in double quotes is a text. */
export function isMysql(jdbcUrl: string): boolean {
  return /^jdbc:(mysql|mariadb):/.test(jdbcUrl)
}

/** A query cut at its parameters: one text more than there are names. What ends it is cut off. */
export function cutQuery(sql: string): { readonly texts: readonly string[]; readonly names: readonly string[] } {
  const texts: string[] = []
  const names: string[] = []
  let from = 0
  for (const { 0: found, 1: parameter, index } of sql.matchAll(token)) {
    if (parameter === undefined && found !== ';') continue
    texts.push(sql.slice(from, index))
    from = index + found.length
    if (parameter === undefined) return { texts, names }
    names.push(parameter)
  }
  return { texts: [...texts, sql.slice(from)], names }
}

/** Looks through a query without knowing its dialect: first word, end, parameters. */
export function readQuery(sql: string): QueryText {
  const parameters: string[] = []
  let firstWord: string | undefined
  let ended = false
  let followed = false
  for (const { 0: found, 1: parameter } of sql.matchAll(token)) {
    if (found.startsWith('--') || found.startsWith('/*')) continue
    if (ended) followed = true
    if (found === ';') ended = true
    else if (parameter !== undefined && !parameters.includes(parameter)) parameters.push(parameter)
    else if (firstWord === undefined && /^[A-Za-z]/.test(found)) firstWord = found.toUpperCase()
  }
  const isReading = firstWord === 'SELECT' || firstWord === 'WITH'
  if (!isReading) return { parameters, why: `The query begins with ${firstWord === undefined ? 'no word' : `"${firstWord}"`}; a SELECT, or WITH and a SELECT, is expected.` }
  return followed ? { parameters, why: 'Behind the ";" of the query another statement follows; one SELECT is expected.' } : { parameters }
}
