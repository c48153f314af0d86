import type { Form } from './form.ts'
import { serializer } from './leaf.ts'
import { Box, Waiting } from './waiting.ts'

/** What objects of an answer inherit: no name that a field could have. */
export const nameless: object = Object.freeze(Object.create(null))

/** An object of an answer. It has no name but its fields', as graphql-js makes them, yet V8 lays it out as it does a class's. */
function EmptyAnswer(): void {}
EmptyAnswer.prototype = nameless
const Answer = EmptyAnswer as unknown as new () => Record<string, unknown>

/** The answer as JavaScript values. */
export const dataForm: Form = {
  name: 'data',
  nothing: null,
  leaf: serializer,

  object: fields => (x, source, path, from, begun, given) => {
    const answer = (begun ?? new Answer()) as Record<string, unknown>
    let part = given
    let box: DataBox | undefined
    try {
      for (let index = from; index < fields.length; index++, part = undefined) {
        const field = fields[index]!
        if (part === undefined) part = field.part(x, source, path)
        if (part instanceof Waiting) {
          // The name is there from now on: fields stand in the order in which they were asked.
          answer[field.key] = undefined
          box ??= new DataBox(x, answer)
          box.hold(part, field.key)
        } else answer[field.key] = part
      }
    } catch (error) {
      if (!box) throw error
      return box.failing(error)
    }
    return box ?? answer
  },

  whole(fields, parts) {
    const answer = new Answer()
    for (const [index, { key }] of fields.entries()) answer[key] = parts[index]
    return answer
  },

  list: items => (x, values, path) => {
    const list: unknown[] = []
    let box: DataBox | undefined
    try {
      for (const value of values) {
        const part = items.part(x, value, path, list.length)
        if (part instanceof Waiting) {
          box ??= new DataBox(x, list)
          box.hold(part, list.length)
        }
        list.push(part)
      }
    } catch (error) {
      box?.abandon()
      throw error
    }
    return box ?? list
  },
}

class DataBox extends Box {
  readonly #data: Record<string | number, unknown>

  constructor(x: Waiting['x'], data: object) {
    super(x)
    this.#data = data as Record<string | number, unknown>
  }

  hold(part: Waiting, slot: string | number): void {
    this.expect(part, slot)
  }

  protected place(slot: string | number, part: unknown): void {
    this.#data[slot] = part
  }

  protected whole(): unknown {
    return this.#data
  }
}
