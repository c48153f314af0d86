/** Shortest text hidden: shorter ones are words that stand in sentences for reasons of their own. */
const leastLength = 8

/** Hides what our headers hold in what a subgraph says of a failure: a service may well repeat the token it refuses. */
export function redactor(headers: Readonly<Record<string, string>>): (error: unknown) => unknown {
  const values = Object.values(headers).flatMap(value => [value, ...value.split(/[\s,;=]+/)]).filter(value => value.length >= leastLength)
  const secrets = [...new Set(values)].sort((a, b) => b.length - a.length).map(value => JSON.stringify(value).slice(1, -1))
  return error => {
    const text = JSON.stringify(error) ?? 'null'
    return secrets.some(secret => text.includes(secret)) ? JSON.parse(secrets.reduce((safe, secret) => safe.replaceAll(secret, '***'), text)) : error
  }
}
