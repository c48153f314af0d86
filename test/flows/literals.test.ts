import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'

describe('values of scalars in a document', () => {
  const folder = catalogFolder({ 'hub.yaml': 'regions:\n  notes: { key: id, fields: { id: ID!, at: DateTime, size: Long, day: Date, price: Decimal }, arguments: { from: { column: at, is: gte } } }\n' })
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const instant = '"yesterday" is not a time with its zone such as "2024-01-31T23:59:59Z" (RFC 3339).'
  test.each<[string, Record<string, unknown>, string]>([
    ['{ notes(from: "yesterday") { totalCount } }', {}, `Argument "from" has invalid value "yesterday": ${instant}`],
    ['query ($from: DateTime) { notes(from: $from) { totalCount } }', { from: 'yesterday' }, instant],
    ['{ notes(where: { or: [{ at: { gt: "yesterday" } }] }) { totalCount } }', {}, instant],
    ['{ notes(where: { size: { in: [1, "x"] } }) { totalCount } }', {}, '"x" is not a whole number of 64 bits, as a number or a text of digits.'],
    ['mutation { putNote(input: { id: "1", day: "31.1." }) { id } }', {}, '"31.1." is not a date such as "2024-01-31".'],
    ['mutation ($day: Date) { putNote(input: { id: "1", day: $day }) { id } }', { day: '31.1.' }, '"31.1." is not a date such as "2024-01-31".'],
    ['mutation { putNote(input: { id: "1", price: "cheap" }) { id } }', {}, '"cheap" is not a decimal number'],
    ['subscription { noteChanged(where: { at: { gt: "yesterday" } }) { type } }', {}, instant],
  ])('%s with %j says what is expected', async (document, variables, expected) => {
    const errors = document.startsWith('subscription') ? await hub.subscribe(document, variables).next().then(() => [], (refusal: unknown) => refusal) : (await hub.query(document, variables)).errors
    expect(errors).toMatchObject([{ message: expect.stringContaining(expected), extensions: { code: 'BAD_USER_INPUT' } }])
  })
})
