import type { Scope } from './scope.ts'

/** Texts that nobody may see, by the names documents call them. */
export interface Secrets {
  /** The text. NOT_FOUND with the name and the places it was looked for in, where there is none; a place that does not answer → UPSTREAM_UNAVAILABLE. Never the text in an error. */
  read(scope: Scope, name: string): Promise<string>
}
