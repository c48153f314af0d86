import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { HubError, type Problem } from '../../schema/errors.ts'
import { systemClock, type Clock, type Log } from '../ports/scope.ts'

export interface HostAddress {
  readonly host: string
  readonly port: number
}

export interface IgniteOptions {
  /** `name`, `name:port` or `[address]:port` of client ports, one per node; 10800 where no port is written. */
  readonly hosts: readonly string[]
  readonly user?: string
  readonly password?: string
  /** Given: every connection is encrypted, with these certificates. */
  readonly tls?: TlsOptions
  /** How long connecting and the handshake may take together. */
  readonly connectTimeoutMs?: number
  /** How long one request may wait for its answer, where its scope leaves more. */
  readonly requestTimeoutMs?: number
  /** How often a sign of life is exchanged. A server silent for twice as long is taken for gone. */
  readonly heartbeatMs?: number
  /** Pause before a failed host is tried again: doubled with each failure from the first to the second, shortened by chance to half. */
  readonly backOffMs?: readonly [number, number]
  readonly clock?: Clock
  readonly log?: Log
}

export interface IgniteSettings {
  readonly addresses: readonly HostAddress[]
  readonly user: string | undefined
  readonly password: string | undefined
  readonly tls: TlsOptions | undefined
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly heartbeatMs: number
  readonly backOffMs: readonly [number, number]
  readonly clock: Clock
  readonly log: Log | undefined
}

/** Fails with VALIDATION_ERROR listing every host that is not one. */
export function settingsOf(options: IgniteOptions): IgniteSettings {
  const problems: Problem[] = []
  const addresses: HostAddress[] = []
  if (options.hosts.length === 0) problems.push({ path: 'hosts', message: 'There is no host; give at least one, such as "ignite-0:10800".' })
  for (const [index, text] of options.hosts.entries()) {
    const address = parseHost(text)
    if (address) addresses.push(address)
    else problems.push({ path: `hosts[${index}]`, message: `"${text}" is not a host with an optional port, such as "ignite-0" or "ignite-0:10800".` })
  }
  if (problems.length > 0) throw new HubError('VALIDATION_ERROR', problems.map(({ path, message }) => `${path}: ${message}`).join(' '), { problems })
  return {
    addresses, user: options.user, password: options.password, tls: options.tls,
    connectTimeoutMs: options.connectTimeoutMs ?? 3_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    heartbeatMs: options.heartbeatMs ?? 5_000,
    backOffMs: options.backOffMs ?? [100, 3_000],
    clock: options.clock ?? systemClock,
    log: options.log,
  }
}

const defaultPort = 10_800

function parseHost(text: string): HostAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3] ?? defaultPort)
  return host !== undefined && port > 0 && port < 65_536 ? { host, port } : undefined
}
