import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { PostgresDatabaseOptions } from '../postgres/options.ts'
import { parametersOf } from './parameters.ts'
import { serverAddress } from './server-address.ts'

const known = ['user', 'password', 'ssl', 'sslmode', 'currentSchema', 'connectTimeout'] as const

type Ssl = NonNullable<PostgresDatabaseOptions['ssl']>
const sslModes: readonly Ssl[] = ['disable', 'require', 'verify-ca', 'verify-full']
/** As `ssl` says it, which asks for more than one would think. */
const sslFlags: ReadonlyMap<string, Ssl> = new Map([['true', 'verify-full'], ['', 'verify-full'], ['false', 'disable']])

/** What stands behind `jdbc:postgresql:`. It may hold a password, so no message and no cause quotes it. */
export function postgresAddress(rest: string): PostgresDatabaseOptions {
  const { host, port, database, user, password, query } = serverAddress('PostgreSQL', 'postgresql', rest, 5432)
  const parameters = parametersOf('postgresql', query, known)
  const timeout = parameters.get('connectTimeout')
  if (timeout !== undefined && !/^[1-9]\d{0,4}$/.test(timeout)) throw new HubError('VALIDATION_ERROR', 'The parameter "connectTimeout" of an address is a number of seconds from 1 on.', { parameter: 'connectTimeout' })
  const schemas = parameters.get('currentSchema')?.split(',').map(name => name.trim()).filter(name => name !== '') ?? []
  return {
    host, port, database,
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
