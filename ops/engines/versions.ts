import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const file = z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().positive() })

const mavenPin = z.strictObject({
  version: z.string().min(1),
  /** What was asked for: `group:artifact:version`, with `:extension` where it is not a jar. */
  roots: z.array(z.string().regex(/^[\w.-]+:[\w.-]+:[\w.-]+(:[\w.]+)?$/)).min(1),
  /** Those and all they need at run time, by path in Maven's layout. */
  files: z.record(z.string().regex(/^[\w./+-]+$/), file),
})
const pypiPin = z.strictObject({ version: z.string().min(1), files: z.record(z.string().endsWith('.whl'), file) })
const goPin = z.strictObject({ version: z.string().startsWith('v'), module: z.string(), program: z.string(), sum: z.string().startsWith('h1:') })

const versionsSchema = z.strictObject({ maven: z.record(z.string(), mavenPin), pypi: z.record(z.string(), pypiPin), go: z.record(z.string(), goPin) })

export type Versions = z.infer<typeof versionsSchema>
export type MavenPin = z.infer<typeof mavenPin>

export const versionsFile = join(import.meta.dirname, 'versions.json')

/** The pins, checked. A file that is not as described fails with every mistake. */
export function parseVersions(text: string): Versions {
  return versionsSchema.parse(JSON.parse(text))
}

export const versions: Versions = parseVersions(readFileSync(versionsFile, 'utf8'))

/** The Maven pin of this name; the name stands in the program, so it is there. */
export function mavenPinOf(name: string): MavenPin {
  const pin = versions.maven[name]
  if (!pin) throw new Error(`${versionsFile} pins nothing called "${name}".`)
  return pin
}
