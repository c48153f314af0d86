import { domainToASCII } from 'node:url'
import { createTransport, type NodemailerError } from 'nodemailer'
import { HubError } from '../../schema/errors.ts'
import type { Channel } from './channel.ts'
import { type MailServer, mailServerOf } from './mail-server.ts'

export interface EmailOptions {
  /** Of the mail server: `smtp://user:password@host:port`, or `smtps://…` where TLS begins at once; ports 587 and 465 unless one is named. */
  readonly url: string
  /** Address that mails are from: hub@example.org. */
  readonly from: string
  /** Whether a connection without TLS is given up. By default where there is a password. */
  readonly requireTls?: boolean
  /** How long the server may take for one mail. */
  readonly timeoutMs?: number
}

/**
 * Mails in plain text, UTF-8, one connection each. `Message-ID` is made of the notice's id, so that a mail sent again is told from another. An address that would need quoting, or is none → VALIDATION_ERROR; line breaks in a subject
 * become blanks. Where some of several recipients are refused the others have it, and it counts as not sent: for good → UPSTREAM_REJECTED, for now → UPSTREAM_UNAVAILABLE.
 */
export function emailNotifier({ url, from, requireTls, timeoutMs = 30_000 }: EmailOptions): Channel<'email'> {
  const server = mailServerOf(url)
  const { host, port, isTls, user, password } = server
  const sender = mailbox(from)
  const transport = createTransport({
    host,
    port,
    secure: isTls,
    requireTLS: !isTls && (requireTls ?? password !== undefined),
    tls: { rejectUnauthorized: true },
    ...(user !== undefined && { auth: { user, pass: password } }),
    disableFileAccess: true,
    disableUrlAccess: true,
  })

  return {
    async check(_scope, place) {
      mailbox(place)
    },

    async send(scope, { id, to, subject, text }) {
      scope.signal.throwIfAborted()
      if (to.length === 0) throw new HubError('VALIDATION_ERROR', 'The mail has no recipient. Give at least one address.')
      const recipients = to.map(mailbox)
      const timeout = AbortSignal.timeout(timeoutMs)
      const sent = await transport
        .sendMail({
          envelope: { from: sender, to: recipients },
          from: unnamed(sender),
          to: recipients.map(unnamed),
          subject: subject.replace(/[\p{Cc}\u2028\u2029]+/gu, ' '),
          text,
          messageId: `<${word(id)}@${domainToASCII(sender.slice(sender.lastIndexOf('@') + 1))}>`,
          date: new Date(scope.clock.now()),
          // RFC 3834: nobody's absence is to be answered to it.
          headers: { 'Auto-Submitted': 'auto-generated' },
          xMailer: false,
          signal: AbortSignal.any([scope.signal, timeout]),
        })
        .catch((error: NodemailerError) => {
          scope.signal.throwIfAborted()
          throw timeout.aborted ? silence(server, `not within ${timeoutMs} ms`, error) : failure(server, error)
        })
      const refused = sent.rejectedErrors ?? []
      const told = refused.find(({ permanent }) => permanent !== true) ?? refused[0]
      if (told) throw failure(server, told, `for ${refused.length} of ${recipients.length} recipients`)
    },
  }
}

/** An address as it stands in a command and in a header: nothing in it would need quoting, or end either. */
function mailbox(text: string): string {
  const isOne = text.length <= 254 && /^[^\s\p{C}@,;:<>()[\]\\"]+@[\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)*$/u.test(text)
  if (!isOne) throw new HubError('VALIDATION_ERROR', `${JSON.stringify(text)} is not a mail address; ops@example.org is one.`)
  return text
}

function unnamed(address: string): { readonly name: string; readonly address: string } {
  return { name: '', address }
}

/** Any text in characters that a message id has (RFC 5322, atext), no two alike. */
function word(id: string): string {
  return encodeURIComponent(id.toWellFormed()).replace(/[.!~*'()]/g, one => `%${one.charCodeAt(0).toString(16)}`)
}

/** Failures without an answer that the next attempt meets again: the server does not take such addresses, such a size, or any way to log in that is known here. */
const lasting: ReadonlySet<string> = new Set(['EENVELOPE', 'EMESSAGE', 'EAUTH', 'ENOAUTH'])

/** `whom`: where it is for some of the recipients only. */
function failure(server: MailServer, error: NodemailerError, whom = ''): HubError {
  const { responseCode: status, command = '', code = '' } = error
  if (status === undefined && !lasting.has(code)) return silence(server, error.originalCode ?? code, error)
  const at = { host: server.host, ...(status !== undefined && { status }) }
  const said = saidBy(server, error)
  if (status !== undefined && error.permanent !== true) return new HubError('UPSTREAM_UNAVAILABLE', `The mail server at ${server.host} does not take the mail now${whom && ` ${whom}`}: ${said}.`, at)
  if (command.startsWith('AUTH')) return new HubError('UPSTREAM_REJECTED', `The mail server at ${server.host} does not accept the hub's user and password (${said}). Check both in pipelines.smtpUrl.`, at)
  if (command === 'STARTTLS') return new HubError('UPSTREAM_REJECTED', `The mail server at ${server.host} offers no TLS (${said}), and without it nothing is sent. Name a server that does; where the way to this one is safe, the operator sets pipelines.smtpRequireTls to false.`, at)
  return new HubError('UPSTREAM_REJECTED', `The mail server at ${server.host} refused the mail${whom && ` ${whom}`}: ${said}.`, at)
}

function silence({ host }: MailServer, why: string, cause: unknown): HubError {
  return new HubError('UPSTREAM_UNAVAILABLE', `The mail server at ${host} gave no answer (${why}). Check that it runs and can be reached from here.`, { host }, { cause })
}

/** What a server says may repeat what it was told: of a log-in that failed only the number is shown, and the error itself goes nowhere. */
function saidBy({ password }: MailServer, { response, responseCode, command = '', message }: NodemailerError): string {
  if (response === undefined) return message
  if (command.startsWith('AUTH')) return String(responseCode)
  const text = password ? response.replaceAll(password, '***') : response
  return text.replace(/[\s\p{C}]+/gu, ' ').slice(0, 200).trim().replace(/\.$/, '')
}
