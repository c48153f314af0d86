import type { Finding, FindingCode } from './finding.ts'
import { type Checked, placeOf } from './xml/check.ts'

/** Where in an element a rule is broken: at an attribute of its own, or of an element inside of it. */
type Place = string | { readonly of: Checked; readonly attribute?: string }

/** Tells what a rule over several parts of an element has against it. ERROR unless told otherwise. */
export type Report = (code: FindingCode, at: Place, message: string, severity?: Finding['severity'], proposal?: string) => void

/** Reports of one element. */
export function reportOn(checked: Checked, report: (finding: Finding) => void): Report {
  return (code, at, message, severity = 'ERROR', proposal) => {
    const place = typeof at === 'string' ? placeOf(checked, at) : placeOf(at.of, at.attribute ?? '')
    report({ severity, code, ...place, message, ...(proposal && { proposal }) })
  }
}
