import { HubError, type Problem } from '../../schema/errors.ts'
import { asProblem, type Finding } from '../../schema/findings.ts'

/** CATALOG_INVALID with what was found, before it is known where in which file each member stands. */
export class CatalogMistakes extends HubError {
  readonly findings: readonly Finding[]

  constructor(findings: readonly Finding[]) {
    const problems: readonly Problem[] = findings.map(asProblem)
    const [first] = problems
    super('CATALOG_INVALID', `The catalog has ${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`}. ${first?.path}: ${first?.message}`, { problems })
    this.findings = findings
  }
}

/** Throws where there is a finding. */
export function refuse(findings: readonly Finding[]): void {
  if (findings.length > 0) throw new CatalogMistakes(findings)
}
