import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const section = 'sources'

/** Names and texts of what the core is made of. */
export function sourcesOf(core: string): string {
  const folder = join(core, 'assembly')
  return readdirSync(folder).sort().map(name => `${name}\n${readFileSync(join(folder, name), 'utf8')}`).join('\n')
}

export function fingerprint(sources: string): string {
  return createHash('sha256').update(sources).digest('hex')
}

/** The module with the fingerprint in a custom section of its own (WebAssembly, Binary Format, Custom Section). */
export function fingerprinted(module: Uint8Array, mark: string): Buffer {
  const content = Buffer.concat([Buffer.from([section.length]), Buffer.from(section), Buffer.from(mark)])
  return Buffer.concat([module, Buffer.from([0, content.length]), content])
}

/** The fingerprint the module carries; undefined where there is none. */
export function markOf(module: Uint8Array): string | undefined {
  const tail = Buffer.from(module).subarray(-64 - section.length).toString('latin1')
  return tail.startsWith(section) ? tail.slice(section.length) : undefined
}
