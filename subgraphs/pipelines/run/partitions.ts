import type { LakeFile, LakeTable } from '../../../connectors/ports/lake.ts'
import { HubError } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'

/**
 * The table with the files of the partitions that are wanted, and how many partitions were left out: `day=2026-01-?1` wants those whose values match, whatever else they are partitioned by. A column it is not
 * partitioned by → VALIDATION_ERROR.
 */
export function withPartitions(table: LakeTable, wanted: string): { readonly table: LakeTable; readonly pruned: number } {
  const patterns = wanted.split('/').map(part => {
    const [, column = '', value = ''] = /^([^=]+)=(.*)$/s.exec(part) ?? []
    if (!table.partitionBy.includes(column)) {
      const by = table.partitionBy.length > 0 ? `It is partitioned by ${table.partitionBy.join(', ')}.` : 'It has no partitions.'
      throw new HubError('VALIDATION_ERROR', `Table "${table.name}" is not partitioned by "${column}", which "partitions" names.${didYouMean(column, table.partitionBy)} ${by}`)
    }
    return { column, matches: valuePattern(value) }
  })
  const isWanted = (file: LakeFile) => patterns.every(({ column, matches }) => matches.test(valueIn(file, column)))
  const files = table.files.filter(isWanted)
  const folders = (of: readonly LakeFile[]) => new Set(of.map(({ path }) => path.slice(0, path.lastIndexOf('/')))).size
  return { table: { ...table, files }, pruned: folders(table.files) - folders(files) }
}

function valuePattern(value: string): RegExp {
  const parts = value.split(/([*?])/).map(part => (part === '*' ? '.*' : part === '?' ? '.' : part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)))
  return new RegExp(`^${parts.join('')}$`, 's')
}

/** As it stands in a path: `/` and its like are percent-encoded there. */
function valueIn({ path }: LakeFile, column: string): string {
  const value = path.split('/').find(part => part.startsWith(`${column}=`))?.slice(column.length + 1) ?? ''
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
