import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jobShape } from './document/job.ts'
import { pipelineShape } from './document/pipeline.ts'
import { xsdOf } from './xml/xsd.ts'

/** The schemas of both kinds of documents. `node subgraphs/pipelines/xsd.ts` writes them to schema/, by their names. */
export const schemas = { 'pipeline.xsd': xsdOf(pipelineShape), 'job.xsd': xsdOf(jobShape) } as const

if (import.meta.main) for (const [name, text] of Object.entries(schemas)) writeFileSync(join(import.meta.dirname, '../../schema', name), text)
