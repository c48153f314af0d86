import { isForm } from './characters.ts'

const least = 8
const shown = 4

/** `123-45-6789` → `***-**-6789`: punctuation and the last four characters stay. Of a text with less than eight characters nothing does, not even how many there are: `****`. */
export function redact(text: string): string {
  const characters = [...text]
  if (characters.length < least) return '*'.repeat(shown)
  const hidden = characters.slice(0, -shown).map(character => (isForm(character) ? character : '*'))
  return [...hidden, ...characters.slice(-shown)].join('')
}
