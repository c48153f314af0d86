import type { Form } from './form.ts'
import { textWriter } from './leaf.ts'
import { Box, Waiting } from './waiting.ts'

/** The answer as JSON text, as JSON.stringify writes it. */
export const textForm: Form = {
  name: 'text',
  nothing: 'null',
  leaf: textWriter,

  object: fields => {
    const labels = labelsOf(fields)
    return (x, source, path, from, begun, given) => {
      let text = (begun ?? '') as string
      let part = given
      let box: TextBox | undefined
      try {
        for (let index = from; index < fields.length; index++, part = undefined) {
          if (part === undefined) part = fields[index]!.part(x, source, path)
          text += labels[index]!
          if (part instanceof Waiting) {
            box ??= new TextBox(x)
            box.hold(text, part)
            text = ''
          } else text += part as string
        }
      } catch (error) {
        if (!box) throw error
        return box.failing(error)
      }
      text += fields.length === 0 ? '{}' : '}'
      return box ? box.close(text) : text
    }
  },

  whole: (fields, parts) => (fields.length === 0 ? '{}' : `${labelsOf(fields).map((label, index) => label + String(parts[index])).join('')}}`),

  list: items => (x, values, path) => {
    let text = '['
    let index = 0
    let box: TextBox | undefined
    try {
      for (const value of values) {
        const part = items.part(x, value, path, index)
        if (index++ > 0) text += ','
        if (part instanceof Waiting) {
          box ??= new TextBox(x)
          box.hold(text, part)
          text = ''
        } else text += part as string
      }
    } catch (error) {
      box?.abandon()
      throw error
    }
    return box ? box.close(`${text}]`) : `${text}]`
  },
}

/** What stands before each field's value. */
export function labelsOf(fields: readonly { readonly key: string }[]): string[] {
  return fields.map(({ key }, index) => `${index === 0 ? '{' : ','}${JSON.stringify(key)}:`)
}

class TextBox extends Box {
  readonly #pieces: string[] = []

  hold(before: string, part: Waiting): void {
    this.expect(part, this.#pieces.push(flat(before)))
    this.#pieces.push('')
  }

  close(after: string): this {
    this.#pieces.push(flat(after))
    return this
  }

  protected place(slot: number, part: string, isLast: boolean): void {
    this.#pieces[slot] = isLast ? part : flat(part)
  }

  protected whole(): string {
    let text = ''
    for (const piece of this.#pieces) text += piece
    return text
  }
}

/** Whatever was read last of a text: V8 drops a read whose result nobody keeps. */
export const lastRead = { code: 0 }

/**
 * The text in one piece. V8 keeps what was added up as a tree of its pieces; a tree that outlives a turn of the event loop is moved and marked by the garbage
 * collector piece by piece, which costs more than the text. Reading a character makes it one piece.
 */
export function flat(text: string): string {
  if (text.length > 12) lastRead.code = text.charCodeAt(0)
  return text
}
