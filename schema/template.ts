/** A text with placeholders `{name}`, taken apart: `texts` has one member more than `names`, and the two alternate. */
export interface Template {
  readonly texts: readonly string[]
  readonly names: readonly string[]
}

export interface TemplateMistake {
  readonly message: string
  /** 1-based, in characters. */
  readonly line: number
  readonly column: number
}

export interface ParsedTemplate {
  readonly template: Template
  readonly mistakes: readonly TemplateMistake[]
}

/** A name a placeholder may have: also that of an argument in the graph. */
const parameterName = /^(?!__)[A-Za-z_][A-Za-z0-9_]{0,62}$/
const longestTemplate = 100_000

/** Text in quotes, quoted name, comment, doubled brace, placeholder, or one character. */
const sqlPieces = /'(?:[^']|'')*'?|"(?:[^"]|"")*"?|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\{\{|\}\}|\{[^{}'"]*\}|[\s\S]/gu
const plainPieces = /\{\{|\}\}|\{[^{}]*\}|[\s\S]/gu

/**
 * A statement with placeholders: `{token}` and `'{token}'` stand for one bound value each, and the quotes go. `{{` and `}}` are braces. What stands in a placeholder's place
 * keeps its length in the texts, so that with one `?` for each the statement has every other word where it was written.
 */
export function parseStatementTemplate(text: string): ParsedTemplate {
  const reader = new Reader(text)
  if (text.length > longestTemplate) {
    reader.mistake(0, `The statement has ${text.length} characters; at most ${longestTemplate} are taken`)
    return reader.done()
  }
  for (const { 0: piece, index } of text.matchAll(sqlPieces)) {
    if (piece.startsWith("'")) reader.quotedText(piece, index)
    else if (piece.startsWith('"') && /[{}]/.test(piece)) reader.mistake(index, `A placeholder stands in the name ${piece.slice(0, 80)}; it is a bound value and cannot name a table or column`)
    else if (piece === '?') reader.mistake(index, 'The mark ? has no name; write a parameter as {name}')
    else if (/^(--|\/\*)/.test(piece)) reader.text(piece)
    else reader.piece(piece, index, 1)
  }
  return reader.done()
}

/** Where the mark of a name stands in the statement with marks: 1-based line and column, in characters. */
export function markPlace({ texts }: Template, index: number): { line: number; column: number } {
  const before = [...texts.slice(0, index + 1).join('?')]
  return { line: before.filter(char => char === '\n').length + 1, column: before.length - before.lastIndexOf('\n') }
}

/** A pattern such as `session:{token}`. `{{` and `}}` are braces. */
export function parsePattern(text: string): ParsedTemplate {
  const reader = new Reader(text)
  for (const { 0: piece, index } of text.matchAll(plainPieces)) reader.piece(piece, index, 0)
  return reader.done()
}

class Reader {
  readonly #written: string
  readonly #texts = ['']
  readonly #names: string[] = []
  readonly #mistakes: TemplateMistake[] = []

  constructor(written: string) {
    this.#written = written
  }

  text(text: string): void {
    this.#texts[this.#texts.length - 1] += text
  }

  /** `mark` is the length of what will stand for the placeholder; blanks make up the rest of what was written, none where it is 0. */
  piece(piece: string, index: number, mark: number): void {
    if (piece === '{{' || piece === '}}') this.text(piece.slice(1))
    else if (piece.startsWith('{') && piece.endsWith('}') && piece.length > 1) this.#placeholder(piece.slice(1, -1), index, piece.length, mark)
    else if (piece === '{') this.mistake(index, 'The brace { is not closed; a placeholder is {name}, and {{ is a brace')
    else if (piece === '}') this.mistake(index, 'The brace } was not opened; a placeholder is {name}, and }} is a brace')
    else this.text(piece)
  }

  /** A text in quotes: a placeholder alone, or a constant. */
  quotedText(piece: string, index: number): void {
    const inner = piece.slice(1, -1)
    if (piece.length < 2 || !piece.endsWith("'")) this.mistake(index, 'The text that begins here has no closing quote')
    else if (/^\{[^{}']*\}$/.test(inner)) this.#placeholder(inner.slice(1, -1), index, piece.length, 1)
    else this.#constant(inner, index, piece.length)
  }

  #constant(inner: string, index: number, length: number): void {
    const rest = new Reader(this.#written)
    for (const { 0: part, index: at } of inner.matchAll(plainPieces)) {
      if (/^\{.+\}$/.test(part)) this.mistake(index + 1 + at, `The placeholder ${part.slice(0, 80)} stands inside of a longer text. Join the two: 'text' || ${part.slice(0, 80)}`)
      else rest.piece(part, index + 1 + at, 0)
    }
    this.#mistakes.push(...rest.#mistakes)
    this.text(`'${rest.#texts.join('')}'`.padEnd(length))
  }

  mistake(index: number, message: string): void {
    const before = [...this.#written.slice(0, index)]
    const line = before.filter(char => char === '\n').length + 1
    const column = before.length - before.lastIndexOf('\n')
    this.#mistakes.push({ message: `${message} (line ${line}, column ${column}).`, line, column })
  }

  done(): ParsedTemplate {
    return { template: { texts: this.#texts, names: this.#names }, mistakes: this.#mistakes }
  }

  #placeholder(name: string, index: number, length: number, mark: number): void {
    const isDotted = this.#written.slice(0, index).trimEnd().endsWith('.') || this.#written.slice(index + length).trimStart().startsWith('.')
    if (!parameterName.test(name)) this.mistake(index, `"{${name.slice(0, 80)}}" is not a placeholder: its name is letters, digits and "_", the first no digit, at most 63`)
    else if (mark > 0 && isDotted) this.mistake(index, `The placeholder {${name}} is part of the name of a table or column; it is a bound value and cannot name one`)
    else {
      this.#names.push(name)
      this.#texts.push(mark === 0 ? '' : ' '.repeat(length - mark))
    }
  }
}
