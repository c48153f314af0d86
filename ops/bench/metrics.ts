/** The figures a server shows at /metrics at this moment, each by its name: the sum over its labels. One it does not show fails. */
export async function metricsOf(url: string): Promise<(name: string) => number> {
  const response = await fetch(`${url}/metrics`)
  const text = await response.text()
  if (!response.ok) throw new Error(`${url}/metrics answered ${response.status}: ${text.slice(0, 1_000)}`)
  const sums = sumsIn(text)
  return name => {
    const sum = sums.get(name)
    if (sum === undefined) throw new RangeError(`${url}/metrics shows no "${name}".`)
    return sum
  }
}

/** Prometheus text format 0.0.4: a line `name{labels} value` a figure, and comments. */
export function sumsIn(text: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const [, name = '', value = ''] of text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)$/gm)) sums.set(name, (sums.get(name) ?? 0) + Number(value))
  return sums
}
