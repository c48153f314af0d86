import { unsupported } from '../../statements/ast.ts'

/** Letters of MySQL's formats, as date_format takes them, in strftime's. */
const mysql: Readonly<Record<string, string>> = {
  a: '%a', b: '%b', c: '%-m', d: '%d', e: '%-d', f: '%g000', H: '%H', h: '%I', I: '%I', i: '%M', j: '%j', k: '%-H', l: '%-I', M: '%B', m: '%m', p: '%p',
  r: '%I:%M:%S %p', S: '%S', s: '%S', T: '%H:%M:%S', v: '%V', W: '%A', x: '%G', Y: '%Y', y: '%y', '%': '%%',
}

export function fromMysqlFormat(format: string, of: string): string {
  return format.replace(/%([\s\S]?)/g, (_all, letter: string) => {
    const known = mysql[letter]
    if (known === undefined) throw unsupported(`%${letter} in the format of ${of}`)
    return known
  })
}

/** Runs of one letter in Joda's formats, as format_datetime takes them, in strftime's. */
const joda: Readonly<Record<string, string>> = {
  yyyy: '%Y', YYYY: '%Y', y: '%Y', yy: '%y', MM: '%m', M: '%-m', MMM: '%b', MMMM: '%B', dd: '%d', d: '%-d', HH: '%H', H: '%-H', hh: '%I', h: '%-I', mm: '%M', m: '%-M',
  ss: '%S', s: '%-S', SSS: '%g', SSSSSS: '%f', a: '%p', E: '%a', EEE: '%a', EEEE: '%A', DDD: '%j', ww: '%V', xxxx: '%G', e: '%u',
}

export function fromJodaFormat(format: string, of: string): string {
  return format.replace(/'((?:[^']|'')*)'|([A-Za-z])\2*|%/g, (run: string, quoted: string | undefined) => {
    if (run === '%') return '%%'
    if (quoted !== undefined) return quoted === '' ? "'" : quoted.replaceAll("''", "'").replaceAll('%', '%%')
    const known = joda[run]
    if (known === undefined) throw unsupported(`"${run}" in the format of ${of}`)
    return known
  })
}
