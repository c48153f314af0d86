/** Whose failure it is. */
export interface Upstream {
  /** As messages have it: `source "crm"`. */
  readonly called: string
  readonly details: Readonly<Record<string, unknown>>
  /** Texts that may stand in no message. */
  readonly secrets: readonly string[]
}

export function masked(text: string, secrets: readonly string[]): string {
  return secrets.reduce((said, secret) => said.replaceAll(secret, '***'), text)
}

/** What a driver threw, whatever it is. Absent texts are empty; `errors` are those of an AggregateError. */
export function shapeOf(error: unknown): { code: string; message: string; errors: readonly unknown[] } {
  if (typeof error !== 'object' || error === null) return { code: '', message: String(error), errors: [] }
  const { code, message, errors } = error as { code?: unknown; message?: unknown; errors?: unknown }
  return { code: typeof code === 'string' ? code : '', message: typeof message === 'string' ? message : '', errors: Array.isArray(errors) ? errors : [] }
}

/** The words of a failure, or those of all that it stands for. */
export function saidBy(error: unknown, secrets: readonly string[]): string {
  const { message, errors } = shapeOf(error)
  return masked(message || errors.map(one => shapeOf(one).message).join('; ') || 'no reason given', secrets)
}
