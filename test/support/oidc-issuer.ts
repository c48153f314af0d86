import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

/** An OpenID Connect issuer on the loopback: discovery, keys that can be rotated, and tokens signed with the newest. */
export interface Issuer {
  readonly url: string
  /** How often the keys were fetched. */
  readonly fetches: () => number
  /** While set, discovery and keys answer 503. */
  down: boolean
  /** The public key in use, as PEM. */
  publicPem(): Promise<string>
  /** A new key; the old one is no longer published. */
  rotate(): Promise<void>
  sign(claims: JWTPayload, options?: { kid?: string; foreignKey?: boolean }): Promise<string>
  close(): Promise<void>
}

export async function openIssuer(nowMs: () => number): Promise<Issuer> {
  let fetches = 0
  let serial = 0
  let keys: JWK[] = []
  let current!: Awaited<ReturnType<typeof generateKeyPair>>
  const rotate = async () => {
    serial += 1
    current = await generateKeyPair('RS256', { extractable: true })
    keys = [{ ...(await exportJWK(current.publicKey)), kid: `k${serial}`, alg: 'RS256', use: 'sig' }]
  }
  await rotate()
  const server = createServer((request, response) => {
    if (issuer.down) return response.writeHead(503).end()
    const body: Record<string, unknown> = { '/.well-known/openid-configuration': { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }, '/keys': { keys } }
    if (request.url === '/keys') fetches += 1
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(body[request.url ?? ''] ?? {}))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const issuer: Issuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    down: false,
    fetches: () => fetches,
    publicPem: () => exportSPKI(current.publicKey),
    rotate,
    async sign(claims, options = {}) {
      const { privateKey } = options.foreignKey ? await generateKeyPair('RS256') : current
      const nowSeconds = Math.floor(nowMs() / 1000)
      return new SignJWT({ iss: issuer.url, aud: 'tributary', sub: 'ann', tenant: 'acme', exp: nowSeconds + 300, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: options.kid ?? `k${serial}` })
        .sign(privateKey)
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return issuer
}
