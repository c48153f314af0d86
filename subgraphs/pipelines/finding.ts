import type { Position } from './xml/read.ts'

/** What can be wrong with a document, by a word that a program may look at. */
export const findingCodes = {
  NOT_WELL_FORMED: 'The text is no XML.',
  REFUSED_XML: 'XML that no document here needs and an attacker may: a document type, or more of anything than a document has.',
  UNKNOWN_ELEMENT: 'There is no such element.',
  MISPLACED_ELEMENT: 'The element is known, and does not belong where it stands.',
  REPEATED_ELEMENT: 'The element stands there once more than it may.',
  MISSING_ELEMENT: 'An element is missing.',
  UNKNOWN_ATTRIBUTE: 'The element has no such attribute.',
  MISSING_ATTRIBUTE: 'An attribute is missing.',
  INVALID_VALUE: 'The text of an attribute or an element is not what it has to be.',
  COLUMN_NOT_FOUND: 'There is no such column.',
  COLUMN_RENAMED: 'A column has another name in a result, for its own is taken.',
  COLUMNS_DIFFER: 'Datasets that are to be one have not the same columns.',
  UNSUPPORTED: 'It is right, and not done here.',
  SCHEMA_NOT_FOUND: 'There is no such schema file.',
  SCHEMA_INVALID: 'A schema file cannot be read.',
  PATH_ESCAPES: 'A path leads out of the folder it is below.',
  CONTRADICTION: 'Two parts of the document do not go together.',
  DUPLICATE_ID: 'Two things have one name.',
  UNKNOWN_REFERENCE: 'A name that nothing in the document has.',
  CYCLE: 'Steps that wait for each other.',
  AMBIGUOUS: 'More than one thing may be meant.',
  UNMASKED_SENSITIVE: 'A column whose schema calls it sensitive leaves a pipeline of layer service as it is.',
  LAYER_SKIP: 'A pipeline reads past the layer below its own.',
  LAYER_VIOLATION: 'A pipeline writes into a layer that is not its own.',
} as const satisfies Record<string, string>
export type FindingCode = keyof typeof findingCodes

/** One thing a document has wrong, or may have: an ERROR keeps it from running. */
export interface Finding extends Position {
  readonly severity: 'ERROR' | 'WARNING'
  readonly code: FindingCode
  /** As XPath: `/pipeline/sources/csv[2]/@header`. */
  readonly path: string
  /** A sentence that quotes what was found and says what was expected. */
  readonly message: string
  /** What may be put in the place of what was found. */
  readonly proposal?: string
}

/** In the order of the text; what is said twice of one place once. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>()
  return findings
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .filter(({ line, column, code, message }) => {
      const said = JSON.stringify([line, column, code, message])
      return !seen.has(said) && seen.add(said)
    })
}
