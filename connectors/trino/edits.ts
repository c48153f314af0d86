import type { Position } from '../statements/ast.ts'

/** Puts `text` where `start` to `end` stood, in characters (code points). */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** A text with some places written anew, which knows where each of its own places was before. */
export class EditedText {
  readonly text: string
  readonly #before: readonly string[]
  readonly #edits: readonly Edit[]

  /** Edits do not overlap; what is put at one place stands in the order given, before what is replaced there. */
  constructor(before: string, edits: readonly Edit[]) {
    this.#before = [...before]
    this.#edits = edits.toSorted((a, b) => a.start - b.start || a.end - b.end)
    let at = 0
    const parts: string[] = []
    for (const { start, end, text } of this.#edits) {
      parts.push(...this.#before.slice(at, start), text)
      at = end
    }
    this.text = [...parts, ...this.#before.slice(at)].join('')
  }

  /** Where a place of the edited text was; for what an edit brought, where the edit is. */
  original(position: Position): Position {
    return positionAt(this.#before, this.#unshifted(offsetAt([...this.text], position)))
  }

  #unshifted(offset: number): number {
    let grown = 0
    for (const { start, end, text } of this.#edits) {
      const size = [...text].length
      if (offset < start + grown) break
      if (offset < start + grown + size) return start
      grown += size - (end - start)
    }
    return offset - grown
  }
}

function offsetAt(chars: readonly string[], { line, column }: Position): number {
  let offset = 0
  for (let left = line - 1; left > 0 && offset < chars.length; offset++) if (chars[offset] === '\n') left--
  return Math.min(offset + column - 1, chars.length)
}

function positionAt(chars: readonly string[], offset: number): Position {
  const before = chars.slice(0, offset)
  return { line: before.filter(char => char === '\n').length + 1, column: offset - before.lastIndexOf('\n') }
}

/** Where a 1-based place is, in characters. */
export function offsetOf(text: string, position: Position): number {
  return offsetAt([...text], position)
}
