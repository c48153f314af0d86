import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqliteMetadata } from '../../connectors/metadata/sqlite.ts'
import type { MetadataStore } from '../../connectors/ports/metadata-store.ts'
import { conforms } from '../support/conformance.ts'
import { MovedClock } from '../support/scope.ts'
import { metadataStoreChecks, type MetadataSubject } from './metadata-store.ts'

async function open(): Promise<MetadataSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-metadata-'))
  const clock = new MovedClock()
  const stores = new Set<MetadataStore>()
  const opened = async () => {
    const store = await openSqliteMetadata({ file: join(folder, 'metadata.db'), clock })
    stores.add(store)
    return store
  }
  const store = await opened()
  return {
    store,
    clock,
    another: opened,
    async reopen() {
      await store.close()
      stores.delete(store)
      return opened()
    },
    async close() {
      for (const one of stores) await one.close()
      await rm(folder, { recursive: true })
    },
  }
}

conforms('sqlite', metadataStoreChecks, open)

test('the file is kept in WAL mode', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-metadata-'))
  const file = join(folder, 'metadata.db')
  const store = await openSqliteMetadata({ file, clock: new MovedClock() })
  const database = new DatabaseSync(file, { readOnly: true })
  expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
  database.close()
  await store.close()
  await rm(folder, { recursive: true })
})

test('a file that is something else is refused by name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-metadata-'))
  const file = join(folder, 'notes.txt')
  await writeFile(file, 'these are my notes, and they are longer than a page header of the format would be'.repeat(20))
  await expect(openSqliteMetadata({ file, clock: new MovedClock() })).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('notes.txt') })
  await rm(folder, { recursive: true })
})
