import { openPostgresMetadata } from '../../connectors/metadata/postgres.ts'
import { openPostgresTokenVault } from '../../connectors/token-vault/index.ts'
import { tokenVaultChecks, type TokenVaultSubject } from '../conformance/token-vault.ts'
import { conforms } from '../support/conformance.ts'
import { startPostgres, withOwnPostgres } from '../support/postgres.ts'
import { MovedClock, testScope } from '../support/scope.ts'

withOwnPostgres(own => {
  const { log } = testScope()
  conforms('the token vault over PostgreSQL', tokenVaultChecks, async (): Promise<TokenVaultSubject> => {
    const { first, second, reopen, close } = await own.handles(url => openPostgresTokenVault({ url, log }))
    return { vault: first, other: second, scope: tenant => testScope({ tenant }), reopen, close }
  })

  test('it stands beside the metadata store, also where hubs begin at the same time', async () => {
    const url = await own.emptyDatabase()
    const metadata = await openPostgresMetadata({ url, clock: new MovedClock(), log })
    const vaults = await Promise.all([openPostgresTokenVault({ url, log }), openPostgresTokenVault({ url, log }), openPostgresTokenVault({ url, log })])
    const [first, ...others] = vaults
    await first?.put(testScope(), [{ token: 'a', sealed: 'b' }])
    for (const vault of others) expect(await vault.find(testScope(), ['a'])).toEqual(['b'])
    expect(await metadata.entries(testScope())).toEqual([])
    for (const vault of vaults) await vault.close()
    await metadata.close()
    const again = await openPostgresMetadata({ url, clock: new MovedClock(), log })
    await again.close()
  })

  test('a server that is gone is said to be, without the password', async () => {
    const own = await startPostgres()
    const vault = await openPostgresTokenVault({ url: own.url, log })
    await own.stop()
    const failure = { code: 'UPSTREAM_UNAVAILABLE', message: expect.not.stringContaining(own.password) }
    await expect(vault.find(testScope(), ['a'])).rejects.toMatchObject(failure)
    await expect(vault.put(testScope(), [{ token: 'a', sealed: 'b' }])).rejects.toMatchObject(failure)
    await vault.close()
    await expect(openPostgresTokenVault({ url: own.url, log })).rejects.toMatchObject(failure)
  })
})
