import { HubError, type Problem } from '../../schema/errors.ts'
import { asProblem, type Finding } from '../../schema/findings.ts'
import { placeOf, type ApiEntry } from './declared.ts'

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

/** Mistakes that all stand in one entry given through the API, as its own: paths relative to its definition. Any other failure as it is. */
export function ownMistakes(entry: Pick<ApiEntry, 'kind' | 'name'>, error: unknown): unknown {
  if (!(error instanceof CatalogMistakes)) return error
  const place = placeOf(entry)
  const problems = error.findings.map(asProblem)
  if (!problems.every(({ path }) => path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`))) return error
  const own = problems.map(problem => ({ ...problem, path: problem.path.slice(place.length).replace(/^\./, '') || (entry.kind === 'endpoint' ? 'path' : 'name') }))
  return new HubError('VALIDATION_ERROR', `The ${entry.kind} "${entry.name}" cannot be taken. ${own.map(problem => problem.message).join(' ')}`, { problems: own }, { cause: error })
}
