import type { Scope } from './scope.ts'

/**
 * The documents below `applications` of one folder, and every version they had: a branch of commits. Files are named from the folder on, with `/` between. The folder itself is the truth of what is there now, and anyone may
 * edit it; what was edited without a commit is in no version. A repository that cannot be used → UPSTREAM_REJECTED saying why.
 */
export interface DefinitionStore {
  /** The newest commit of the branch; undefined: nothing was ever committed. */
  head(scope: Scope): Promise<string | undefined>
  /** Commits, the newest first, each with the documents in which it differs from its first parent. Those from `known` on are left out; where `known` is not among them, they go on to the first there is. */
  commits(scope: Scope, known?: string): AsyncIterable<Commit>
  /** The text of a document as a commit had it. */
  text(scope: Scope, content: string): Promise<string>
  /** The newest commit and a tag of it, where that commit has this text in the file; undefined: the text was never committed, or not last. */
  placed(scope: Scope, file: string, text: string): Promise<{ readonly commit: string; readonly tag?: string } | undefined>
  /** Does work alone among all who change the folder through a store, in this process and in others; waits for its turn. Where another process goes on for five seconds, or past the scope's deadline, → CONFLICT. */
  alone<T>(scope: Scope, work: (writer: DefinitionWriter) => Promise<T>): Promise<T>
}

export interface DefinitionWriter {
  /**
   * Puts the texts in place, each by one step, and commits them and nothing else; a file whose text is undefined is taken away. What somebody edited there without a commit is committed before, so that no text is lost.
   * Where there is no repository one is made, with what the folder has. A commit that fails leaves the files as they were. Answers the commit.
   */
  change(scope: Scope, change: DefinitionChange): Promise<string>
}

export interface DefinitionChange {
  readonly files: ReadonlyMap<string, string | undefined>
  readonly message: string
  /** Who asked for it. */
  readonly author: string
  /** Stand at the end of the message, a line each. Neither names nor values may hold line breaks. */
  readonly trailers: Readonly<Record<string, string>>
}

export interface Commit {
  readonly commit: string
  /** Absent: it is the first. */
  readonly parent?: string
  readonly atMs: number
  readonly author: string
  readonly trailers: Readonly<Record<string, string>>
  /** By file: what `text` finds the text by; undefined: it was taken away. */
  readonly files: ReadonlyMap<string, string | undefined>
}
