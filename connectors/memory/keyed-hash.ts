import { randomBytes } from 'node:crypto'

/** Behind the last word. */
const finalRounds = 3

/**
 * HalfSipHash-1-3 of texts, with a random key of its own for every call of this function: whoever chooses the texts cannot make them meet without knowing the key.
 * Answers 32 bits as a signed number. Costs about 3 ns for each 4 characters of Latin-1, or 2 others.
 */
export function keyedHash(key: Buffer = randomBytes(8)): (text: string) => number {
  const key0 = key.readInt32LE(0)
  const key1 = key.readInt32LE(4)
  return text => {
    return hash(key0, key1, text, 8) ?? (hash(key0, key1, text, 16) as number)
  }
}

/** Words are filled with characters of so many bits; undefined: a character has more. */
function hash(key0: number, key1: number, text: string, bits: 8 | 16): number | undefined {
  let v0 = key0
  let v1 = key1
  let v2 = 0x6c796765 ^ key0
  let v3 = 0x74656462 ^ key1
  const { length } = text
  const full = bits === 8 ? length >>> 2 : length >>> 1
  for (let index = 0, number = 0; number < full + 1 + finalRounds; number++) {
    let word = 0
    if (number < full && bits === 8) {
      const first = text.charCodeAt(index)
      const second = text.charCodeAt(index + 1)
      const third = text.charCodeAt(index + 2)
      const fourth = text.charCodeAt(index + 3)
      if ((first | second | third | fourth) > 0xff) return undefined
      word = first | (second << 8) | (third << 16) | (fourth << 24)
      index += 4
    } else if (number < full) {
      word = text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16)
      index += 2
    } else if (number === full) {
      word = length << 24
      for (let shift = 0; index < length; shift += bits) {
        const code = text.charCodeAt(index++)
        if (bits === 8 && code > 0xff) return undefined
        word ^= code << shift
      }
    }
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
    if (number === full) v2 ^= 0xff
  }
  return v1 ^ v3
}
