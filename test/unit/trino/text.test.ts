import fc from 'fast-check'
import { parseTrino } from '../../../connectors/statements/ast.ts'
import { Mounts } from '../../../connectors/statements/mounts.ts'
import type { Statement } from '../../../connectors/ports/sql-engine.ts'
import { EditedText } from '../../../connectors/trino/edits.ts'
import { parseWithTexts } from '../../../schema/exact-json.ts'
import { literal } from '../../../connectors/trino/literals.ts'
import { rewrite } from '../../../connectors/trino/rewrite.ts'
import { instantOf, localOf } from '../../../connectors/trino/times.ts'
import { readable, tokensOf } from '../../../connectors/trino/tokens.ts'
import { column, liveTable, viewTable } from '../../support/sql-tables.ts'

const mounts = new Mounts([
  liveTable('airports', [column('iata', 'String'), column('name', 'String')], () => []),
  viewTable('french', [column('iata', 'String')], 'SELECT iata FROM airports -- those of France'),
  { ...liveTable('flights', [column('id', 'Long')], () => []), catalog: 'lake' },
])
const rewritten = (statement: Statement, limit?: number) =>
  rewrite(statement, parseTrino(readable(statement.sql)), { mounts, limit, locate: ({ name, from }) => (from.kind === 'view' ? undefined : { catalog: 'c', schema: 's', table: name }) }).edited

describe('the text Trino is sent', () => {
  test('has Trino\'s names for tables and for columns named in full, and is else as it was', () => {
    const { text } = rewritten({ sql: "SELECT lake.flights.id, a.name -- lake.flights\nFROM lake.flights, Airports AS a WHERE a.name = 'lake.flights'" })
    expect(text).toBe(`SELECT "flights".id, a.name -- lake.flights\nFROM (SELECT "id" FROM "c"."s"."flights") AS "flights", (SELECT "iata", "name" FROM "c"."s"."airports") AS a WHERE a.name = 'lake.flights'`)
  })

  test('has a view\'s statement for its name, a limit behind its last word and no semicolon', () => {
    expect(rewritten({ sql: 'SELECT * FROM french; -- all' }, 3).text).toBe('SELECT * FROM (SELECT iata FROM (SELECT "iata", "name" FROM "c"."s"."airports") AS "airports" -- those of France\n) AS "french"\nLIMIT 3  -- all')
    expect(rewritten({ sql: 'SELECT * FROM french LIMIT 2' }, 3).text).not.toContain('LIMIT 3')
  })

  test('has a mark for each value of a list, and a query without rows for none', () => {
    const where = (condition: string, params: Statement['params']) => rewritten({ sql: `SELECT 1 AS a FROM airports x WHERE ${condition}`, params }).text.replace(/^.*? WHERE /, '')
    expect(where('iata IN (?)', [['A', 'B']])).toBe('iata IN (?, ?)')
    expect(where('iata IN (?)', [[]])).toBe('iata IN (SELECT NULL WHERE false)')
    expect(where("iata IN (?, 'C', ?)", [[], ['B']])).toBe("iata IN ( 'C', ?)")
    expect(where('iata IN (?, ?)', [[], []])).toBe('iata IN (SELECT NULL WHERE false )')
    expect(where("iata IN ('C', ?, ?)", [[], []])).toBe("iata IN ('C'  )")
    expect(() => where('iata = ?', [['A']])).toThrow(/does not stand in IN/)
  })

  test('knows where each of its places was', () => {
    const edited = rewritten({ sql: "SELECT 'ü☃😀' AS t,\n  hub.airports.name, nope FROM\nhub.airports" })
    const [, second = ''] = edited.text.split('\n')
    expect(edited.original({ line: 2, column: [...second.slice(0, second.indexOf('nope'))].length + 1 })).toEqual({ line: 2, column: 22 })
    expect(edited.original({ line: 3, column: 10 })).toEqual({ line: 3, column: 1 })
  })

  test('every place outside of edits is found again', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.array(fc.tuple(fc.nat(40), fc.nat(5), fc.string({ maxLength: 6 })), { maxLength: 4 }), (before, wanted) => {
      const chars = [...before]
      const edits = wanted.map(([start, size, text]) => ({ start, end: start + size, text })).toSorted((a, b) => a.start - b.start)
        .filter(({ end }, index, all) => end <= chars.length && (index === all.length - 1 || end <= (all[index + 1]?.start ?? 0)))
      if (edits.some(({ end }, index) => end > (edits[index + 1]?.start ?? chars.length))) return
      const edited = new EditedText(before, edits)
      let grown = 0
      for (let at = 0, next = 0; at < chars.length; at++) {
        while (edits[next] && at >= (edits[next]?.end ?? 0)) {
          const edit = edits[next++]
          if (edit) grown += [...edit.text].length - (edit.end - edit.start)
        }
        const inside = edits.some(({ start, end }) => at >= start && at < end)
        if (!inside) expect(edited.original(placeIn([...edited.text], at + grown))).toEqual(placeIn(chars, at))
      }
    }))
  })

  test('what the parser cannot read is covered, and every character stays at its place', () => {
    expect(readable("SELECT BIGINT '5', '''q''', '''', x'00'")).toBe("SELECT        '5', 'xxxxx', 'xx', x'00'")
    expect(tokensOf('a."b c" -- d\n/* e */ \'f\'\'g\' 1.5e0').map(({ kind, text }) => [kind, text])).toEqual([['name', 'a'], ['mark', '.'], ['quoted', '"b c"'], ['string', "'f''g'"], ['number', '1.5e0']])
  })
})

function placeIn(chars: readonly string[], offset: number) {
  const before = chars.slice(0, offset)
  return { line: before.filter(char => char === '\n').length + 1, column: offset - before.lastIndexOf('\n') }
}

describe('values', () => {
  test('integers beyond 2^53 keep every digit, and texts that look like them are left alone', () => {
    expect(parseWithTexts('-9007199254740993')).toBe('-9007199254740993')
    expect(parseWithTexts('[1,9007199254740993,-9223372036854775808,"x,9007199254740993,\\"",0.30000000000000004,{"a":12345678901234567}]'))
      .toEqual([1, '9007199254740993', '-9223372036854775808', 'x,9007199254740993,"', 0.30000000000000004, { a: '12345678901234567' }])
  })

  test('every JSON is read as JSON.parse reads it, long integers aside', () => {
    fc.assert(fc.property(fc.jsonValue(), value => {
      const text = JSON.stringify(value)
      if (/\d{16}/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, ''))) return
      expect(parseWithTexts(text)).toEqual(JSON.parse(text))
    }))
  })

  test('a time with a zone is its instant, in summer, in winter and where clocks go back', () => {
    expect(localOf('2024-01-01 00:00:00.000')).toBe('2024-01-01T00:00:00')
    for (const [text, instant] of [
      ['2024-01-01 00:00:00.120 UTC', '2024-01-01T00:00:00.12Z'], ['2024-07-01 12:00:00 Europe/Paris', '2024-07-01T10:00:00Z'], ['2024-01-01 12:00:00.000001 Europe/Paris', '2024-01-01T11:00:00.000001Z'],
      ['2024-01-01 12:00:00 +05:30', '2024-01-01T06:30:00Z'], ['2024-10-27 02:30:00 Europe/Paris', '2024-10-27T00:30:00Z'], ['2024-03-31 03:00:00 Europe/Paris', '2024-03-31T01:00:00Z'], ['1969-12-31 19:00:00 America/New_York', '1970-01-01T00:00:00Z'],
    ] as const) expect([text, instantOf(text)]).toEqual([text, instant])
  })

  test('a text becomes a literal of its place\'s type, or is refused', () => {
    for (const [text, type, expected] of [
      ["a'b", 'varchar(3)', "'a''b'"], ['2024-01-02', 'date', "DATE '2024-01-02'"], ['2024-01-02T03:04:05.6Z', 'timestamp(6) with time zone', "TIMESTAMP '2024-01-02 03:04:05.6 UTC'"],
      ['2024-01-02T03:04:05+02:00', 'timestamp(3) with time zone', "TIMESTAMP '2024-01-02 03:04:05 +02:00'"], ['2024-01-02T03:04:05', 'timestamp(3)', "TIMESTAMP '2024-01-02 03:04:05'"], ['AP8=', 'varbinary', "X'00ff'"],
      ['1.50', 'decimal(10,2)', "DECIMAL '1.50'"], ['5', 'bigint', "BIGINT '5'"], ["x'", 'ipaddress', "CAST('x''' AS ipaddress)"],
    ] as const) expect(literal(text, type, 1)).toBe(expected)
    for (const [text, type] of [["2024-01-02'", 'date'], ["1' OR '1", 'bigint'], ['1e400x', 'double'], ["t'", 'boolean'], ["00000000-0000-0000-0000-00000000000'", 'uuid'], ["25:00'", 'time(3)'], ["AP8'", 'varbinary']] as const) {
      expect(() => literal(text, type, 7)).toThrow(/^Parameter 7 is /)
    }
    expect([literal(1, '', 1), literal(2 ** 40, '', 1), literal(0.1, 'decimal(3,1)', 1), literal(0.1, 'double', 1), literal(2n ** 70n, '', 1), literal(null, 'date', 1), literal({ a: "'" }, '', 1)])
      .toEqual(["INTEGER '1'", "BIGINT '1099511627776'", "DECIMAL '0.1'", "DOUBLE '0.1'", "DECIMAL '1180591620717411303424'", 'NULL', `JSON '{"a":"''"}'`])
  })
})
