/** A piece of a statement that means something; places count characters (code points) from 0. */
export interface Token {
  readonly kind: 'name' | 'quoted' | 'string' | 'number' | 'mark'
  readonly text: string
  readonly start: number
  readonly end: number
}

/** Names joined by points: `lake.flights.origin`. */
export interface Chain {
  /** As written, quoted ones without their quotes. */
  readonly names: readonly string[]
  /** Where each name ends. */
  readonly ends: readonly number[]
  readonly start: number
  /** The mark behind it, if there is one. */
  readonly next: Token | undefined
}

const pieces = /(?<space>\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<string>(?:[xX]|[uU]&)?'(?:[^']|'')*'?)|(?<quoted>"(?:[^"]|"")*"?)|(?<name>[\p{L}_@][\p{L}\p{M}\p{N}_@$:]*)|(?<number>\d[\w.]*|\.\d\w*)|(?<mark>[\s\S])/gu

/** The statement's tokens, without blanks and comments. */
export function tokensOf(sql: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  for (const { 0: text, groups } of sql.matchAll(pieces)) {
    const start = at
    at += [...text].length
    const kind = (['name', 'quoted', 'string', 'number', 'mark'] as const).find(one => groups?.[one] !== undefined)
    if (kind !== undefined) tokens.push({ kind, text, start, end: at })
  }
  return tokens
}

export function chainsOf(tokens: readonly Token[]): readonly Chain[] {
  const chains: Chain[] = []
  const isName = (token: Token | undefined) => token?.kind === 'name' || token?.kind === 'quoted'
  for (let index = 0; index < tokens.length; index++) {
    const first = tokens[index]
    if (first === undefined || !isName(first) || tokens[index - 1]?.text === '.') continue
    const parts = [first]
    while (tokens[index + 1]?.text === '.' && isName(tokens[index + 2])) {
      index += 2
      const part = tokens[index]
      if (part) parts.push(part)
    }
    chains.push({ names: parts.map(nameOf), ends: parts.map(part => part.end), start: first.start, next: tokens[index + 1] })
  }
  return chains
}

function nameOf({ kind, text }: Token): string {
  return kind === 'quoted' ? text.slice(1, -1).replaceAll('""', '"') : text
}

const literalTypes = new Set(['bigint', 'integer', 'int', 'smallint', 'tinyint', 'real', 'double', 'decimal', 'char', 'varchar', 'boolean', 'json', 'uuid', 'ipaddress'])

/**
 * The statement as the hub's parser can read it, every character that is left at its place: it does not know literals with their type before them, `BIGINT '5'`, nor texts that begin
 * with a quote. For places and names only; what Trino is sent keeps both.
 */
export function readable(sql: string): string {
  const chars = [...sql]
  const tokens = tokensOf(sql)
  tokens.forEach((token, index) => {
    if (token.kind === 'string' && token.text.startsWith("'''")) chars.fill('x', token.start + 1, token.end - 1)
    if (token.kind === 'name' && literalTypes.has(token.text.toLowerCase()) && tokens[index + 1]?.kind === 'string') chars.fill(' ', token.start, token.end)
  })
  return chars.join('')
}
