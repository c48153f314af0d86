import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { withoutBigints } from '../../schema/scalars.ts'
import type { Row } from '../../schema/values.ts'

/** Writes rows into a file, an object a line; answers how many. What fails leaves a part of the file. */
export async function writeJsonLines(file: string, batches: AsyncIterable<readonly Row[]>): Promise<number> {
  let count = 0
  await pipeline(async function* () {
    for await (const rows of batches) {
      count += rows.length
      if (rows.length > 0) yield `${rows.map(row => JSON.stringify(withoutBigints(row))).join('\n')}\n`
    }
  }, createWriteStream(file))
  return count
}
