import { didYouMean } from '../../schema/names.ts'
import { type Layer, layers } from './document/pipeline.ts'
import type { DocumentRead } from './document/read.ts'
import type { Finding } from './finding.ts'
import { reportOn } from './rules.ts'
import { proposed } from './xml/read.ts'

/** A document where it lies, its path from the folder that is looked at, with `/` between. */
export interface FiledDocument {
  readonly file: string
  readonly read: DocumentRead
}

/**
 * What documents of one folder have against each other and against where they lie, by file: two of one id in an application, jobs that name pipelines there are not, a pipeline in another layer's folder. An application
 * is the folder below `applications`; without such a folder all documents are of one.
 */
export function folderFindings(documents: readonly FiledDocument[]): ReadonlyMap<string, readonly Finding[]> {
  const found = new Map<string, Finding[]>(documents.map(({ file }) => [file, []]))
  for (const own of Map.groupBy(documents, ({ file }) => applicationOf(file)).values()) {
    const report = (file: string) => (finding: Finding) => void found.get(file)?.push(finding)
    for (const kind of ['pipeline', 'job'] as const) repeated(own.filter(({ read }) => read.kind === kind), report)
    const pipelines = [...new Set(own.flatMap(({ read }) => (read.kind === 'pipeline' && read.root.values.id !== undefined ? [read.root.values.id] : [])))]
    for (const { file, read } of own) {
      if (read.kind === 'pipeline') layerFinding(file, read, report(file))
      if (read.kind !== 'job') continue
      for (const ref of read.document?.refs ?? []) {
        for (const [attribute, wanted] of [['id', ref.id], ['fallback', ref.fallback]] as const) {
          if (wanted === undefined || pipelines.includes(wanted)) continue
          reportOn(ref.checked, report(file))('UNKNOWN_REFERENCE', attribute, `There is no pipeline "${wanted}" here.${didYouMean(wanted, pipelines)}`, 'ERROR', proposed(wanted, pipelines))
        }
      }
    }
  }
  return found
}

function applicationOf(file: string): string {
  return /(?:^|\/)applications\/([^/]+)\//.exec(file)?.[1] ?? ''
}

function repeated(documents: readonly FiledDocument[], report: (file: string) => (finding: Finding) => void): void {
  const first = new Map<string, string>()
  for (const { file, read } of documents) {
    const id = read.kind === undefined ? undefined : read.root.values.id
    if (read.kind === undefined || id === undefined) continue
    const other = first.get(id)
    if (other === undefined) first.set(id, file)
    else reportOn(read.root, report(file))('DUPLICATE_ID', 'id', `"${id}" is the ${read.kind} in ${other} already; an id is one ${read.kind}'s in its application.`)
  }
}

/** The last folder of a path that is called as a layer is the one it belongs to. */
function layerFinding(file: string, { root }: Extract<DocumentRead, { kind: 'pipeline' }>, report: (finding: Finding) => void): void {
  const folder = file.split('/').slice(0, -1).findLast((part): part is Layer => layers.some(layer => layer === part))
  const { layer } = root.values
  if (folder !== undefined && layer !== undefined && folder !== layer) reportOn(root, report)('LAYER_VIOLATION', 'layer', `The pipeline is of layer "${layer}" and lies in the folder of "${folder}", ${file}; one of them is wrong.`)
}
