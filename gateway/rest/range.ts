import { HubError } from '../../schema/errors.ts'

/** Bytes of a file from the first to the last, both within. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/**
 * The one range that a header asks for (RFC 9110, 14.1.2): `bytes=0-99`, `bytes=100-`, `bytes=-50`. Undefined where the whole file is to be answered: there is no header, or one with several ranges, of another unit or form. A range behind the end →
 * BAD_USER_INPUT with status 416.
 */
export function rangeOf(header: string | undefined, bytes: number): ByteRange | undefined {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? []
  if (from === '' && to === '') return undefined
  const first = from === '' ? Math.max(0, bytes - Number(to)) : Number(from)
  const last = from === '' || to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1)
  if (from !== '' && to !== '' && Number(to) < first) return undefined
  if (first >= bytes || (from === '' && Number(to) === 0)) throw new HubError('BAD_USER_INPUT', `The file has ${bytes} bytes; "${header}" asks for none of them.`, { status: 416 })
  return { first, last }
}
