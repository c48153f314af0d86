/** Names under which secrets travel: what stands behind them is never written. */
const secret = new Set(['authorization', 'cookie', 'password', 'secret', 'token', 'apiKey', 'api_key', 'x-api-key', 'accessToken', 'refreshToken', 'credentials'])

type Fields = Readonly<Record<string, unknown>>

/** A copy where there is something to hide, else the fields themselves: one look at each name. `below` does the same for what stands in them. */
export function withoutSecrets(fields: Fields, below?: (fields: Fields) => Fields): Fields {
  let copy: Record<string, unknown> | undefined
  for (const name in fields) {
    const value = fields[name]
    const plain = secret.has(name) ? '[secret]' : below && typeof value === 'object' && value !== null && !(value instanceof Error) ? below(value as Fields) : value
    if (plain !== value) copy = { ...(copy ?? fields), [name]: plain }
  }
  return copy ?? fields
}
