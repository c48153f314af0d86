import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'

/** A key of tenant `bench`, for one run. */
export interface ApiKey {
  /** What a request carries. */
  readonly headers: Readonly<Record<string, string>>
  /** Writes the file the product is told of by `--auth-api-keys-file`. */
  write(file: string): Promise<void>
}

export function apiKey(scopes: readonly string[]): ApiKey {
  const key = randomBytes(24).toString('base64url')
  return {
    headers: { 'x-api-key': key },
    write: file => writeFile(file, JSON.stringify([{ id: 'bench', tenant: 'bench', scopes, sha256: createHash('sha256').update(key).digest('hex') }])),
  }
}
