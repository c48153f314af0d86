import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { eventually } from './eventually.ts'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** Header and text as they stood on the wire, dots unstuffed. */
  readonly data: string
  readonly isTls: boolean
}

export interface SmtpServer {
  readonly port: number
  /** Lines of all clients, oldest first, without what stood in mails. */
  readonly commands: string[]
  readonly mails: ReceivedMail[]
  /** What is answered to a line in place of the usual answer; an empty text: nothing. The greeting answers to `connect`, the end of a mail to `.`. */
  reply: (line: string) => string | undefined
  /** Waits until there have been so many lines. */
  said(count: number): Promise<void>
  /** Waits until all connections have ended. */
  left(): Promise<void>
  close(): Promise<void>
}

export interface SmtpOptions {
  /** PEM; with them STARTTLS is offered. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** What is offered beside. */
  readonly extensions?: readonly string[]
}

/** A mail server on a loopback port: of RFC 5321 and 4954 what a client needs to hand over a mail. */
export async function smtpServer({ tls, extensions = ['AUTH PLAIN', 'SMTPUTF8'] }: SmtpOptions = {}): Promise<SmtpServer> {
  const open = new Set<Socket>()
  const server = createServer(socket => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    speak(socket, false)
  })

  function speak(socket: Socket, isTls: boolean): void {
    let held = ''
    let isData = false
    let [from, to, data] = ['', [] as string[], '']
    const usual: Readonly<Record<string, () => string>> = {
      connect: () => '220 test ESMTP',
      EHLO: () => ['test', ...extensions, ...(tls && !isTls ? ['STARTTLS'] : [])].map((line, at, all) => `250${at === all.length - 1 ? ' ' : '-'}${line}`).join('\r\n'),
      AUTH: () => '235 2.7.0 welcome',
      MAIL: () => '250 2.1.0 ok',
      RCPT: () => '250 2.1.5 ok',
      DATA: () => '354 go on',
      '.': () => '250 2.0.0 taken',
      STARTTLS: () => (tls && !isTls ? '220 2.0.0 go on' : '502 5.5.1 not here'),
      QUIT: () => '221 2.0.0 bye',
    }
    const answer = (line: string): string => {
      const verb = line === 'connect' || line === '.' ? line : line.slice(0, 8).split(/[ :]/)[0]!.toUpperCase()
      const text = smtp.reply(line) ?? usual[verb]?.() ?? '500 5.5.1 unknown'
      if (text !== '') socket.write(`${text}\r\n`)
      return text
    }
    const take = (line: string): void => {
      if (isData) {
        if (line !== '.') data += `${line.replace(/^\./, '')}\r\n`
        else {
          isData = false
          if (answer('.').startsWith('2')) smtp.mails.push({ from, to, data, isTls })
        }
        return
      }
      smtp.commands.push(line)
      const text = answer(line)
      if (text.startsWith('2') && /^MAIL/.test(line)) [from, to, data] = [/<(.*)>/.exec(line)?.[1] ?? '', [], '']
      if (text.startsWith('2') && /^RCPT/.test(line)) to.push(/<(.*)>/.exec(line)?.[1] ?? '')
      if (text.startsWith('3') && line === 'DATA') isData = true
      if (text.startsWith('220') && tls && line === 'STARTTLS') {
        socket.removeAllListeners('data')
        speak(new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(tls) }), true)
      }
    }
    socket.on('error', () => socket.destroy())
    socket.on('data', piece => {
      held += piece.toString('utf8')
      for (let end = held.indexOf('\r\n'); end >= 0; end = held.indexOf('\r\n')) {
        const line = held.slice(0, end)
        held = held.slice(end + 2)
        take(line)
      }
    })
    if (!isTls) answer('connect')
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const smtp: SmtpServer = {
    port: (server.address() as AddressInfo).port,
    commands: [],
    mails: [],
    reply: () => undefined,
    said: count => eventually(`${count} lines came`, () => smtp.commands.length >= count),
    left: () => eventually('all connections have ended', () => open.size === 0),
    async close() {
      for (const socket of open) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return smtp
}
