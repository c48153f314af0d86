import { scaleOf } from './values.ts'

/** What engines hold of a decimal, before and behind the point; zeros in front do not count. */
export const decimalDigits = 38

/** Digits that every decimal keeps on its way through a binary number and back. */
const safeDigits = 15

/**
 * A number of a client as a decimal's text without exponent: `-100.00`, `0.0000001`. Undefined for what is no number, has more digits than an engine holds, or, given as a
 * binary number, so many that it may not be what its author wrote.
 */
export function decimalText(input: unknown): string | undefined {
  const text = typeof input === 'number' && Number.isFinite(input) ? plainText(String(input)) : typeof input === 'bigint' ? String(input) : input
  if (typeof text !== 'string' || !/^-?\d+(\.\d+)?$/.test(text) || digitsOf(text) > decimalDigits) return undefined
  const exact = typeof input !== 'number' || Number.isSafeInteger(input) || digitsOf(text.replace(/^-?0\.0*/, '').replace(/0+$/, '')) <= safeDigits
  return exact ? text : undefined
}

/** The exact sum of two decimals' texts, with as many digits behind the point as the longer has. */
export function addDecimals(a: string, b: string): string {
  const scale = Math.max(scaleOf(a), scaleOf(b))
  const sum = unscaled(a, scale) + unscaled(b, scale)
  const digits = String(sum < 0n ? -sum : sum).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${sum < 0n ? '-' : ''}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ''}`
}

/** How many digits a decimal's text has, without zeros in front. */
export function digitsOf(decimal: string): number {
  return decimal.replace(/^-?0*/, '').replace('.', '').length
}

/** Whether two decimals' texts are one number. */
export function sameDecimal(a: string, b: string): boolean {
  const scale = Math.max(scaleOf(a), scaleOf(b))
  return unscaled(a, scale) === unscaled(b, scale)
}

/** A number as JavaScript prints it, without the exponent: `1e-7` → `0.0000001`. */
export function plainText(printed: string): string {
  const [, sign = '', whole = '', fraction = '', exponent] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(printed) ?? []
  if (exponent === undefined) return printed
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  if (Math.abs(point) > 400) return printed
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return point >= digits.length ? `${sign}${digits.padEnd(point, '0')}` : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

function unscaled(decimal: string, scale: number): bigint {
  const [whole = '', fraction = ''] = decimal.split('.')
  return BigInt(whole + fraction.padEnd(scale, '0'))
}
