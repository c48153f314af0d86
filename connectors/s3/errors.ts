import { HubError } from '../../schema/errors.ts'

/** The failure of a request as the port has it. */
export function asSourceError(source: string, error: unknown, secrets: readonly (string | undefined)[]): HubError {
  if (error instanceof HubError) return error
  const said = secrets.reduce<string>((text, secret) => (secret ? text.replaceAll(secret, '***') : text), wordsOf(error))
  return new HubError('UPSTREAM_UNAVAILABLE', `Source "${source}" does not answer: ${said}. Check that the store runs and can be reached from here.`, { source }, { cause: error })
}

/** What the store answered in place of what was asked for. */
export async function refusal(source: string, answer: Response): Promise<HubError> {
  const text = await answer.text()
  const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? `status ${answer.status}`
  const message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? ''
  const said = message === '' ? code : `${code}: ${message.replace(/\.$/, '')}`
  if (answer.status >= 500 || answer.status === 429) return new HubError('UPSTREAM_UNAVAILABLE', `Source "${source}" does not answer now: ${said}.`, { source })
  return new HubError('UPSTREAM_REJECTED', `Source "${source}" refused: ${said}. Check its bucket, region and keys.`, { source })
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}
