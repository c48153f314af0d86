import { readDocument } from '../../../subgraphs/pipelines/document/read.ts'
import { transforms } from '../../../subgraphs/pipelines/transforms/index.ts'
import { changed, customerStagingLoad as sample, pipelineIn, said } from '../../support/pipelines.ts'

/** A pipeline with these transformations, over sources a, b and c, and one target. */
const withSteps = (transformations: string, targets = '<region name="r"/>') =>
  `<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources>${['a', 'b', 'c'].map(id => `<csv id="${id}" path="${id}.csv"/>`).join('')}</sources>\n<transformations>${transformations}</transformations>\n<targets>${targets}</targets></pipeline>`
/** Steps and what they read, by their ids. */
const plan = (xml: string) => pipelineIn(xml).steps.map(({ id, dependsOn }) => `${id} ${dependsOn.join(',')}`.trim())

test('D-77: the sample, its join put right, is a document without findings', () => {
  expect(readDocument(sample).findings).toEqual([])
  expect(pipelineIn(sample)).toMatchObject({
    id: 'customer_staging_load', version: { major: 1, minor: 0, patch: 0 }, layer: 'staging', owner: 'customer-team', slaMs: 7_200_000, schedule: '0 * * * *', onNoData: 'skip', parameters: [],
  })
})

test('D-60: the sample as it was written, with the column its query does not select, is a document too: what its data has nobody knows yet', () => {
  expect(said(changed(sample, ['customer_db.customer_id"', 'customer_db.id"']))).toEqual([])
})

test.each([
  ['D-27', [['id="customer_staging_load"', 'id="1 load"']], ['2 INVALID_VALUE "id" of <pipeline> is "1 load"; a name: a letter or "_", then letters, digits, "_", "." and "-" is expected.']],
  ['D-27', [[' id="customer_staging_load"', '']], ['2 MISSING_ATTRIBUTE <pipeline> lacks "id"; a name: a letter or "_", then letters, digits, "_", "." and "-" is expected.']],
  ...['1', '1.0.0.0', 'v1.0', '01.0', '1.0-beta'].map(version => ['D-28', [['load" version="1.0"', `load" version="${version}"`]], [`2 INVALID_VALUE "version" of <pipeline> is "${version}"; a version such as 1.0.0, or 1.0 is expected.`]] as const),
  ['D-29', [['layer="staging"', 'layer="Staging"']], ['2 INVALID_VALUE "layer" of <pipeline> is "Staging"; one of "staging", "standardization" or "service" is expected. Did you mean "staging"?']],
  ['D-30', [['customer-team', ' ']], ['4 INVALID_VALUE <owner> is empty; a text that is not empty is expected.']],
  ['D-30', [['<owner>customer-team</owner>', '']], ['3 MISSING_ELEMENT <metadata> lacks <owner>.']],
  ...['2h', '-PT2H', 'PT0S', 'P1M'].map(sla => ['D-31', [['PT2H', sla]], [`5 INVALID_VALUE The text of <sla> is "${sla}"; a duration in ISO 8601 above zero, without years and months, such as PT2H or P1D is expected.`]] as const),
  ['D-32', [['0 * * * *', '0 0 * * * *']], ['6 INVALID_VALUE "0 0 * * * *" has 6 fields; a cron expression here has five: minute, hour, day of the month, month, day of the week.']],
  ...([['60 * * * *', 'minute', '60', '0 to 59'], ['0 24 * * *', 'hour', '24', '0 to 23'], ['0 0 32 * *', 'day of the month', '32', '1 to 31'], ['0 0 * 13 *', 'month', '13', '1 to 12'], ['0 0 * * 8', 'day of the week', '8', '0 to 7']] as const).map(
    ([cron, field, value, range]) => ['D-32', [['0 * * * *', cron]], [`6 INVALID_VALUE The ${field}, "${value}", is none: it may be ${range}, "*", lists and ranges of them, and steps such as "*/5".`]] as const),
  ['D-34', [['id="customer_db"', 'id="customer_csv"']], ['12 DUPLICATE_ID There is another source "customer_csv", in line 9. Give each a name of its own.', '19 UNKNOWN_REFERENCE "customer_db" is no dataset of this pipeline. Did you mean "customer_csv"?']],
  ['D-34', [['<sort source="customer_csv"', '<sort source="customer_cvs"']], ['18 UNKNOWN_REFERENCE "customer_cvs" is no dataset of this pipeline. Did you mean "customer_csv" or "customer_db"?']],
  ['D-35', [['s3://landing', 'ftp://landing']], ['9 INVALID_VALUE "ftp:" is no scheme that is read here; file://, s3://, s3a:// are, and paths without one.']],
  ['D-35', [['s3://landing/customer', 's3://landing/../secrets']], ['9 PATH_ESCAPES "s3://landing/../secrets/*.csv" leads out of its folder by "..", which is not followed.']],
  ...['s3:landing', 's3:///landing', 's3a://', 's3://.landing', 's3://[::1]'].map(place => ['D-35', [['s3://landing/customer/*.csv', place]], [`9 INVALID_VALUE "${place}" names no bucket; s3://BUCKET/KEY is what a path of a bucket is.`]] as const),
  ['rule 12', [['s3://landing', 's3://AKIA:secret@landing']], ['9 INVALID_VALUE In front of an "@" would be credentials. They belong to the bucket\'s source in the catalog; write s3://BUCKET/KEY.']],
  ['D-35', [['%Y/%m/%d', '%Y/%Q']], ['26 INVALID_VALUE "%Q" is no part of a date; %Y, %m, %d, %H, %M, %S are.']],
  ['D-36', [['header="true"', 'header="yes"']], ['9 INVALID_VALUE "header" of <csv> is "yes"; one of "true" or "false" is expected.']],
  ...['', ';;'].map(delimiter => ['D-37', [['delimiter=","', `delimiter="${delimiter}"`]], [`9 INVALID_VALUE "delimiter" of <csv> is "${delimiter}"; one character, or \\t for a tab is expected.`]] as const),
  ['D-38', [['inferSchema="false"', 'inferSchema="true"']], ['9 WARNING CONTRADICTION The schema given is taken; "inferSchema" has no effect beside it.']],
  ['D-39', [['compression="gzip"', 'compression="zip"']], ['26 INVALID_VALUE "compression" of <csv> is "zip"; one of "gzip", "bzip2", "snappy" or "none" is expected. Did you mean "gzip"?']],
  ['D-40', [['mode="overwrite"', 'mode="replace"']], ['26 INVALID_VALUE "mode" of <csv> is "replace"; one of "append", "overwrite", "ignore" or "error" is expected.']],
  ['D-41', [['inferSchema="false" loadPolicy="onDemand"', 'inferSchema="false" loadPolicy="lazy"']], ['9 INVALID_VALUE "loadPolicy" of <csv> is "lazy"; one of "eager" or "onDemand" is expected.']],
  ['D-42', [['inferSchema="false"', 'schemaRef="schemas/other.json"']], ['9 CONTRADICTION The attribute "schemaRef" says "schemas/other.json", the element <schemaRef> "schemas/customer_staging.avsc". One of them is enough.']],
  ['D-42', [['>schemas/customer_staging.avsc', '>schemas/../../x.avsc']], ['10 PATH_ESCAPES "schemas/../../x.avsc" leads out of its folder by "..", which is not followed.']],
  ['D-44', [['<database id="crm_service" ', '<database ']], ['27 MISSING_ATTRIBUTE <database> lacks "id"; a name: a letter or "_", then letters, digits, "_", "." and "-" is expected.']],
  ['D-45', [['jdbc:mysql://host/db', 'jdbc:orcale://u:secret@host/db']], ['12 INVALID_VALUE There is no driver "orcale"; postgresql, mysql, mariadb, sqlite, sqlserver are what there is.']],
  ['D-45', [['jdbc:mysql://host/db', 'jdbc:mysql://u:secret@host/db']], ['12 WARNING CONTRADICTION The URL has a password, which everybody sees who may read the document. Put it into a secret and name that in "userSecretRef".']],
  ...['0', '-1', 'many'].map(size => ['D-47', [['fetchSize="10000"', `fetchSize="${size}"`]], [`12 INVALID_VALUE "fetchSize" of <database> is "${size}"; a whole number from 1 is expected.`]] as const),
  ['D-47', [['writeBatchSize="5000"', 'writeBatchSize="0"']], ['27 INVALID_VALUE "writeBatchSize" of <database> is "0"; a whole number from 1 is expected.']],
  ['D-48', [[' schemaRef="schemas/service/crm_export.json"', '']], ['27 MISSING_ATTRIBUTE Mode "merge" needs "keys", or a "schemaRef" whose schema has some.']],
  ['D-49', [['fetchSize="10000"', 'isolationLevel="SNAPSHOT"']], ['12 INVALID_VALUE "isolationLevel" of <database> is "SNAPSHOT"; one of "READ_COMMITTED", "READ_UNCOMMITTED", "REPEATABLE_READ" or "SERIALIZABLE" is expected.']],
  ['D-51', [['</sql>', '</sql><table name="s.t"/>']], ['12 CONTRADICTION <database> has <sql> and <table>; one of them is expected.']],
  ['D-51', [['<sql><![CDATA[SELECT customer_id, status, updated_at FROM customer WHERE updated_at >= :runDate]]></sql>', '']], ['12 MISSING_ELEMENT <database> says neither <sql> nor <table> nor "queryRef"; one of them is expected.']],
  ['D-52', [['fetchSize="10000"', 'queryRef="resources/customers.sql"']], ['12 CONTRADICTION <database> has <sql> and "queryRef"; one of them is expected.']],
  ['D-54', [['table="staging.customer_snapshot"', 'table="customer_snapshot"']], ['25 INVALID_VALUE "table" of <hive> is "customer_snapshot"; a table with its schema, such as staging.customer_snapshot is expected.']],
  ['D-54', [['table="staging.customer_snapshot"', 'table="service.customer_snapshot"']], ['25 WARNING LAYER_VIOLATION A pipeline of layer "staging" writes into "service".']],
  ['D-55', [['mode="append"', 'mode="insert"']], ['25 INVALID_VALUE "mode" of <hive> is "insert"; one of "append", "overwrite" or "merge" is expected.']],
  ['D-56', [['partitionBy="ingest_date"', 'partitionBy="ingest_date,,"']], ['25 INVALID_VALUE Between two commas, or beside one, there is no column in "ingest_date,,".']],
  ['D-57', [['partitionBy="ingest_date"', 'format="csv"']], ['25 INVALID_VALUE "format" of <hive> is "csv"; one of "parquet", "orc" or "delta" is expected.']],
  ['D-19', [['layer="staging"', 'layer="service"']], ['25 LAYER_VIOLATION A pipeline of layer "service" writes into "staging". What is published does not go back into staging.']],
  ['D-16', [['<deduplicate ', '<deduplcate ']], ['17 UNKNOWN_ELEMENT There is no element <deduplcate>. Did you mean "deduplicate"?']],
  ['D-59', [['<sort source="customer_csv" orderBy', '<sort source="customer_csv" orderby']], ['18 MISSING_ATTRIBUTE <sort> lacks "orderBy"; one column or several with commas between is expected.', '18 UNKNOWN_ATTRIBUTE <sort> has no attribute "orderby". Did you mean "orderBy"?']],
  ['D-60', [[' condition="customer_csv.customer_id = customer_db.customer_id"', '']], ['19 MISSING_ATTRIBUTE <join> lacks "condition"; a text that is not empty is expected.']],
  ['D-60', [['right="customer_db"', 'right="customer_csv"']], ['19 CONTRADICTION The join has "customer_csv" on both sides, where a condition cannot tell one from the other. Give one of them another name by "as".']],
  ['D-62', [['strategy="tokenize"', 'strategy="hide"']], ['21 INVALID_VALUE "strategy" of <mask> is "hide"; one of "tokenize", "hash", "redact" or "encrypt" is expected.']],
  ['D-67', [['sum:revenue"', 'total:revenue"']], ['22 INVALID_VALUE At character 17 of the metrics stands "total:revenue"; a function (count, sum, avg, max, min), ":" and a name are expected, as in count:customers or sum:revenue:total.']],
  ['D-68', [['count:customers,sum:revenue', 'max:updated_at,min:updated_at']], ['22 DUPLICATE_ID The result of min:updated_at would be called "updated_at", as is the result of max:updated_at. Give it a name of its own: min:updated_at:updated_at_min.']],
  ['D-69', [['metrics="count:customers,sum:revenue"', 'metrics="count:n" window="monthly"']], ['22 INVALID_VALUE "window" of <aggregate> is "monthly"; "daily", "weekly" or a cron expression of five fields is expected.']],
  ['D-73', [['  <metadata>', '  <targets/><metadata>']], [
    '3 MISSING_ELEMENT <targets> is empty; one of "<hive>", "<csv>", "<database>", "<region>", "<elasticsearch>" or "<kafka>" is expected in it.',
    '3 MISPLACED_ELEMENT <metadata> stands behind <targets>; the order is metadata, parameters, sources, transformations, targets.',
    '8 MISPLACED_ELEMENT <sources> stands behind <targets>; the order is metadata, parameters, sources, transformations, targets.',
    '16 MISPLACED_ELEMENT <transformations> stands behind <targets>; the order is metadata, parameters, sources, transformations, targets.',
    '24 REPEATED_ELEMENT <targets> stands in <pipeline> once more, after that of line 3; once is expected.',
  ]],
  ['D-73', [['<sort source="customer_csv" orderBy="customer_id"/>', '<sla>PT1H</sla>']], ['18 MISPLACED_ELEMENT <sla> does not belong into <transformations>; one of "deduplicate", "sort", "join", "lookup", "merge", "aggregate", "mask" or "validate" may stand there.']],
] as readonly (readonly [string, readonly (readonly [string, string])[], readonly string[]])[])('%s: %j is said where it stands', (_row, changes, expected) => {
  const xml = changed(sample, ...changes)
  expect(said(xml).map(one => one.replace(/^(\d+):\d+/, '$1'))).toEqual(expected)
  for (const { line, column, path } of readDocument(xml).findings) {
    const [, element = '', attribute] = /([^/@]+?)(?:\[\d+\])?(?:\/@(.+))?$/.exec(path) ?? []
    const stands = (xml.split('\n')[line - 1] ?? '').slice(column - 1)
    expect(stands).toMatch(attribute === undefined ? new RegExp(`^(?:<${element}|[^<]*</${element}>)`) : new RegExp(`^${attribute} ?=`))
  }
})

test('D-09: everything that is wrong is said at once, in the order of the text', () => {
  const codes = readDocument(changed(sample, ['layer="staging"', 'layer="x"'], ['PT2H', '2h'], ['header="true"', 'header="1"'], ['<mask ', '<msk '], ['keep="latest"', 'keep="newest"'], ['writeBatchSize="5000"', 'writeBatchSize="x"'])).findings.map(({ line, code }) => `${line} ${code}`)
  expect(codes).toEqual(['2 INVALID_VALUE', '5 INVALID_VALUE', '9 INVALID_VALUE', '17 INVALID_VALUE', '21 UNKNOWN_ELEMENT', '27 INVALID_VALUE'])
})

test('what a program needs to mend a finding stands beside its words', () => {
  const [finding] = readDocument(changed(sample, ['<sort source="customer_csv"', '<sort source="customer_cvs"'])).findings
  expect(finding).toEqual({ severity: 'ERROR', code: 'UNKNOWN_REFERENCE', line: 18, column: 11, path: '/pipeline/transformations/sort/@source', message: expect.any(String), proposal: 'customer_csv' })
})

test('D-12, D-43: what is left out is what the schema says, and a tab may be written as two characters', () => {
  const [csv] = pipelineIn(withSteps('')
    .replace('<csv id="a" path="a.csv"/><csv id="b" path="b.csv"/><csv id="c" path="c.csv"/>', '<csv id="a" path="a.csv" delimiter="\\t"/>')).steps
  expect(csv?.checked.values).toEqual({ id: 'a', path: 'a.csv', header: true, delimiter: '\t', inferSchema: false, loadPolicy: 'onDemand', schemaRef: undefined, newColumns: 'fail' })
})

describe('D-74: steps and what they depend on', () => {
  test('a name means what has it last, and sources nobody reads are no steps (D-41)', () => {
    expect(plan(withSteps('<sort source="a" orderBy="x"/><sort source="b" orderBy="x"/><join left="a" right="b" condition="a.x = b.x" as="j"/><sort source="a" orderBy="y" as="other"/><merge sources="j,other" mode="union"/>'))).toEqual([
      'a', '1-sort a', 'b', '2-sort b', '3-join 1-sort,2-sort', '4-sort 1-sort', '5-merge 3-join,4-sort', 'target-1-region 5-merge',
    ])
  })

  test('a name that is given further down alone means that', () => {
    expect(plan(withSteps('<join left="a" right="cleaned" condition="a.x = cleaned.x"/><sort source="b" orderBy="x" as="cleaned"/>'))).toEqual(['a', 'b', '2-sort b', '1-join a,2-sort', 'target-1-region 1-join'])
  })

  test('steps that wait for each other are named, all of them', () => {
    expect(said(withSteps('\n<join left="two" right="a" condition="two.x = a.x" as="one"/>\n<sort source="three" orderBy="x" as="two"/>\n<sort source="one" orderBy="x" as="three"/>'))).toEqual([
      '3:52 CYCLE These steps wait for each other: <join> of line 3 ("one") needs <sort> of line 4 ("two") needs <sort> of line 5 ("three") needs <join> of line 3 ("one").',
    ])
    expect(said(withSteps('<sort source="one" orderBy="x" as="one"/>'))).toEqual(['2:49 CYCLE These steps wait for each other: <sort> of line 2 ("one") needs <sort> of line 2 ("one").'])
  })

  test('two results of one name are refused', () => {
    expect(said(withSteps('<sort source="a" orderBy="x" as="b"/>'))).toEqual(['2:47 DUPLICATE_ID "b" is the name of <csv> in line 1 already. Give the result another, or none, to take the place of what it was made of.'])
    expect(said(withSteps('<sort source="a" orderBy="x" as="d"/><sort source="d" orderBy="y" as="d"/>'))).toEqual(['2:84 DUPLICATE_ID "d" is the name of <sort> in line 2 already. Give the result another, or none, to take the place of what it was made of.'])
  })

  test('D-75: without transformations a source goes straight to the target', () => {
    const straight = withSteps('').replace('<transformations></transformations>', '').replace('<csv id="b" path="b.csv"/><csv id="c" path="c.csv"/>', '')
    expect(plan(straight)).toEqual(['a', 'target-1-region a'])
    expect(plan(straight.replace('\n\n', '<transformations/>'))).toEqual(['a', 'target-1-region a'])
  })

  test('D-72: a target writes the one thing nobody goes on with, or what it names; of several it has to say which', () => {
    const two = '<sort source="a" orderBy="x"/><sort source="b" orderBy="x"/>'
    expect(said(withSteps(two))).toEqual(['3:10 AMBIGUOUS "a" and "b" could be written here, for nothing goes on with them. Say which by "source".'])
    expect(plan(withSteps(two, '<region name="r" source="a"/><kafka topic="t"/>'))).toEqual(['a', '1-sort a', 'b', '2-sort b', 'target-1-region 1-sort', 'target-2-kafka 2-sort'])
    expect(said(withSteps('', '<region name="r"/>'))).toEqual(['3:10 AMBIGUOUS "a", "b" and "c" could be written here, for nothing goes on with them. Say which by "source".'])
    expect(said(withSteps(two, '<region name="r" source="d"/>'))).toEqual(['3:27 UNKNOWN_REFERENCE "d" is no dataset of this pipeline. Did you mean "a", "b" or "c"?'])
  })
})

test.each([
  ['1 = 1) UNION ALL (SELECT 1', 'The condition closes a parenthesis that is not open.'],
  ['(a.x = b.x', 'The condition has a parenthesis that is not closed.'],
  ["a.x = 'b", "The condition has a ' that is not closed."],
  ['a.x = b.x; DROP TABLE t', 'The condition has ";", which ends it; one condition without comments is expected.'],
  ['a.x = b.x -- and', 'The condition has "--", which ends it; one condition without comments is expected.'],
  ['a.x = /* */ b.x', 'The condition has "/*", which ends it; one condition without comments is expected.'],
  ['a.x IN (SELECT 1)', 'The condition has a query in it; it may compare columns of the two datasets, and values.'],
])('D-60: %p is not one condition and nothing more', (condition, why) => {
  expect(said(withSteps(`<join left="a" right="b" condition="${condition}"/>`)).map(one => one.replace(/^\d+:\d+ /, ''))).toEqual([`INVALID_VALUE ${why}`])
})

test('D-60: what ends something may stand in quotes', () => {
  expect(said(withSteps(`<join left="a" right="b" condition="a.x = ') -- select ;' AND b.&quot;y)&quot; = 'it''s'"/>`))).toEqual([])
})

test.each([
  ['D-70', '<merge sources="a" mode="union"/>', ['INVALID_VALUE "a" alone cannot be merged; name two datasets or more.']],
  ['D-70', '<merge sources="a,b,a" mode="union"/>', ['DUPLICATE_ID "a" stands twice in "sources".']],
  ['D-70', '<merge sources="a,b" mode="upsert"/>', ['MISSING_ATTRIBUTE Mode "upsert" needs "keys": columns a row is known by.']],
  ['D-70', '<merge sources="a,b" mode="union" allowMissing="true"/>', ['CONTRADICTION "allowMissing" means something only with byName="true".']],
  ['D-65', '<mask source="a" columns="x" strategy="redact" secretRef="k"/>', ['WARNING CONTRADICTION Strategy "redact" needs no key; take "secretRef" out, or choose a strategy that has one.']],
  ['D-63', '<mask source="a" columns="x" strategy="tokenize" keepFormat="true"/><mask source="b" columns="x" strategy="hash" keepFormat="false"/><merge sources="a,b" mode="union"/>', []],
  ['D-63', '<mask source="a" columns="x" strategy="hash" keepFormat="true"/>', ['WARNING CONTRADICTION Strategy "hash" keeps no format; take "keepFormat" out, or choose "tokenize".']],
  ['D-63', '<mask source="a" columns="x" strategy="tokenize" keepFormat="yes"/>', ['INVALID_VALUE "keepFormat" of <mask> is "yes"; one of "true" or "false" is expected.']],
  ['D-68', '<aggregate source="a" groupBy="n" metrics="count:n"/>', ['DUPLICATE_ID The result of count would be called "n", as is column n of groupBy. Give it a name of its own: count:n_count.']],
  ['D-120', '<validate source="a"/>', ['MISSING_ELEMENT <validate> is empty; one of "<notNull>", "<unique>", "<range>", "<regex>", "<freshness>" or "<rowCount>" is expected in it.']],
  ['D-120', '<validate source="a"><range column="x"/><rowCount min="5" max="3"/><regex column="x" pattern="("/></validate>', [
    'MISSING_ATTRIBUTE <range> lacks "min" and "max"; one of them is expected.', 'CONTRADICTION "min", 5, is above "max", 3.', 'INVALID_VALUE "pattern" of <regex> is "("; a regular expression is expected.',
  ]],
] as const)('%s: %s', (_row, step, expected) => {
  expect(said(withSteps(step)).map(one => one.replace(/^\d+:\d+ /, ''))).toEqual(expected.map(one => expect.stringContaining(one)))
})

test.each(transforms.map(({ shape, example }) => [shape.name, example]))('D-26: the example of <%s> is right', (_, example) => {
  const names = [...example.matchAll(/customer_csv|customer_db/g)].map(([name]) => name)
  expect(said(withSteps(example).replace('<csv id="b" path="b.csv"/><csv id="c" path="c.csv"/>', [...new Set(names)].map(id => `<csv id="${id}" path="x"/>`).join('')))).toEqual([])
})

describe('D-43, D-50: the query of a database', () => {
  const withQuery = (sql: string, declared = '') => said(changed(sample, ['SELECT customer_id, status, updated_at FROM customer WHERE updated_at >= :runDate', sql], ['</metadata>', `</metadata><parameters>${declared}</parameters>`])).map(one => one.replace(/^13:\d+ /, ''))

  test.each([
    'WITH c AS (SELECT 1) SELECT * FROM c',
    '  -- what it is\n /* SELECT */ select :since, :app FROM t;\n -- end',
    "SELECT ':nothing', x::date, \":none\", `:no`, [a:b], 'it''s :x', 'a\\' :y' FROM t WHERE d >= :runDate AND e = :runId AND f = :env",
  ])('%p is one reading statement', sql => expect(withQuery(sql, '<parameter name="since" type="date"/>')).toEqual([]))

  test.each([
    ['DELETE FROM customer', ['INVALID_VALUE The query begins with "DELETE"; a SELECT, or WITH and a SELECT, is expected.']],
    ['/* SELECT */ UPDATE t SET a = 1', ['INVALID_VALUE The query begins with "UPDATE"; a SELECT, or WITH and a SELECT, is expected.']],
    ['SELECT 1; DROP TABLE t', ['INVALID_VALUE Behind the ";" of the query another statement follows; one SELECT is expected.']],
    ['SELECT * FROM t WHERE d >= :runDat', ['UNKNOWN_REFERENCE The query names ":runDat", which is no parameter of this pipeline. Did you mean "runDate"?']],
    ['SELECT * FROM t WHERE d >= :since AND e <= :since', ['UNKNOWN_REFERENCE The query names ":since", which is no parameter of this pipeline. There are runDate, runId, app, env; others are declared in <parameters>.']],
  ])('%p is not one that can be run', (sql, expected) => expect(withQuery(sql)).toEqual(expected))
})

test('D-87: parameters have a type, a default of that type, and names that nothing else has', () => {
  const declared = (list: string) => changed(sample, ['</metadata>', `</metadata><parameters>${list}</parameters>`])
  expect(pipelineIn(declared('<parameter name="since" type="date" default="2024-02-29"/><parameter name="region"/>')).parameters).toEqual([{ name: 'since', type: 'date', fallback: '2024-02-29' }, { name: 'region', type: 'string' }])
  expect(said(declared('<parameter name="since" type="date" default="2024-13-01"/><parameter name="runDate"/><parameter name="since"/>')).map(one => one.replace(/^\d+:\d+ /, ''))).toEqual([
    'INVALID_VALUE "2024-13-01" is no value of type date.', 'DUPLICATE_ID "runDate" is there without being declared. Give the parameter another name.', 'DUPLICATE_ID There is another parameter "since".',
  ])
})

test('D-18: what a pipeline reads from a layer after its own is a warning', () => {
  const xml = withSteps('').replace('layer="service"', 'layer="standardization"').replace(/<csv.*csv"\/>/, '<hive id="a" table="service.customers"/>')
  expect(said(xml)).toEqual([expect.stringMatching(/^1:\d+ WARNING LAYER_SKIP A pipeline of layer "standardization" reads from "service", which comes after it\.$/)])
})

test('D-71: two targets of one pipeline do not write to one place', () => {
  const targets = (...written: readonly string[]) => said(withSteps('', written.map(one => `\n${one}`).join(''))).map(one => one.replace(/^(\d+):\d+ (\w+) The target in (line \d+) .*$/, '$1 $2 $3'))
  const csv = (path: string) => `<csv source="a" path="${path}"/>`
  const hive = (table: string) => `<hive source="a" table="service.${table}" mode="append"/>`
  const database = (file: string, table: string) => `<database id="${file}-${table}" source="a" jdbcUrl="jdbc:sqlite:${file}" mode="append"><table name="main.${table}"/></database>`
  expect(targets(csv('out'), csv('out'), csv('other'))).toEqual(['5 DUPLICATE_ID line 4'])
  expect(targets(hive('t'), hive('u'), hive('t'))).toEqual(['6 DUPLICATE_ID line 4'])
  expect(targets(database('a.db', 't'), database('b.db', 't'), database('a.db', 'u'))).toEqual(['6 CONTRADICTION line 4'])
  expect(targets(csv('t'), hive('t'), database('t', 't'), csv('T'))).toEqual([])
})

test('a document of another kind is told from those there are', () => {
  expect(said('<pipline id="x"/>')).toEqual(['1:1 UNKNOWN_ELEMENT The document is a <pipline>; one of <pipeline> or <jobPipeline> is expected. Did you mean "pipeline"?'])
  expect(said(`<pipeline>${' '.repeat(1024 * 1024)}</pipeline>`)).toEqual(['1:1 REFUSED_XML The document has 1048597 characters; 1048576 are the limit.'])
})
