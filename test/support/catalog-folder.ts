import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface CatalogFolder {
  /** The real path. */
  readonly folder: string
  /** `hub.yaml` in it. */
  readonly catalog: string
  /** Writes files by their paths in the folder; others stay. */
  write(files: Readonly<Record<string, string>>): void
  remove(): void
}

/** A folder of its own with a catalog and the files it reads. */
export function catalogFolder(files: Readonly<Record<string, string>>): CatalogFolder {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'catalog-')))
  const write = (given: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(given)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
  }
  write(files)
  return { folder, catalog: join(folder, 'hub.yaml'), write, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
