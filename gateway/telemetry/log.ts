import { type DestinationStream, pino, stdSerializers } from 'pino'
import type { Log } from '../../connectors/ports/scope.ts'
import { withoutSecrets } from '../../schema/secret-names.ts'

type Fields = Readonly<Record<string, unknown>>

let standardOutput: DestinationStream | undefined

/** Lines wait for each other so long, or until there are so many bytes of them: each write to the system costs as much as making a line does. */
const windowMs = 10
const windowBytes = 8 * 1024

/** Lines that several processes write to one pipe stay whole where no write has more than this (PIPE_BUF). */
const wholeBytes = 4 * 1024

/** The standard output of the process. Lines of one window go together; all have gone when the process ends. */
function output(isShared: boolean): DestinationStream {
  if (standardOutput) return standardOutput
  const to = pino.destination({ fd: 1, sync: false, ...(isShared ? { minLength: wholeBytes / 2, maxWrite: wholeBytes } : { minLength: windowBytes }) })
  let isOpen = false
  standardOutput = {
    write(line) {
      to.write(line)
      if (isOpen) return
      isOpen = true
      setTimeout(() => {
        isOpen = false
        to.flush()
      }, windowMs)
    },
  }
  return standardOutput
}

/** JSON lines: level, time (RFC 3339), message, and the fields. An `error` field is written with its stack and its causes. `isShared`: other processes write to the standard output, too. */
export function openLog(options: { level: 'debug' | 'info' | 'warn' | 'error' | 'silent'; to?: DestinationStream; isShared?: boolean }): Log {
  const to = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${now()}"`,
      formatters: { level: label => ({ level: label }), log: fields => withoutSecrets(fields, withoutSecrets) },
      serializers: { error: stdSerializers.errWithCause, cause: stdSerializers.errWithCause },
    },
    options.to ?? output(options.isShared ?? false),
  )
  return {
    debug: (message, fields) => to.debug(fields ?? {}, message),
    info: (message, fields) => to.info(fields ?? {}, message),
    warn: (message, fields) => to.warn(fields ?? {}, message),
    error: (message, fields) => to.error(fields ?? {}, message),
  }
}

let second = -1
let written = ''

/** The date and the time as `Date.toISOString` has them, written anew once a second but for the milliseconds. */
function now(): string {
  const ms = Date.now()
  const whole = Math.floor(ms / 1000)
  if (whole !== second) {
    second = whole
    written = new Date(ms).toISOString().slice(0, 20)
  }
  return `${written}${String(ms - whole * 1000).padStart(3, '0')}Z`
}

/** The same log with fields of the request on every line. */
export function withFields(log: Log, common: Fields): Log {
  return new FieldLog(log, common)
}

/** One object a request, without a function for each level. */
class FieldLog implements Log {
  readonly #log: Log
  readonly #common: Fields

  constructor(log: Log, common: Fields) {
    this.#log = log
    this.#common = common
  }

  debug(message: string, fields?: Fields): void { this.#log.debug(message, { ...this.#common, ...fields }) }
  info(message: string, fields?: Fields): void { this.#log.info(message, { ...this.#common, ...fields }) }
  warn(message: string, fields?: Fields): void { this.#log.warn(message, { ...this.#common, ...fields }) }
  error(message: string, fields?: Fields): void { this.#log.error(message, { ...this.#common, ...fields }) }
}
