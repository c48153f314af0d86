import { didYouMean } from '../../../schema/names.ts'
import { type Finding, inOrder } from '../finding.ts'
import { proposed, readXml } from '../xml/read.ts'
import { oneOf } from '../xml/text-types.ts'
import { jobOf, type JobRead, jobShape } from './job.ts'
import { pipelineOf, type PipelineRead, pipelineShape } from './pipeline.ts'

const longest = 1024 * 1024

/** A document of either kind; neither where it could not be told which it is. */
export type DocumentRead = ({ readonly kind: 'pipeline' } & PipelineRead) | ({ readonly kind: 'job' } & JobRead) | { readonly kind?: undefined; readonly document?: undefined; readonly findings: readonly Finding[] }

/** Reads a document and finds everything that can be said against it without its data. */
export function readDocument(xml: string): DocumentRead {
  if (xml.length > longest) return { findings: [{ severity: 'ERROR', code: 'REFUSED_XML', line: 1, column: 1, path: '/', message: `The document has ${xml.length} characters; ${longest} are the limit.` }] }
  const { root, findings } = readXml(xml)
  if (!root) return { findings: inOrder(findings) }
  if (root.name === pipelineShape.name) return { kind: 'pipeline', ...pipelineOf(root) }
  if (root.name === jobShape.name) return { kind: 'job', ...jobOf(root) }
  const known = [pipelineShape.name, jobShape.name]
  const proposal = proposed(root.name, known)
  return { findings: [{ severity: 'ERROR', code: 'UNKNOWN_ELEMENT', ...root.at, path: root.path, message: `The document is a <${root.name}>; ${oneOf(known.map(name => `<${name}>`)).replaceAll('"', '')} is expected.${didYouMean(root.name, known)}`, ...(proposal && { proposal }) }] }
}
