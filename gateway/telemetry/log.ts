import { type DestinationStream, pino, stdSerializers } from 'pino'
import type { Log } from '../../connectors/ports/scope.ts'

/** Names under which secrets travel: what stands behind them, at the top or one level down, is never written. */
const secret = ['authorization', 'cookie', 'password', 'secret', 'token', 'apiKey', 'api_key', 'x-api-key', 'accessToken', 'refreshToken', 'credentials']

/** JSON lines: level, time (RFC 3339), message, and the fields. An `error` field is written with its stack and its causes. */
export function openLog(options: { level: 'debug' | 'info' | 'warn' | 'error' | 'silent'; to?: DestinationStream }): Log {
  const to = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      serializers: { error: stdSerializers.errWithCause, cause: stdSerializers.errWithCause },
      redact: { paths: secret.flatMap(name => [`["${name}"]`, `*["${name}"]`]), censor: '[secret]' },
    },
    options.to ?? process.stdout,
  )
  return {
    debug: (message, fields) => to.debug(fields ?? {}, message),
    info: (message, fields) => to.info(fields ?? {}, message),
    warn: (message, fields) => to.warn(fields ?? {}, message),
    error: (message, fields) => to.error(fields ?? {}, message),
  }
}

/** The same log with fields of the request on every line. */
export function withFields(log: Log, common: Readonly<Record<string, unknown>>): Log {
  return {
    debug: (message, fields) => log.debug(message, { ...common, ...fields }),
    info: (message, fields) => log.info(message, { ...common, ...fields }),
    warn: (message, fields) => log.warn(message, { ...common, ...fields }),
    error: (message, fields) => log.error(message, { ...common, ...fields }),
  }
}
