import { HubError } from '../../schema/errors.ts'

/** What stands behind the driver in an address of a server. It may hold a password, so no message and no cause quotes it. */
export interface ServerAddress {
  /** Without the brackets of IPv6. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string | undefined
  readonly password: string | undefined
  /** Behind the `?`, as it is written. */
  readonly query: string
}

/** `//user:password@host:port/database?parameters`, all but host and database left out at will. Another form → VALIDATION_ERROR. */
export function serverAddress(system: string, driver: string, rest: string, defaultPort: number): ServerAddress {
  const [, authority = '', path = '', query = ''] = /^\/\/([^/?#]*)\/([^?#@]*)(?:\?([^#]*))?$/s.exec(rest) ?? []
  const [, login, host, port] = /^(?:(.*)@)?(\[[0-9A-Fa-f:.]+\]|[^\s:,@[\]=()]+)(?::(\d{1,5}))?$/s.exec(authority) ?? []
  const database = decoded(path)
  if (host === undefined || !database || Number(port ?? defaultPort) < 1 || Number(port ?? defaultPort) > 65_535) {
    throw new HubError('VALIDATION_ERROR', `The address of a ${system} database is of the form "jdbc:${driver}://host:port/database", with one host, and with other characters than letters and digits percent-encoded.`)
  }
  const [user, password] = login === undefined ? [] : parted(login)
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? defaultPort), database, user, password, query }
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
