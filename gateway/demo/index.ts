import { join } from 'node:path'
import { writeDemo } from './write.ts'
import type { Config } from '../config.ts'

/** The configured catalog; without one the demo's, its data made in the data folder if it is not there yet. */
export async function catalogOf(config: Config): Promise<string> {
  if (config.catalog !== undefined) return config.catalog
  const { catalog } = await writeDemo(join(config.data, 'demo'))
  return catalog
}
