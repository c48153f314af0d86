import type { EndpointEntry } from './catalog.ts'
import type { Template } from './template.ts'
import type { Column, ColumnType } from './values.ts'

/** Where one `?` of a statement stands. */
export interface ParameterPlace {
  /**
   * `value`: one value of an expression; `list`: an item of `IN (…)`; `count`: rows of LIMIT or OFFSET; `name`: where a column is named (the SELECT list, GROUP BY, ORDER BY, both
   * sides of a comparison), so that a value there would say nothing.
   */
  readonly use: 'value' | 'list' | 'count' | 'name'
  /** The column it is compared with, and the tables of the statement that may have it. */
  readonly column?: { readonly name: string; readonly tables: readonly { readonly catalog?: string; readonly name: string }[] }
}

export interface EndpointParameter {
  readonly name: string
  readonly type: ColumnType
  readonly use: 'value' | 'list' | 'count'
}

/** An endpoint with everything found out: its statement checked, its parameters typed. */
export interface EndpointModel extends Omit<EndpointEntry, 'name'> {
  /** `session/validate` */
  readonly path: string
  /** Its field in the graph, `session_validate`. */
  readonly field: string
  readonly statement: Template
  readonly key: Template
  /** In the order of the statement, each once. */
  readonly parameters: readonly EndpointParameter[]
  readonly columns: readonly Column[]
}

/** `session/validate` → `session_validate`. */
export function fieldOfPath(path: string): string {
  return path.replace(/[^A-Za-z0-9_]/g, '_')
}

/** Why the text cannot be a path, as words that follow the quoted text; undefined: it can. */
export function pathProblem(path: string): string | undefined {
  const form = 'A path is parts of letters, digits, "_", "-" and ".", joined by "/", the first character a letter, such as "session/validate"'
  if (path === '') return `is empty. ${form}.`
  if (path.length > 200) return 'is longer than 200 characters.'
  if (path.startsWith('/')) return `begins with "/". Leave it out: ${form}.`
  const parts = path.split('/')
  if (parts.includes('')) return `has an empty part. ${form}.`
  if (parts.some(part => part === '.' || part === '..')) return `has a part "${parts.find(part => part === '.' || part === '..')}", which would lead elsewhere. ${form}.`
  if (!/^[A-Za-z]/.test(path) || !parts.every(part => /^[A-Za-z0-9_.-]+$/.test(part))) return `is not a path. ${form}.`
  return undefined
}
