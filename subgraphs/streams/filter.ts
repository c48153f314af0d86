import { isDeepStrictEqual } from 'node:util'
import { HubError } from '../../schema/errors.ts'
import type { StoredEvent } from '../../connectors/ports/event-log.ts'

export interface MessageFilter {
  readonly key?: string | null
  readonly keyStartsWith?: string | null
  readonly headers?: unknown
  readonly value?: unknown
  readonly since?: string | null
  readonly until?: string | null
}

export interface MessageTests {
  /** Of what can be told without decoding the value. */
  readonly event: (event: StoredEvent) => boolean
  readonly value: (value: unknown) => boolean
}

/** The filter as functions. `headers` or `value` that is no object → BAD_USER_INPUT. */
export function messageTests(filter: MessageFilter | null | undefined): MessageTests {
  const { key, keyStartsWith, headers, value, since, until } = filter ?? {}
  const wanted = membersOf('headers', headers)
  const members = membersOf('value', value).map(([path, member]) => [path.split('.'), member] as const)
  const [sinceMs, untilMs] = [since, until].map(time => (time ? Date.parse(time) : undefined))
  return {
    event: event =>
      (typeof key !== 'string' || event.key === key) &&
      (typeof keyStartsWith !== 'string' || event.key?.startsWith(keyStartsWith) === true) &&
      (sinceMs === undefined || event.appendedAtMs >= sinceMs) &&
      (untilMs === undefined || event.appendedAtMs < untilMs) &&
      wanted.every(([name, text]) => event.headers?.[name] === text),
    value: decoded => members.every(([path, member]) => isDeepStrictEqual(at(decoded, path), member)),
  }
}

function membersOf(name: string, input: unknown): [string, unknown][] {
  if (input === null || input === undefined) return []
  if (typeof input !== 'object' || Array.isArray(input)) throw new HubError('BAD_USER_INPUT', `where.${name} is an object such as { "name": "value" }; found ${JSON.stringify(input).slice(0, 80)}.`, { field: name })
  return Object.entries(input)
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((object, name) => (typeof object === 'object' && object !== null && Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined), value)
}
