/** Java's `String.hashCode`, over UTF-16 units. */
export function javaHash(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0
  return hash
}

/** Id of a binary type or field: the hash of its name, the letters A–Z of it in lower case. */
export function nameId(name: string): number {
  return javaHash(name.replace(/[A-Z]/g, letter => letter.toLowerCase()))
}

/** Id of a schema: FNV-1 over its field ids, each from its low byte to its high one; 0 without fields. */
export function schemaIdOf(fieldIds: readonly number[]): number {
  if (fieldIds.length === 0) return 0
  let hash = 0x811c9dc5 | 0
  for (const id of fieldIds) {
    for (let shift = 0; shift < 32; shift += 8) hash = Math.imul(hash ^ ((id >>> shift) & 0xff), 0x01000193)
  }
  return hash
}
