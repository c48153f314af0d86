import { engineAt, withEngine } from '../support/engines.ts'
import { everyColumn, everyValue, igniteHosts, igniteSubject, type IgniteSubject } from '../support/ignite.ts'
import { trinoClient, trinoRows } from '../support/trino.ts'
import type { TrinoClient } from '../../connectors/trino/client.ts'

withEngine('TRINO_URL', 'what Trino sees of our columns in Ignite', url => {
  if (!engineAt('IGNITE_HOST_1')) {
    test.skip('a table with a column of every type (needs IGNITE_HOST_1)', () => undefined)
    return
  }
  const catalog = `ignite_test_${process.pid}`
  let ignite: IgniteSubject
  let trino: TrinoClient
  beforeAll(async () => {
    const [host = ''] = igniteHosts()
    ignite = igniteSubject({ hosts: [host] })
    trino = trinoClient(url)
    await trinoRows(trino, `CREATE CATALOG ${catalog} USING ignite WITH ("connection-url" = 'jdbc:ignite:thin://${host}/')`)
  }, 120_000)
  afterAll(async () => {
    await trinoRows(trino, `DROP CATALOG ${catalog}`)
    await ignite.close()
  })

  test('every column is there and casts to what it means; UUID and TIMESTAMP columns would be missing without a word', async () => {
    const { rows, configuration } = await ignite.table(everyColumn)
    await rows.put(ignite.scope, 'k', everyValue)
    const place = `${catalog}.public.${configuration.name}`
    const columns = await trinoRows(trino, `DESCRIBE ${place}`)
    expect(columns.map(([name, type]) => [name, type])).toEqual([
      ['id', 'varchar'], ['a_string', 'varchar'], ['a_int', 'integer'], ['a_long', 'bigint'], ['a_float', 'double'], ['a_decimal', 'decimal(38,10)'], ['a_boolean', 'boolean'], ['a_date', 'varchar(10)'],
      ['a_time', 'varchar(18)'], ['a_datetime', 'varchar(32)'], ['a_localdatetime', 'varchar(32)'], ['a_uuid', 'varchar(36)'], ['a_bytes', 'varbinary'], ['a_json', 'varchar'],
    ])
    const [found] = await trinoRows(trino, `SELECT a_string, cast(a_decimal AS varchar), cast(cast(a_date AS date) AS varchar), cast(cast(a_datetime AS timestamp(6)) AS varchar), cast(cast(a_time AS time(6)) AS varchar),
      cast(cast(a_uuid AS uuid) AS varchar), json_format(json_parse(a_json)), cast(a_long AS varchar) FROM ${place} WHERE a_int = -2147483648`)
    expect(found).toEqual([
      everyValue['a_string'], everyValue['a_decimal'], '2024-02-29', '2024-01-31 23:59:59.123456', '23:59:59.123456', everyValue['a_uuid'], '{"list":[1,"x",null]}', '9007199254740993',
    ])

    const trap = await ignite.table([], { fields: [{ name: 'N', property: 'n', type: 'int' }, { name: 'UID', property: 'uid', type: 'uuid' }, { name: 'AT', property: 'at', type: 'timestamp' }] })
    expect((await trinoRows(trino, `DESCRIBE ${catalog}.public.${trap.configuration.name}`)).map(([name]) => name)).toEqual(['id', 'n'])
  }, 120_000)
})
