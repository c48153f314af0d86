import { HubError } from '../../../schema/errors.ts'

const longestId = 200

/** The name of an application, which is a folder's: nothing that leads elsewhere, or is git's, is one. Any other text → VALIDATION_ERROR. */
export function applicationName(text: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/.test(text)) return text
  throw new HubError('VALIDATION_ERROR', `${JSON.stringify(text.slice(0, 80))} is not the name of an application: 1 to 64 letters, digits, "_" and "-", of which "-" is not the first.`, { field: 'app' })
}

/** Where a pipeline has its document, from the folder of all on. An id that no file can be called by → VALIDATION_ERROR. */
export function fileOf(app: string, layer: string, id: string): string {
  if (id.length > longestId) throw new HubError('VALIDATION_ERROR', `The id "${id.slice(0, 40)}…" has ${id.length} characters; ${longestId} are the most. Choose a shorter one.`, { field: 'id' })
  return `applications/${applicationName(app)}/${layer}/pipelines/${id}.xml`
}

/** The application of a file; undefined: it is of none. */
export function applicationIn(file: string): string | undefined {
  return /^applications\/([^/]+)\//.exec(file)?.[1]
}
