import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { PostgresDatabaseOptions } from '../postgres/options.ts'
import { parametersOf } from './parameters.ts'

const known = ['user', 'password', 'ssl', 'sslmode', 'currentSchema', 'connectTimeout'] as const

type Ssl = NonNullable<PostgresDatabaseOptions['ssl']>
const sslModes: readonly Ssl[] = ['disable', 'require', 'verify-ca', 'verify-full']
/** As `ssl` says it, which asks for more than one would think. */
const sslFlags: ReadonlyMap<string, Ssl> = new Map([['true', 'verify-full'], ['', 'verify-full'], ['false', 'disable']])

/** What stands behind `jdbc:postgresql:`. It may hold a password, so no message and no cause quotes it. */
export function postgresAddress(rest: string): PostgresDatabaseOptions {
  const [, authority = '', path = '', query = ''] = /^\/\/([^/?#]*)\/([^?#@]*)(?:\?([^#]*))?$/s.exec(rest) ?? []
  const [, login, host, port] = /^(?:(.*)@)?(\[[0-9A-Fa-f:.]+\]|[^\s:,@[\]]+)(?::(\d{1,5}))?$/s.exec(authority) ?? []
  const database = decoded(path)
  if (host === undefined || !database || Number(port ?? 5432) < 1 || Number(port ?? 5432) > 65_535) {
    throw new HubError('VALIDATION_ERROR', 'The address of a PostgreSQL database is of the form "jdbc:postgresql://host:port/database", with one host, and with other characters than letters and digits percent-encoded.')
  }
  const parameters = parametersOf('postgresql', query, known)
  const [user, password] = login === undefined ? [] : parted(login)
  const timeout = parameters.get('connectTimeout')
  if (timeout !== undefined && !/^[1-9]\d{0,4}$/.test(timeout)) throw new HubError('VALIDATION_ERROR', 'The parameter "connectTimeout" of an address is a number of seconds from 1 on.', { parameter: 'connectTimeout' })
  const schemas = parameters.get('currentSchema')?.split(',').map(name => name.trim()).filter(name => name !== '') ?? []
  return {
    host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? 5432), database,
    user: parameters.get('user') ?? user, password: parameters.get('password') ?? password,
    ssl: sslOf(parameters.get('ssl'), parameters.get('sslmode')),
    ...(schemas.length > 0 && { schemas }),
    ...(timeout !== undefined && { connectTimeoutMs: Number(timeout) * 1000 }),
  }
}

function sslOf(flag: string | undefined, mode: string | undefined): Ssl {
  if (mode !== undefined) {
    const found = sslModes.find(one => one === mode)
    if (!found) throw new HubError('VALIDATION_ERROR', `"sslmode" is one of ${sslModes.join(', ')}: whether a connection is encrypted is not left to the server.${didYouMean(mode, sslModes)}`, { parameter: 'sslmode' })
    return found
  }
  const found = sslFlags.get(flag ?? 'false')
  if (!found) throw new HubError('VALIDATION_ERROR', '"ssl" is true or false.', { parameter: 'ssl' })
  return found
}

/** `user:password` before the host. */
function parted(login: string): readonly [string | undefined, string | undefined] {
  const [user = '', ...rest] = login.split(':')
  return [decoded(user), rest.length > 0 ? decoded(rest.join(':')) : undefined]
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
