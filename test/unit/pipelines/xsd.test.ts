import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { XmlDocument, XsdValidator } from 'libxml2-wasm'
import { readDocument } from '../../../subgraphs/pipelines/document/read.ts'
import { schemas } from '../../../subgraphs/pipelines/xsd.ts'
import { changed, customerMaster, customerStagingLoad } from '../../support/pipelines.ts'

/** What libxml2 has against a document by the schema; undefined where it has nothing. */
function against(schema: string, xml: string): string | undefined {
  using definition = XmlDocument.fromString(schema)
  using validator = XsdValidator.fromDoc(definition)
  using document = XmlDocument.fromString(xml)
  try {
    validator.validate(document)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

test.each(Object.entries(schemas))('D-73: schema/%s is what the shapes make', (name, text) => {
  expect(readFileSync(join(import.meta.dirname, '../../../schema', name), 'utf8')).toBe(text)
})

test('D-73: the samples are valid by the schemas, as they are by our own check', () => {
  expect(against(schemas['pipeline.xsd'], customerStagingLoad)).toBeUndefined()
  expect(against(schemas['job.xsd'], customerMaster)).toBeUndefined()
})

/** Changes to single attributes and elements, each of which makes the sample wrong. */
const faults: readonly (readonly [string, string])[] = [
  [' id="customer_staging_load"', ''], ['layer="staging"', 'layer="x"'], ['load" version="1.0"', 'load" version="1"'], ['<owner>customer-team</owner>', ''], ['<metadata>', '<metadata x="1">'],
  ['  <targets>', '  <sources/><targets>'], ['header="true"', 'header="maybe"'], ['fetchSize="10000"', 'fetchSize="0"'], ['<sort ', '<srt '], ['<sort source="customer_csv" orderBy="customer_id"/>', '<sla>PT1H</sla>'],
  ['orderBy="customer_id"', 'orderby="customer_id"'].map(one => ` ${one}`) as [string, string], ['<hive table="staging.customer_snapshot"', '<hive table="x"'], ['compression="gzip"', 'compression="zip"'], ['<table name="dbo.customer_service_snapshot"/>', ''],
  ['strategy="tokenize"', ''], ['<sla>PT2H</sla>', '<sla>PT2H</sla><sla>PT2H</sla>'], ['0 * * * *', '0 * *'], ['metrics="count:customers,sum:revenue"', 'metrics="count"'],
]

test.each(faults)('D-73: %j for %j is refused by the schema and by our own check', (from, to) => {
  const xml = changed(customerStagingLoad, [from, to])
  expect(against(schemas['pipeline.xsd'], xml)).toEqual(expect.any(String))
  expect(readDocument(xml).findings.filter(({ severity }) => severity === 'ERROR').length).toBeGreaterThan(0)
})
