import { isIPv4 } from 'node:net'
import type { Clock, Log } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import { ApiKeys } from './api-keys.ts'
import { anonymous, type Credentials, type Identity } from './identity.ts'
import type { AuthSettings } from './settings.ts'
import { Tokens } from './tokens.ts'

export interface Authenticator {
  /** Whether everybody is let in, as `anonymous` of the tenant `public`, with every scope. */
  readonly open: boolean
  /** Value of WWW-Authenticate for an answer 401; the reason is left out when there was no proof at all. */
  challenge(reason?: string): string
  /** Fails with UNAUTHENTICATED, FORBIDDEN, or UPSTREAM_UNAVAILABLE when the issuer's keys cannot be had. */
  authenticate(credentials: Credentials): Promise<Identity>
}

/**
 * Who may call, by the settings. Refuses with VALIDATION_ERROR to be open on an address others can reach, and says in the log when it is open.
 * `host` is the address the hub listens on.
 */
export function createAuthenticator(settings: AuthSettings, options: { host: string; clock: Clock; log: Log }): Authenticator {
  if (!settings.oidc && settings.apiKeys.length === 0) return openToAll(options)
  const tokens = settings.oidc && new Tokens(settings.oidc, options.clock)
  const keys = new ApiKeys(settings.apiKeys)
  const schemes = [...(tokens ? ['Bearer'] : []), ...(keys.size > 0 ? ['ApiKey'] : [])]

  return {
    open: false,
    challenge(reason) {
      const failed = reason === undefined ? '' : `, error="invalid_token", error_description="${reason.replace(/[^\x20-\x7e]|["\\]/g, '\'')}"`
      return schemes.map(scheme => `${scheme} realm="tributary"${failed}`).join(', ')
    },
    async authenticate(credentials) {
      const { scheme, value } = proofIn(credentials, schemes)
      if (scheme === 'Bearer' && tokens) return tokens.verify(value)
      const found = scheme === 'ApiKey' ? keys.find(value) : undefined
      if (found) return found
      throw new HubError('UNAUTHENTICATED', scheme === 'ApiKey' && keys.size > 0 ? 'The API key is not known here.' : `"${scheme}" is no way to authenticate here; ${schemes.join(' and ')} ${schemes.length === 1 ? 'is' : 'are'}.`, { proof: true })
    },
  }
}

function openToAll({ host, log }: { host: string; log: Log }): Authenticator {
  if (!isLoopback(host)) {
    throw new HubError('VALIDATION_ERROR', `The hub would listen on "${host}", which others can reach, without asking who calls. Listen on 127.0.0.1, or set an OIDC issuer or API keys.`, { host })
  }
  log.warn(`The hub is open: whoever reaches ${host} is "anonymous" of the tenant "public" with every scope. Set an OIDC issuer or API keys to ask who calls.`, { host })
  return { open: true, challenge: () => '', authenticate: async () => anonymous }
}

/** The one proof of a request. None, or two of them, is refused. */
function proofIn({ authorization, apiKey }: Credentials, schemes: readonly string[]): { scheme: string; value: string } {
  if (authorization && apiKey) throw new HubError('UNAUTHENTICATED', 'The request has both an Authorization header and an x-api-key header. Send one.', { proof: true })
  if (apiKey) return { scheme: 'ApiKey', value: apiKey }
  if (!authorization) throw new HubError('UNAUTHENTICATED', `The request does not say who calls. Send ${schemes.map(scheme => `"Authorization: ${scheme} …"`).join(' or ')}.`)
  const [, scheme = '', value = ''] = /^(\S+)\s+(\S+)$/.exec(authorization.trim()) ?? []
  if (!value) throw new HubError('UNAUTHENTICATED', `The Authorization header has to be a scheme and one proof: "Authorization: ${schemes[0]} …".`, { proof: true })
  return { scheme: ['Bearer', 'ApiKey'].find(known => known.toLowerCase() === scheme.toLowerCase()) ?? scheme.slice(0, 20), value }
}

/** Addresses and names that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}
