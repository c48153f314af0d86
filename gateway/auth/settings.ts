import { z } from 'zod'

/** Tenants are part of keys, file names and topics. */
export const tenantPattern = /^[A-Za-z0-9._-]{1,64}$/

const url = z.url({ protocol: /^https?$/ })

/** Signatures a public key proves. Secrets shared with the issuer (HS…) and `none` are no choice. */
export const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const

export const oidcSettings = z.object({
  issuer: url.describe('The `iss` of every token, and where discovery starts: <issuer>/.well-known/openid-configuration.'),
  audience: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).describe('One of these has to be in the token\'s `aud`.'),
  jwksUrl: url.optional().describe('Where the issuer publishes its keys, for issuers without discovery.'),
  tenantClaim: z.string().min(1).default('tenant').describe('Claim that names the tenant; dots lead into objects unless a claim has that very name.'),
  scopesClaim: z.string().min(1).default('scope').describe('Claim with the scopes: a text parted by spaces, or a list.'),
  algorithms: z.array(z.enum(algorithms)).min(1).default(['RS256', 'PS256', 'ES256', 'EdDSA']).describe('Signature algorithms that are taken.'),
  clockToleranceSeconds: z.number().int().min(0).max(60).default(5).describe('How far the issuer\'s clock may be off.'),
  keysMaxAgeSeconds: z.number().int().positive().default(600).describe('Age at which the issuer\'s keys are fetched again.'),
  keysCooldownSeconds: z.number().int().nonnegative().default(30).describe('Least time between two fetches caused by a key nobody knows.'),
  timeoutMs: z.number().int().positive().default(5_000).describe('How long the issuer may take to answer.'),
})
export type OidcSettings = z.output<typeof oidcSettings>

export const apiKeySettings = z.object({
  id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/).describe('Names the key in logs; the subject of its calls.'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'a key is stored as its SHA-256, 64 lower case hexadecimal digits').describe('SHA-256 of the key. The key itself is never stored.'),
  tenant: z.string().regex(tenantPattern).describe('Whose data the key opens.'),
  scopes: z.array(z.string().min(1)).default([]).describe('Scopes granted, as area:verb.'),
})
export type ApiKeySettings = z.output<typeof apiKeySettings>

/** Who may call. Without an issuer and without keys the hub is open, which it allows on a loopback address only. */
export const authSettings = z.object({
  oidc: oidcSettings.optional().describe('Bearer tokens of an OpenID Connect issuer.'),
  apiKeys: z.array(apiKeySettings).default([]).describe('Keys for programs, sent as `x-api-key` or `Authorization: ApiKey …`.'),
})
export type AuthSettings = z.output<typeof authSettings>
