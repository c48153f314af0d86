import { openPostgresMetadata } from '../../connectors/metadata/postgres.ts'
import { openPostgresTokenVault, type OpenedTokenVault } from '../../connectors/token-vault/index.ts'
import { tokenVaultChecks, type TokenVaultSubject } from '../conformance/token-vault.ts'
import { conforms } from '../support/conformance.ts'
import { type PostgresServer, postgresBin, startPostgres } from '../support/postgres.ts'
import { MovedClock, testScope } from '../support/scope.ts'

const suite = postgresBin ? describe : describe.skip

suite('needs PostgreSQL: server programs below /usr/lib/postgresql', () => {
  let server: PostgresServer
  let databases = 0
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  const { log } = testScope()
  const emptyDatabase = async () => {
    const name = `vault_${++databases}`
    await server.exec(`CREATE DATABASE ${name}`)
    return server.url.replace(/postgres$/, name)
  }

  conforms('the token vault over PostgreSQL', tokenVaultChecks, async (): Promise<TokenVaultSubject> => {
    const url = await emptyDatabase()
    const vaults: OpenedTokenVault[] = []
    const opened = async () => {
      const vault = await openPostgresTokenVault({ url, log })
      vaults.push(vault)
      return vault
    }
    return {
      vault: await opened(),
      other: await opened(),
      scope: tenant => testScope({ tenant }),
      reopen: opened,
      async close() {
        for (const vault of vaults) await vault.close()
      },
    }
  })

  test('it stands beside the metadata store, also where hubs begin at the same time', async () => {
    const url = await emptyDatabase()
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
