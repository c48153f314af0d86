import { csv } from '../document/targets.ts'
import type { Definition } from '../registry.ts'
import { isOf } from '../xml/check.ts'

/** Files that one target writes for others. */
export interface ExportPlace {
  readonly pipelineId: string
  readonly dataset: string
  /** Whether a file of this path below the application's data is one of them. */
  readonly has: (path: string) => boolean
}

/** What others are given lies here. */
export const exportFolder = 'service'

/** Where targets of kind csv put files for others: below `service`, in folders that may have the date of the run, called as their pipeline. */
export function exportPlaces(definitions: readonly Definition[]): readonly ExportPlace[] {
  return definitions.flatMap(({ id, document }) => (document?.steps ?? []).flatMap(({ kind, checked, dependsOn: [input = ''] }): readonly ExportPlace[] => {
    if (kind !== 'target' || !isOf(checked, csv)) return []
    const path = checked.values.path.replace(/\/+$/, '')
    if (!path.startsWith(`${exportFolder}/`) && path !== exportFolder) return []
    const dated = escaped(path).replace(/%Y/g, '\\d{4}').replace(/%[mdHMS]/g, '\\d\\d')
    const own = new RegExp(`^${dated}/${escaped(id)}${checked.values.mode === 'append' ? '-[^/]+' : ''}\\.csv(?:\\.gz)?$`, 'u')
    return [{ pipelineId: id, dataset: checked.values.source ?? input, has: file => own.test(file) }]
  }))
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}
