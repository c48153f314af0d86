import type { Finding } from '../finding.ts'
import { reportOn } from '../rules.ts'
import type { Checked } from '../xml/check.ts'

/** Attributes and elements that name files. */
const naming = ['path', 'schemaRef', 'queryRef'] as const

/** No path leads out of the folder it is below. */
export function pathRules(elements: readonly Checked[], report: (finding: Finding) => void): void {
  for (const checked of elements) {
    for (const attribute of naming) {
      const given = checked.element.attributes.get(attribute)?.value
      if (given !== undefined && leadsOut(given)) reportOn(checked, report)('PATH_ESCAPES', attribute, said(given))
    }
    for (const child of checked.children) if (child.shape.name === 'schemaRef' && leadsOut(child.element.text)) reportOn(checked, report)('PATH_ESCAPES', { of: child }, said(child.element.text.trim()))
  }
}

function leadsOut(path: string): boolean {
  return path.split(/[/\\]/).some(part => part.trim() === '..')
}

function said(path: string): string {
  return `"${path.slice(0, 200)}" leads out of its folder by "..", which is not followed.`
}
