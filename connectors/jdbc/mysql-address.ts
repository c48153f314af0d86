import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { MysqlDatabaseOptions } from '../mysql/options.ts'
import { parametersOf } from './parameters.ts'
import { serverAddress } from './server-address.ts'

const known = ['user', 'password', 'useSSL', 'sslMode', 'connectTimeout'] as const

type Tls = NonNullable<MysqlDatabaseOptions['tls']>
/** As Connector/J writes them, and as MariaDB does. */
const sslModes: ReadonlyMap<string, Tls> = new Map([['DISABLED', 'disable'], ['REQUIRED', 'require'], ['VERIFY_CA', 'verify-ca'], ['VERIFY_IDENTITY', 'verify-full'], ['disable', 'disable'], ['trust', 'require'], ['verify-ca', 'verify-ca'], ['verify-full', 'verify-full']])
const sslFlags: ReadonlyMap<string, Tls> = new Map([['true', 'require'], ['false', 'disable']])

/** What stands behind `jdbc:mysql:` or `jdbc:mariadb:`. It may hold a password, so no message and no cause quotes it. */
export function mysqlAddress(rest: string): MysqlDatabaseOptions {
  const { host, port, database, user, password, query } = serverAddress('MySQL', 'mysql', rest, 3306)
  const parameters = parametersOf('mysql', query, known)
  const timeout = parameters.get('connectTimeout')
  if (timeout !== undefined && !/^[1-9]\d{0,6}$/.test(timeout)) throw new HubError('VALIDATION_ERROR', 'The parameter "connectTimeout" of an address is a number of milliseconds from 1 on.', { parameter: 'connectTimeout' })
  return {
    host, port, database,
    user: parameters.get('user') ?? user, password: parameters.get('password') ?? password,
    tls: tlsOf(parameters.get('useSSL'), parameters.get('sslMode')),
    ...(timeout !== undefined && { connectTimeoutMs: Number(timeout) }),
  }
}

function tlsOf(flag: string | undefined, mode: string | undefined): Tls {
  if (mode !== undefined) {
    const found = sslModes.get(mode)
    if (!found) throw new HubError('VALIDATION_ERROR', `"sslMode" is one of ${[...sslModes.keys()].join(', ')}: whether a connection is encrypted is not left to the server.${didYouMean(mode, sslModes.keys())}`, { parameter: 'sslMode' })
    return found
  }
  const found = sslFlags.get(flag ?? 'false')
  if (!found) throw new HubError('VALIDATION_ERROR', '"useSSL" is true or false.', { parameter: 'useSSL' })
  return found
}
