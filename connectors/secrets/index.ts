import { HubError } from '../../schema/errors.ts'
import type { Secrets } from '../ports/secrets.ts'
import type { SecretProvider } from './provider.ts'

export { environmentSecrets } from './environment.ts'
export { fileSecrets } from './file.ts'
export type { SecretProvider } from './provider.ts'
export { type VaultOptions, vaultSecrets } from './vault.ts'

/** Secrets in several places, each asked when those before it have none. One that fails ends the search: what is behind it may be another secret of the same name. */
export function openSecrets(providers: readonly SecretProvider[]): Secrets {
  return {
    async read(scope, name) {
      scope.signal.throwIfAborted()
      for (const provider of providers) {
        const text = await provider.find(scope, name)
        if (text !== undefined) return text
      }
      const places = providers.map(provider => provider.where(name))
      const said = places.length === 0 ? 'No place for secrets is set up here.' : `It was looked for in ${places.join('; in ')}. Put it into one of them.`
      throw new HubError('NOT_FOUND', `There is no secret "${name}". ${said}`, { secret: name })
    },
  }
}
