import type { LoadOptions } from '../load.ts'
import { machine, type Findings } from '../report.ts'
import { documentsNotes, documentsTables, growthOfDocuments, type DocumentsFigures } from './documents.ts'
import { entriesTable, growthOfEntries, type EntriesFigures } from './entries.ts'

export interface GrowthOptions extends LoadOptions {
  /** Turns of the hub and the plain server. */
  readonly rounds: number
  /** Most users of a region. */
  readonly users: number
  /** Over all documents, with the default scale. */
  readonly requests: number
}

export interface GrowthFigures {
  readonly entries: readonly EntriesFigures[]
  readonly documents: DocumentsFigures
}

/** What a read costs as a region grows, and what documents cost and leave behind as there are more of them. */
export async function measureGrowth(options: GrowthOptions): Promise<GrowthFigures> {
  return { entries: await growthOfEntries(options), documents: await growthOfDocuments(options) }
}

export const growthErrors = ({ entries, documents }: GrowthFigures): number => [...entries.flatMap(({ plain, hub }) => [...plain, ...hub]), ...documents.tenths].reduce((sum, { errors }) => sum + errors, 0)

export function growthFindings({ entries, documents }: GrowthFigures): Findings {
  return {
    name: 'growth',
    about: 'The whole product, its regions in the process and authentication by API key on. One user by id, another in every request, as the region grows; then documents that differ in names and in shape, against a hub of 10,000 users. A document is parsed, checked and planned at its first request, and code is generated for it at its second. Memory is what the process\'s own metrics say after a full collection. Of the requests over all documents nine of ten are for the same thousand, and one of ten for any: the caches are smaller than all of them.',
    tables: [entriesTable(entries), ...documentsTables(documents)],
    notes: [`${machine()}; node ${process.version}`, ...documentsNotes(documents)],
  }
}
