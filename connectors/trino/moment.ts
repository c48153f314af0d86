import type { Edit } from './edits.ts'
import type { Token } from './tokens.ts'

/** What a word of the moment stands for, and its type with another number of digits behind the seconds. */
interface Word {
  readonly literal: (date: string, clock: string) => string
  readonly type?: (digits: string) => string
}

const timestamp: Word = { literal: (date, clock) => `TIMESTAMP '${date} ${clock} UTC'`, type: digits => `timestamp(${digits}) with time zone` }

/** Words that Trino keeps for itself, so that none is the name of a column. */
const words: Readonly<Record<string, Word>> = {
  current_timestamp: timestamp,
  current_date: { literal: date => `DATE '${date}'` },
  current_time: { literal: (_date, clock) => `TIME '${clock} +00:00'`, type: digits => `time(${digits}) with time zone` },
  localtimestamp: { literal: (date, clock) => `TIMESTAMP '${date} ${clock}'`, type: digits => `timestamp(${digits})` },
  localtime: { literal: (_date, clock) => `TIME '${clock}'`, type: digits => `time(${digits})` },
}

/** Puts a moment, to the millisecond and in UTC, where a statement asks for the one it begins at: Trino's own cannot be set. */
export function momentEdits(tokens: readonly Token[], momentMs: number): Edit[] {
  const [date = '', clock = ''] = new Date(momentMs).toISOString().slice(0, -1).split('T')
  return tokens.flatMap((token, index): Edit[] => {
    if (token.kind !== 'name' || tokens[index - 1]?.text === '.') return []
    const name = token.text.toLowerCase()
    const [open, inner, close] = tokens.slice(index + 1, index + 4)
    if (name === 'now') return open?.text === '(' && inner?.text === ')' ? [{ start: token.start, end: inner.end, text: timestamp.literal(date, clock) }] : []
    const word = Object.hasOwn(words, name) ? words[name] : undefined
    if (!word) return []
    const literal = word.literal(date, clock)
    if (!word.type || open?.text !== '(' || inner?.kind !== 'number' || close?.text !== ')') return [{ start: token.start, end: token.end, text: literal }]
    return [{ start: token.start, end: close.end, text: `CAST(${literal} AS ${word.type(inner.text)})` }]
  })
}
