import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Day } from './day.ts'
import type { Places } from './files.ts'

/** What the documents say may be left, and what they do not, a sentence each. */
export interface Residue {
  /** Scratch folders of runs that were killed, which go after a day. */
  readonly scratch: number
  /** Files of theirs in the folders of tables, which go after a day too. */
  readonly strays: number
  readonly wrong: readonly string[]
}

/** Looks for what is left behind, once no hub runs. `killed`: how many runs were under way when their hub was killed, at most. */
export async function residueOf(places: Places, { applications }: Day, { temporary, killed }: { readonly temporary: readonly string[]; readonly killed: number }): Promise<Residue> {
  const wrong: string[] = []
  let scratch = 0
  let strays = 0
  for (const application of applications) {
    const data = places.dataOf(application)
    scratch += (await below(join(data, '.scratch'), false)).length
    for (const table of ['staging/lines', 'standardization/orders']) {
      const files = await below(join(data, table), true)
      const versions = files.filter(file => file.startsWith('_versions/')).toSorted()
      const records = versions.filter(file => /^_versions\/\d{8}\.json$/.test(file))
      const listed = (await Promise.all(records.slice(-2).map(file => filesOf(join(data, table, file))))).flat()
      strays += files.filter(file => !file.startsWith('_versions/') && !listed.includes(file)).length
      if (records.length > 20) wrong.push(`${application}, ${table}: ${records.length} versions are kept; twenty should be.`)
      for (const file of versions.filter(file => !records.includes(file))) wrong.push(`${application}, ${table}: ${file} is left.`)
    }
    for (const file of await below(data, true)) if (/\.(new|part)$|-journal$/.test(file) && !file.startsWith('.scratch/')) wrong.push(`${application}: ${file} is left.`)
  }
  for (const folder of temporary) {
    const left = (await below(folder, false)).filter(name => name !== 'turn')
    if (left.length > 0) wrong.push(`${left.length} temporary folders or files are left in ${folder}: ${left.slice(0, 3).join(', ')}.`)
  }
  if (scratch > killed) wrong.push(`${scratch} scratch folders are left, and ${killed} runs at most were killed.`)
  if (strays > killed) wrong.push(`${strays} files that no version lists are left in tables, and ${killed} runs at most were killed.`)
  return { scratch, strays, wrong }
}

async function filesOf(version: string): Promise<readonly string[]> {
  return (JSON.parse(await readFile(version, 'utf8')) as { readonly files: readonly { readonly path: string }[] }).files.map(({ path }) => path)
}

/** Paths below a folder, of files at any depth or of what is in it; none where there is no such folder. */
async function below(folder: string, isDeep: boolean): Promise<readonly string[]> {
  const found = await readdir(folder, { recursive: isDeep, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return found.filter(one => !isDeep || one.isFile()).map(one => join(one.parentPath, one.name).slice(folder.length + 1))
}
