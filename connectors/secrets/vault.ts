import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import type { Scope } from '../ports/scope.ts'
import type { SecretProvider } from './provider.ts'

export interface VaultOptions {
  /** `https://vault.example.org:8200`, with the path of a proxy where there is one. */
  readonly url: string
  /** Where the engine, KV version 2, is mounted: `secret`. */
  readonly mount: string
  readonly token: string
  readonly namespace?: string
  /** How long Vault may take to answer. */
  readonly timeoutMs?: number
}

const answerShape = z.object({ data: z.object({ data: z.record(z.string(), z.unknown()).nullable() }) })
const maxBytes = 1024 * 1024
const defaultField = 'value'

/**
 * Secrets in HashiCorp Vault, KV version 2: `GET <url>/v1/<mount>/data/<path>`. A name is a path, or a path and a field behind `#`; without one the field `value`. The latest version is read;
 * one that was deleted is not there. A redirect is not followed, for the token would go along. Settings no request can be made of → VALIDATION_ERROR.
 */
export function vaultSecrets({ url, mount, token, namespace, timeoutMs = 5_000 }: VaultOptions): SecretProvider {
  const base = addressOf(url)
  const mountPath = pathIn(mount)
  if (mountPath === undefined) throw new HubError('VALIDATION_ERROR', `"${mount}" is not the mount of an engine of Vault: names with "/" between are expected, as secret or team/kv.`)
  // What a header cannot carry would be repeated by the error that says so.
  if (!isHeader(token)) throw new HubError('VALIDATION_ERROR', 'The token for Vault is empty, or has characters a header cannot have.')
  if (namespace !== undefined && !isHeader(namespace)) throw new HubError('VALIDATION_ERROR', 'The namespace of Vault is empty, or has characters a header cannot have.')
  const headers = { accept: 'application/json', 'X-Vault-Token': token, 'X-Vault-Request': 'true', ...(namespace !== undefined && { 'X-Vault-Namespace': namespace }) }

  /** The answer's status, and its text where it is the secret. */
  async function ask(scope: Scope, name: string, path: string): Promise<{ readonly status: number; readonly text: string }> {
    try {
      const answer = await fetch(`${base.href}/v1/${mountPath}/data/${path}`, { headers, redirect: 'manual', signal: AbortSignal.any([scope.signal, AbortSignal.timeout(timeoutMs)]) })
      if (answer.status === 200) return { status: 200, text: await bounded(answer, name, base.host) }
      await answer.body?.cancel()
      return { status: answer.status, text: '' }
    } catch (cause) {
      scope.signal.throwIfAborted()
      if (cause instanceof HubError) throw cause
      throw new HubError('UPSTREAM_UNAVAILABLE', `Vault at ${base.host} gave no answer about secret "${name}".`, { secret: name }, { cause })
    }
  }

  return {
    where(name) {
      const { path, field } = partsOf(name)
      return `Vault at ${base.host}, field "${field}" of ${mount}/${path}`
    },
    async find(scope, name) {
      scope.signal.throwIfAborted()
      const { path, field } = partsOf(name)
      const encoded = pathIn(path)
      if (encoded === undefined) return undefined
      const { status, text } = await ask(scope, name, encoded)
      if (status === 404) return undefined
      if (status !== 200) throw refusal(status, name, base.host)
      const answer = answerShape.safeParse(parsed(text))
      if (!answer.success) throw new HubError('UPSTREAM_REJECTED', `Vault at ${base.host} answered about secret "${name}" in another form than that of KV version 2. Check the version of the engine at ${mount}.`, { secret: name })
      const { data } = answer.data.data
      if (data === null || !Object.hasOwn(data, field)) return undefined
      const value = data[field]
      if (typeof value !== 'string') throw new HubError('VALIDATION_ERROR', `Field "${field}" of secret "${name}" in Vault is not a text.`, { secret: name })
      return value
    },
  }
}

function refusal(status: number, name: string, host: string): HubError {
  const at = { secret: name, status }
  if (status === 403) return new HubError('UPSTREAM_REJECTED', `Vault at ${host} does not let the hub read secret "${name}" (403). Check its token, and the policies of that.`, at)
  if (status >= 300 && status < 400) return new HubError('UPSTREAM_REJECTED', `Vault at ${host} redirects elsewhere (${status}), which is not followed. Name the address it redirects to.`, at)
  // 412: a replica that does not have yet what was written; 429: too many requests; 503: sealed.
  if (status >= 500 || status === 412 || status === 429) return new HubError('UPSTREAM_UNAVAILABLE', `Vault at ${host} answers ${status}: it is sealed, busy or down. Ask again later.`, at)
  return new HubError('UPSTREAM_REJECTED', `Vault at ${host} answered ${status} about secret "${name}".`, at)
}

function addressOf(url: string): { readonly href: string; readonly host: string } {
  const address = URL.canParse(url) ? new URL(url) : undefined
  if (!address || !/^https?:$/.test(address.protocol)) throw new HubError('VALIDATION_ERROR', 'The address of Vault is not of the form https://host:port.')
  if (address.username !== '' || address.password !== '') throw new HubError('VALIDATION_ERROR', 'The address of Vault has a user or a password in it; the token is all that is needed.')
  return { href: address.origin + address.pathname.replace(/\/+$/, ''), host: address.host }
}

/** `team/keys#mask` → path and field. */
function partsOf(name: string): { readonly path: string; readonly field: string } {
  const [, path = name, field = defaultField] = /^(.*)#([^#]+)$/s.exec(name) ?? []
  return { path, field }
}

/** Encoded for a URL; undefined where it is none, or would lead elsewhere. */
function pathIn(path: string): string | undefined {
  const parts = path.split('/')
  if (!path.isWellFormed() || parts.some(part => part === '' || part === '.' || part === '..')) return undefined
  return parts.map(encodeURIComponent).join('/')
}

function isHeader(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

async function bounded(answer: Response, name: string, host: string): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of answer.body ?? []) {
    bytes += part.byteLength
    if (bytes > maxBytes) throw new HubError('UPSTREAM_REJECTED', `Vault at ${host} answers more than ${maxBytes} bytes about secret "${name}".`, { secret: name })
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
