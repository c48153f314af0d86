import type { DocumentNode } from 'graphql'
import type { Supergraph } from '../federation/supergraph.ts'
import { SizedCache } from '../limits/lru.ts'

const maxDocuments = 2_000
const maxBytes = 64 * 1024 * 1024
/** What a parsed document takes, a character of its text. */
const bytesPerCharacter = 32

/**
 * Documents that went through the whole pipeline: parsed, validated and let pass by every plugin. All of that depends on the text alone, so an operation of such a document goes
 * straight to what depends on the request. Per supergraph, bounded; the longest unused goes first.
 */
export class Proven {
  readonly #documents = new WeakMap<Supergraph, SizedCache<DocumentNode>>()

  find(supergraph: Supergraph, text: string): DocumentNode | undefined {
    return this.#documents.get(supergraph)?.get(text)
  }

  keep(supergraph: Supergraph, text: string, document: DocumentNode): void {
    let documents = this.#documents.get(supergraph)
    if (!documents) {
      documents = new SizedCache(maxDocuments, maxBytes, name => bytesPerCharacter * name.length)
      this.#documents.set(supergraph, documents)
    }
    documents.set(text, document)
  }
}
