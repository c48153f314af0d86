import type { PipelineDocument } from '../document/pipeline.ts'
import type { Finding } from '../finding.ts'
import type { CompiledStep } from '../plan/compile.ts'
import { names, type Reference } from '../plan/relation.ts'
import { reportOn } from '../rules.ts'
import { type Analyse, type Origins, ownOrigins } from './origins.ts'
import { nameOf, transformed } from './run-lineage.ts'

interface UnmaskedParts {
  readonly analyse: Analyse
  /** Columns that schemas call sensitive, by the sources that have them. */
  readonly sensitive: ReadonlyMap<string, readonly string[]>
  readonly references?: ReadonlyMap<string, Reference>
}

/** Sensitive columns on their way out of a pipeline of layer service that nothing masks: an ERROR each, at the target. Counting them, or choosing rows by them, takes none out. */
export function unmaskedFindings({ layer }: Pick<PipelineDocument, 'layer'>, steps: readonly CompiledStep[], { analyse, sensitive, references = new Map() }: UnmaskedParts): readonly Finding[] {
  const findings: Finding[] = []
  if (layer !== 'service') return findings
  const origins = new Map<string, Origins>([...references.values()].map(({ sql, columns, dataset, sensitive: own = [] }) => [nameOf(sql), sensitiveAlone(ownOrigins(dataset, names(columns)), own)]))
  for (const step of steps) {
    const { id, kind, checked, relation, dependsOn: [first = ''] } = step
    if (kind === 'source') origins.set(id, sensitiveAlone(ownOrigins(id, names(relation.columns)), sensitive.get(id) ?? []))
    else if (kind === 'transformation') origins.set(id, carried(step, origins, analyse))
    else {
      for (const { output, inputs } of origins.get(first)?.columns ?? []) {
        for (const { table, column } of inputs) {
          reportOn(checked, report => void findings.push(report))('UNMASKED_SENSITIVE', { of: checked }, `Column "${column}" of "${table}" is sensitive, as its schema says, and would be in <${checked.shape.name}> as "${output}" without a mask. Mask it before: <mask source="${relation.dataset}" columns="${output}" strategy="tokenize"/>.`)
        }
      }
    }
  }
  return findings
}

/** Of a statement that cannot be followed, a column may be that of the same name of whatever it reads. */
function carried(step: CompiledStep, origins: ReadonlyMap<string, Origins>, analyse: Analyse): Origins {
  const made = transformed(step, origins, analyse, hidden)
  if (made.unresolved.length === 0) return made
  const before = step.dependsOn.flatMap(id => origins.get(id)?.columns ?? [])
  return { ...made, columns: made.columns.map(column => (column.inputs.length > 0 ? column : { ...column, inputs: before.filter(({ output }) => output.toLowerCase() === column.output.toLowerCase()).flatMap(({ inputs }) => inputs) })) }
}

/** What is masked comes from nowhere, so that where it meets itself without a mask that is what is found. */
function hidden({ columns, ...rest }: Origins, masked: readonly string[]): Origins {
  return { ...rest, columns: columns.map(column => (masked.includes(column.output) ? { ...column, inputs: [] } : column)) }
}

function sensitiveAlone({ columns, ...rest }: Origins, sensitive: readonly string[]): Origins {
  return { ...rest, columns: columns.map(column => (sensitive.includes(column.output) ? column : { ...column, inputs: [] })) }
}
