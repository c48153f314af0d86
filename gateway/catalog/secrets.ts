import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'

/** Where references find their values. */
export interface SecretLookup {
  /** Value of an environment variable; undefined: it is not set. */
  readonly env: (name: string) => string | undefined
}

const maxSecretBytes = 64 * 1024

/**
 * The text with `${env:NAME}` and `${file:path}` (relative to the folder given, a line break at its end left out) replaced by their values; `$${` stands for `${`.
 * What cannot be resolved is a sentence in `problems`, which names the reference and never holds a value.
 */
export function resolveReferences(text: string, folder: string, lookup: SecretLookup): { value: string; problems: readonly string[] } {
  const problems: string[] = []
  const value = text.replace(/\$?\$\{([^}]*)(\}?)/g, (whole, inside: string, closing: string) => {
    if (whole.startsWith('$$')) return whole.slice(1)
    const [, kind, name] = /^(env|file):(.+)$/.exec(inside) ?? []
    if (!closing || !kind || !name) {
      problems.push(`"${whole.slice(0, 60)}" is not a reference. Write \${env:NAME} or \${file:path}, and $\${ for the characters themselves.`)
      return ''
    }
    const found = kind === 'env' ? fromEnvironment(name, lookup) : fromFile(name, folder)
    if ('problem' in found) problems.push(found.problem)
    return 'value' in found ? found.value : ''
  })
  return { value, problems }
}

type Found = { readonly value: string } | { readonly problem: string }

function fromEnvironment(name: string, lookup: SecretLookup): Found {
  const value = lookup.env(name)
  return value === undefined ? { problem: `Environment variable "${name}" is not set. Set it where the hub is started.` } : { value }
}

function fromFile(name: string, folder: string): Found {
  const path = resolve(folder, name)
  try {
    const found = statSync(path)
    if (!found.isFile()) return { problem: `"${name}" is not a file.` }
    if (found.size > maxSecretBytes) return { problem: `File "${name}" is larger than the ${maxSecretBytes} bytes a secret may have.` }
    return { value: readFileSync(path, 'utf8').replace(/\r?\n$/, '') }
  } catch (error) {
    return { problem: `File "${name}" cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}). It is looked for beside the file this stands in.` }
  }
}

/** A copy without what must not be shown: passwords written in clear become `***`, references stay. */
export function masked<T>(input: T): T {
  return mask(input, '') as T
}

function mask(value: unknown, key: string): unknown {
  if (typeof value === 'string') return maskText(value, key)
  if (Array.isArray(value)) return value.map(one => mask(one, key))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, mask(member, key === 'headers' ? 'password' : name)]))
}

function maskText(value: string, key: string): string {
  if (/^(password|apiKey|secretAccessKey|sessionToken)$/.test(key)) return /^\$\{(env|file):[^}]+\}$/.test(value) ? value : '***'
  if (key === 'url') return value.replace(/^([a-z][a-z0-9+.-]*:\/\/[^:/@\s]*):(?!\$\{).*@/i, '$1:***@').replace(/([?&]password=)(?!\$\{)[^&]*/gi, '$1***')
  return value
}
