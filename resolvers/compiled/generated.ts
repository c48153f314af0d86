import { getNullableType, isEnumType, isLeafType, isNonNullType } from 'graphql'
import type { Path } from 'graphql/jsutils/Path.js'
import { nameless } from './data-form.ts'
import type { Execution } from './execution.ts'
import type { Field } from './field.ts'
import { builtInOf, enumTexts, needsEscapes } from './leaf.ts'
import { pathAt, type Selection } from './selection.ts'
import { labelsOf } from './text-form.ts'
import { Waiting } from './waiting.ts'

export type Write = (x: Execution, source: unknown, prev: Path | undefined, key: string | number) => unknown

/** False where the process was started with code generation from strings forbidden: selections are then written by closures for good. */
export const canGenerate = (() => {
  try {
    return new Function('return true')() === true
  } catch {
    return false
  }
})()

/**
 * A selection as one function: properties are read and leaves of the usual kind written where they stand, so that V8 knows the layout of the objects. Whatever is not of
 * the usual kind (null where there may be none, a promise, an error, a method, a value to convert) is left to the fields, and what is waited for to `rest`.
 * Only numbers and texts that JSON.stringify wrote enter the code.
 */
export function generated({ form, fields, field, rest, write }: Selection): Write {
  const lines = fields.map((each, index) => (form.name === 'text' ? textField(each, index, labelsOf(fields)[index]!) : dataField(each, index)))
  const begin = form.name === 'text' ? `let made = '', open = false` : 'const made = new Answer()'
  const end = form.name === 'text' ? `return made + ${fields.length === 0 ? "'{}'" : `(open ? '"}' : '}')`}` : 'return made'
  const code = `'use strict'
    ${form.name === 'data' ? `function Answer() { ${fields.map(({ key }) => `this[${JSON.stringify(key)}] = undefined`).join('; ')} } Answer.prototype = nameless` : ''}
    return function write(x, source, prev, key) {
      if (typeof source !== 'object' || source === null) return other(x, source, prev, key)
      ${begin}
      let path, value, part, at = -1
      try {
        ${lines.join('\n')}
      } catch (error) {
        if (at < 0) throw error
        path ??= pathAt(prev, key)
        return rest(x, source, path, at, ${form.name === 'text' ? begun : 'made'}, fields[at].refuse(x, error, path))
      }
      ${end}
    }`
  const given = {
    fields, rest, other: write, Waiting, nameless, needsEscapes, quote: JSON.stringify,
    pathAt: (prev: Path | undefined, key: string | number) => field && pathAt(field, prev, key),
    texts: fields.map(textsOf),
  }
  return new Function(...Object.keys(given), code)(...Object.values(given)) as Write
}

/** Reads a plain field. `at` says during the read whose property it is that may throw. */
function read(field: Field, index: number): string {
  return `at = ${index}; value = source[${JSON.stringify(field.name)}]; at = -1`
}

/** What the field makes of it, where nothing simpler will do. */
function slowly(field: Field, index: number): string {
  return field.isPlain ? `part = fields[${index}].given(x, source, value, path ??= pathAt(prev, key))` : `part = fields[${index}].part(x, source, path ??= pathAt(prev, key))`
}

/** What `rest` is handed of a text. */
const begun = `open ? made + '"' : made`

/**
 * Writes what never varies. Where the piece before was a text as it is, its closing quote is still to come, `open`, and is written with this piece: one piece less for V8
 * to put together.
 */
function say(text: string): string {
  return `made += open ? ${JSON.stringify(`"${text}`)} : ${JSON.stringify(text)}; open = false; `
}

function textField(field: Field, index: number, label: string): string {
  const slow = `{ ${slowly(field, index)}; if (typeof part !== 'string') return rest(x, source, path, ${index}, ${begun}, part); ${say(label)} made += part }`
  if (!field.isPlain) return slow
  const nothing = isNonNullType(field.type) ? '' : `if (value === null || value === undefined) { ${say(`${label}null`)} } else `
  return `${read(field, index)}; ${textLeaf(field, index, label)}${nothing}${slow}`
}

function textLeaf(field: Field, index: number, label: string): string {
  switch (kindOf(field)) {
    case 'String':
    case 'ID':
      return `if (typeof value === 'string') { if (needsEscapes(value)) { ${say(label)} made += quote(value) } else { ${say(`${label}"`)} made += value; open = true } } else `
    case 'Int':
      return `if (typeof value === 'number' && (value | 0) === value) { ${say(label)} made += value } else `
    case 'Float':
      return `if (typeof value === 'number' && value - value === 0) { ${say(label)} made += value } else `
    case 'Boolean':
      return `if (value === true) { ${say(`${label}true`)} } else if (value === false) { ${say(`${label}false`)} } else `
    case 'enum':
      return `if ((part = texts[${index}].get(value)) !== undefined) { ${say(label)} made += part } else `
    default:
      return ''
  }
}

function dataField(field: Field, index: number): string {
  const target = `made[${JSON.stringify(field.key)}]`
  const slow = `{ ${slowly(field, index)}; if (part instanceof Waiting) return rest(x, source, path, ${index}, made, part); ${target} = part }`
  if (!field.isPlain) return slow
  const nothing = isNonNullType(field.type) ? '' : `if (value === null || value === undefined) ${target} = null; else `
  const usual = usualValues[kindOf(field) ?? '']
  return `${read(field, index)}; ${usual ? `if (${usual}) ${target} = value; else ` : ''}${nothing}${slow}`
}

/** Values that serialise as they are. */
const usualValues: Readonly<Record<string, string>> = {
  String: `typeof value === 'string'`,
  ID: `typeof value === 'string'`,
  Int: `typeof value === 'number' && (value | 0) === value`,
  Float: `typeof value === 'number' && value - value === 0`,
  Boolean: `typeof value === 'boolean'`,
}

function kindOf({ type }: Field) {
  const leaf = getNullableType(type)
  if (!isLeafType(leaf)) return undefined
  return isEnumType(leaf) ? 'enum' : builtInOf(leaf)
}

function textsOf({ type }: Field): ReadonlyMap<unknown, string> | undefined {
  const leaf = getNullableType(type)
  return isEnumType(leaf) ? enumTexts(leaf) : undefined
}
