import { HubError } from '../../../schema/errors.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'
import type { Step } from '../document/datasets.ts'
import type { Reference } from '../plan/relation.ts'
import { readSchema } from '../schema-document.ts'
import { lookup } from '../transforms/lookup.ts'
import { isOf } from '../xml/check.ts'
import type { RunContext } from './parts.ts'
import { openLakeFiles } from './sources.ts'

/** The tables that steps look things up in, as datasets: files of the lookups first, then tables of the lake. Those nobody asks for are names alone. */
export async function openReferences(steps: readonly Step[], context: RunContext): Promise<ReadonlyMap<string, Reference>> {
  const wanted = new Set(steps.flatMap(({ checked }) => (isOf(checked, lookup.shape) ? [checked.values.reference] : [])))
  if (wanted.size === 0) return new Map()
  const { parts, scope } = context
  const files = await parts.lookups.names()
  const tables = await parts.lake.names(scope)
  const found = new Map<string, Reference>([...files, ...tables].map(name => [name, { dataset: name, sql: quoteIdentifier(name), columns: [] }]))
  for (const name of wanted) {
    if (!found.has(name)) continue
    // A dataset of the document cannot have a name with a space.
    const dataset = `reference ${name}`
    const { columns, keys, sensitive } = files.includes(name) ? await openLookup(dataset, name, context) : { columns: (await openLakeFiles(dataset, name, context)).columns, keys: undefined, sensitive: undefined }
    found.set(name, { dataset: name, sql: quoteIdentifier(dataset), columns, isTable: !files.includes(name), ...(keys && { keys }), ...(sensitive && { sensitive }) })
  }
  return found
}

async function openLookup(dataset: string, name: string, { workspace, parts }: RunContext) {
  const file = await parts.lookups.find(name)
  if (!file) throw new HubError('NOT_FOUND', `The lookup "${name}" is gone.`)
  const read = file.schema && readSchema(file.schema.text, file.schema.file)
  if (read && 'problems' in read) throw new HubError('VALIDATION_ERROR', read.problems.join(' '))
  const columns = await workspace.files(dataset, { format: file.format, paths: [file.path], header: true, delimiter: ',', infer: true, ...(read && { columns: read.schema.columns }) })
  return { columns, keys: read?.schema.keys, sensitive: read?.schema.sensitive }
}
