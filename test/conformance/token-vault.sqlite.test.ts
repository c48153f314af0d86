import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteMetadata } from '../../connectors/metadata/sqlite.ts'
import { openSqliteTokenVault } from '../../connectors/token-vault/index.ts'
import { conforms } from '../support/conformance.ts'
import { MovedClock, testScope } from '../support/scope.ts'
import { tokenVaultChecks } from './token-vault.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'token-vault-'))
})
afterEach(() => rm(folder, { recursive: true }))

conforms('token vault in SQLite', tokenVaultChecks, async () => {
  const file = join(folder, 'vault.sqlite')
  const vaults = [await openSqliteTokenVault({ file }), await openSqliteTokenVault({ file })] as const
  const reopened = [...vaults]
  return {
    vault: vaults[0],
    other: vaults[1],
    scope: tenant => testScope({ tenant }),
    async reopen() {
      for (const vault of reopened.splice(0)) await vault.close()
      const vault = await openSqliteTokenVault({ file })
      reopened.push(vault)
      return vault
    },
    async close() {
      for (const vault of reopened) await vault.close()
    },
  }
})

test('the vault may stand in the metadata store\'s file, whichever was there first', async () => {
  for (const file of [join(folder, 'a.sqlite'), join(folder, 'b.sqlite')]) {
    const isFirst = file.endsWith('a.sqlite')
    const early = isFirst ? await openSqliteTokenVault({ file }) : undefined
    const metadata = await openSqliteMetadata({ file, clock: new MovedClock() })
    const vault = early ?? (await openSqliteTokenVault({ file }))
    const entries = Array.from({ length: 10 }, (_, nth) => `e${nth}`)
    await Promise.all([...entries.map(name => metadata.putEntry(testScope(), { kind: 'view', name, definition: {} })), ...entries.map(token => vault.put(testScope(), [{ token, sealed: token }]))])
    expect(await vault.find(testScope(), entries)).toEqual(entries)
    expect((await metadata.entries(testScope())).map(({ name }) => name)).toEqual(entries)
    await metadata.close()
    await vault.close()
  }
})

test('a file that is something else is refused by name', async () => {
  const file = join(folder, 'notes.txt')
  await writeFile(file, 'these are my notes, and they are longer than a page header of the format would be'.repeat(20))
  await expect(openSqliteTokenVault({ file })).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('notes.txt') })
})
