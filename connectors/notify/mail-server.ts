import { HubError } from '../../schema/errors.ts'

export interface MailServer {
  readonly host: string
  readonly port: number
  /** TLS begins at once, before anything is said. */
  readonly isTls: boolean
  readonly user?: string
  readonly password?: string
}

const usualPorts: Readonly<Record<string, number>> = { 'smtp:': 587, 'smtps:': 465 }

/** `smtp://user:password@host:port`, or `smtps://…` where TLS begins at once; user and password percent-encoded. Another form → VALIDATION_ERROR, which does not show it. */
export function mailServerOf(url: string): MailServer {
  const given = URL.canParse(url) ? new URL(url) : undefined
  const usualPort = usualPorts[given?.protocol ?? '']
  const [user, password] = [given?.username, given?.password].map(decoded)
  if (!given || usualPort === undefined || user === undefined || password === undefined || !/^([\w.-]+|\[[\da-f:.]+\])$/i.test(given.hostname) || !/^\/?$/.test(given.pathname) || given.search !== '' || given.hash !== '') throw new HubError('VALIDATION_ERROR', 'The address of the mail server is not of the form smtp://user:password@host:port, or smtps:// where TLS begins at once. Characters of the password that a URL cannot have are percent-encoded: "@" is %40.')
  if ((user === '') !== (password === '')) throw new HubError('VALIDATION_ERROR', `The address of the mail server at ${given.host} has a user without a password, or a password without a user. Give both, or none.`)
  return { host: given.hostname.replace(/^\[|\]$/g, ''), port: Number(given.port || usualPort), isTls: given.protocol === 'smtps:', ...(user !== '' && { user, password }) }
}

function decoded(text = ''): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
