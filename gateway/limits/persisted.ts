import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { HubError } from '../../schema/errors.ts'
import { TextCache } from './lru.ts'
import { persistedSettings, type PersistedSettings } from './settings.ts'

/** A request's way to name its document: by text, by hash, or by both to register it. */
export interface DocumentReference {
  readonly query?: string
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** Documents known by their hash: the trusted list, and what clients registered (bounded). */
export class PersistedDocuments {
  readonly mode: PersistedSettings['mode']
  readonly #trusted: ReadonlyMap<string, string>
  readonly #registered: TextCache

  /** Refuses, with VALIDATION_ERROR, a list in which a name is not the SHA-256 of its text. */
  constructor(settings: PersistedSettings) {
    const wrong = Object.entries(settings.trusted).filter(([hash, text]) => sha256(text) !== hash)
    if (wrong.length > 0) {
      throw new HubError('VALIDATION_ERROR', `${wrong.length} trusted ${wrong.length === 1 ? 'document is' : 'documents are'} listed under a hash that is not the SHA-256 of the text: ` +
        `${wrong.map(([hash, text]) => `"${hash}" should be "${sha256(text)}"`).join('; ')}.`)
    }
    this.mode = settings.mode
    this.#trusted = new Map(Object.entries(settings.trusted))
    this.#registered = new TextCache(settings.maxRegistered, settings.maxRegisteredBytes)
  }

  /** Whether the text is on the trusted list, and so exempt from the limits of shape (never from those of cost). */
  trusts(text: string): boolean {
    return this.#trusted.size > 0 && this.#trusted.has(sha256(text))
  }

  find(hash: string): string | undefined {
    return this.#trusted.get(hash) ?? this.#registered.get(hash)
  }

  register(hash: string, text: string): void {
    if (this.mode === 'apq') this.#registered.set(hash, text)
  }

  /**
   * The document's text; undefined when the request names none. Refuses with UNTRUSTED_DOCUMENT what is not on the list where only the list is
   * taken, with PERSISTED_QUERY_NOT_FOUND a hash that is unknown, and with BAD_USER_INPUT a hash that is not the text's.
   */
  resolve(reference: DocumentReference): string | undefined {
    const hash = hashOf(reference)
    const text = reference.query || (hash === undefined ? undefined : this.find(hash))
    if (hash !== undefined && reference.query && sha256(reference.query) !== hash) {
      throw new HubError('BAD_USER_INPUT', `The document was sent as "${hash}", and its SHA-256 is "${sha256(reference.query)}".`, { hint: 'Hash the text exactly as it is sent, in UTF-8.' })
    }
    if (this.mode === 'only' && (text === undefined ? hash !== undefined : !this.trusts(text))) {
      throw new HubError('UNTRUSTED_DOCUMENT', 'Only documents of the trusted list are taken here, and this one is not on it.', { hint: 'Publish the document with the trusted list and send its SHA-256.' })
    }
    // The sentence is what Apollo's clients look for before they send the text.
    if (text === undefined && hash !== undefined) throw new HubError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound')
    return text
  }
}

/** The trusted list of a JSON file `{ "<sha256>": "<document>" }`. Fails with VALIDATION_ERROR when the file is not that. */
export async function readTrustedDocuments(file: string): Promise<Readonly<Record<string, string>>> {
  const read = async (): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'))
  const found = await read().catch((cause: unknown) => {
    throw new HubError('VALIDATION_ERROR', `The list of trusted documents "${file}" cannot be read as JSON.`, {}, { cause })
  })
  const parsed = persistedSettings.shape.trusted.safeParse(found)
  if (parsed.success) return parsed.data
  throw new HubError('VALIDATION_ERROR', `The list of trusted documents "${file}" is not an object of documents by SHA-256: ${parsed.error.issues.map(issue => issue.message).join('; ')}.`)
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The hash of the request, or undefined. Fails with BAD_USER_INPUT when there is one that is not of version 1 or not a SHA-256. */
function hashOf({ extensions }: DocumentReference): string | undefined {
  const persisted = extensions?.['persistedQuery']
  if (persisted === undefined || persisted === null) return undefined
  const { version, sha256Hash } = persisted as { version?: unknown; sha256Hash?: unknown }
  if (version !== 1) throw new HubError('BAD_USER_INPUT', `extensions.persistedQuery.version is ${JSON.stringify(version) ?? 'absent'}; 1 is the version there is.`)
  if (typeof sha256Hash !== 'string' || !/^[0-9a-f]{64}$/.test(sha256Hash)) {
    throw new HubError('BAD_USER_INPUT', 'extensions.persistedQuery.sha256Hash has to be a SHA-256 in 64 lower case hexadecimal digits.')
  }
  return sha256Hash
}
