import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import { SizedCache } from '../limits/lru.ts'
import type { Identity } from './identity.ts'
import { type OidcSettings, tenantPattern } from './settings.ts'

const discovered = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) })
const maxTokenLength = 8_192
const verifiedTokens = 10_000
const verifiedBytes = 16 * 1024 * 1024

type Keys = ReturnType<typeof createRemoteJWKSet>

/**
 * Bearer tokens of one issuer. Keys are found by discovery at the first token, kept, and fetched again when a token names one nobody knows. A token is verified once for as long as
 * it lasts and the keys are those it was verified with; of these tokens the longest unused are forgotten.
 */
export class Tokens {
  readonly #settings: OidcSettings
  readonly #clock: Clock
  readonly #verified = new SizedCache<Identity>(verifiedTokens, verifiedBytes, token => token.length + 500)
  #keys: Promise<Keys> | undefined
  /** How often keys were fetched. */
  #fetches = 0

  constructor(settings: OidcSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  /** Fails with UNAUTHENTICATED, with FORBIDDEN for a good token without a tenant, with UPSTREAM_UNAVAILABLE when the issuer's keys cannot be had. */
  async verify(token: string): Promise<Identity> {
    if (token.length > maxTokenLength) throw new HubError('UNAUTHENTICATED', `The token has ${token.length} characters; ${maxTokenLength} are the most.`)
    const { issuer, audience, algorithms, clockToleranceSeconds } = this.#settings
    const keys = await this.#issuerKeys()
    const known = keys.fresh ? this.#verified.get(token) : undefined
    if (known?.expiresAtMs !== undefined && this.#clock.now() < known.expiresAtMs) return known
    const fetches = keys.reloading ? -1 : this.#fetches
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer, audience: [audience].flat(), algorithms: [...algorithms], clockTolerance: clockToleranceSeconds,
        currentDate: new Date(this.#clock.now()), requiredClaims: ['exp', 'sub'],
      })
      const identity = this.#identity(payload)
      // It may have been verified with other keys than those that came meanwhile.
      if (fetches === this.#fetches) this.#verified.set(token, identity)
      return identity
    } catch (error) {
      throw refusal(error, this.#settings)
    }
  }

  #identity(payload: JWTPayload): Identity {
    const tenant = claim(payload, this.#settings.tenantClaim)
    if (typeof tenant !== 'string' || !tenantPattern.test(tenant)) {
      throw new HubError('FORBIDDEN', `The token's claim "${this.#settings.tenantClaim}" is ${tenant === undefined ? 'absent' : 'no tenant'}; it has to name one, in 1 to 64 letters, digits, ".", "_" or "-".`, {
        hint: 'Let the issuer add the claim, or name the right one in the setting tenantClaim.',
      })
    }
    const expiresAtMs = ((payload.exp ?? 0) + this.#settings.clockToleranceSeconds) * 1000
    return { tenant, caller: { subject: String(payload.sub), scopes: scopesIn(claim(payload, this.#settings.scopesClaim)) }, expiresAtMs }
  }

  /** A failed discovery is not remembered: the next token tries again. */
  async #issuerKeys(): Promise<Keys> {
    this.#keys ??= this.#discover()
    try {
      return await this.#keys
    } catch (error) {
      this.#keys = undefined
      throw error
    }
  }

  async #discover(): Promise<Keys> {
    const { jwksUrl, keysMaxAgeSeconds, keysCooldownSeconds, timeoutMs } = this.#settings
    return createRemoteJWKSet(new URL(jwksUrl ?? (await this.#jwksUrl())), {
      cacheMaxAge: keysMaxAgeSeconds * 1000, cooldownDuration: keysCooldownSeconds * 1000, timeoutDuration: timeoutMs,
      [customFetch]: (url, options) => {
        this.#fetches += 1
        this.#verified.clear()
        return fetch(url, options)
      },
    })
  }

  async #jwksUrl(): Promise<string> {
    const { issuer, timeoutMs } = this.#settings
    const at = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const unavailable = (why: string, cause?: unknown) => new HubError('UPSTREAM_UNAVAILABLE', `The issuer's configuration at ${at} ${why}.`, {}, { cause })
    const response = await fetch(at, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs), headers: { accept: 'application/json' } }).catch((cause: unknown) => {
      throw unavailable('cannot be reached', cause)
    })
    if (!response.ok) throw unavailable(`answers ${response.status}`)
    const parsed = discovered.safeParse(await response.json().catch(() => undefined))
    if (!parsed.success) throw unavailable('names no `issuer` and `jwks_uri`')
    if (parsed.data.issuer !== issuer) throw unavailable(`speaks for "${parsed.data.issuer}", not for "${issuer}"`)
    return parsed.data.jwks_uri
  }
}

/** What to tell the caller about a token that was not taken: the reason, never the token. */
function refusal(error: unknown, { issuer, algorithms }: OidcSettings): HubError {
  if (error instanceof HubError) return error
  const refused = (why: string) => new HubError('UNAUTHENTICATED', `The token ${why}.`, {}, { cause: error })
  if (error instanceof errors.JWTExpired) return refused('has expired')
  if (error instanceof errors.JWTClaimValidationFailed) return refused(`is not for this hub: claim "${error.claim}" is ${error.reason === 'missing' ? 'missing' : 'not what is expected'}`)
  if (error instanceof errors.JOSEAlgNotAllowed) return refused(`is signed with an algorithm that is not taken here (${algorithms.join(', ')} are)`)
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) return refused('is signed with a key its issuer does not publish')
  if (error instanceof errors.JWSSignatureVerificationFailed) return refused('has a signature that does not verify')
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid || error instanceof errors.JOSENotSupported) return refused('is not a signed JSON Web Token')
  return new HubError('UPSTREAM_UNAVAILABLE', `The keys of the issuer "${issuer}" cannot be had.`, {}, { cause: error })
}

function claim(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name]
  return name.split('.').reduce<unknown>((at, part) => (typeof at === 'object' && at !== null && Object.hasOwn(at, part) ? (at as Record<string, unknown>)[part] : undefined), payload)
}

function scopesIn(found: unknown): ReadonlySet<string> {
  if (typeof found === 'string') return new Set(found.split(' ').filter(Boolean))
  return new Set(Array.isArray(found) ? found.filter(each => typeof each === 'string') : [])
}
