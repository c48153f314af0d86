import type { JobDocument } from '../../subgraphs/pipelines/document/job.ts'
import type { PipelineDocument } from '../../subgraphs/pipelines/document/pipeline.ts'
import { readDocument } from '../../subgraphs/pipelines/document/read.ts'
import type { Finding } from '../../subgraphs/pipelines/finding.ts'

/** The sample of the requirements, its join put right (D-60, D-77). */
export const customerStagingLoad = `<?xml version="1.0" encoding="UTF-8"?>
<pipeline id="customer_staging_load" version="1.0" layer="staging">
  <metadata>
    <owner>customer-team</owner>
    <sla>PT2H</sla>
    <schedule>0 * * * *</schedule>
  </metadata>
  <sources>
    <csv id="customer_csv" path="s3://landing/customer/*.csv" header="true" delimiter="," inferSchema="false" loadPolicy="onDemand">
      <schemaRef>schemas/customer_staging.avsc</schemaRef>
    </csv>
    <database id="customer_db" jdbcUrl="jdbc:mysql://host/db" fetchSize="10000" loadPolicy="onDemand" schemaRef="schemas/customer_db.json">
      <sql><![CDATA[SELECT customer_id, status, updated_at FROM customer WHERE updated_at >= :runDate]]></sql>
    </database>
  </sources>
  <transformations>
    <deduplicate source="customer_csv" keys="customer_id" keep="latest"/>
    <sort source="customer_csv" orderBy="customer_id"/>
    <join left="customer_csv" right="customer_db" type="left" condition="customer_csv.customer_id = customer_db.customer_id"/>
    <lookup source="customer_csv" reference="country_dim" outputFields="country_name"/>
    <mask source="customer_csv" columns="ssn,email" strategy="tokenize"/>
    <aggregate source="customer_csv" groupBy="country_name" metrics="count:customers,sum:revenue"/>
  </transformations>
  <targets>
    <hive table="staging.customer_snapshot" mode="append" partitionBy="ingest_date" schemaRef="schemas/staging/customer_snapshot.avsc"/>
    <csv path="service/customer/export/%Y/%m/%d" mode="overwrite" compression="gzip"/>
    <database id="crm_service" jdbcUrl="jdbc:sqlserver://crm-host/db" mode="merge" writeBatchSize="5000" schemaRef="schemas/service/crm_export.json">
      <table name="dbo.customer_service_snapshot"/>
    </database>
  </targets>
</pipeline>
`

/** The sample of a job. */
export const customerMaster = `<jobPipeline id="customer_master" version="2.0">
  <pipelines>
    <pipelineRef id="customer_staging_load" onFailure="retry" maxRetries="2"/>
    <pipelineRef id="customer_standardization" dependsOn="customer_staging_load" onFailure="halt"/>
    <pipelineRef id="customer_service_export" dependsOn="customer_standardization" onFailure="continue"/>
  </pipelines>
  <notifications>
    <email to="ops@company.com" on="failure"/>
    <webhook url="https://hooks.slack.com/services/T0/B0/x" on="completion"/>
  </notifications>
</jobPipeline>
`

/** A document with something in the place of something else, which has to be there once. */
export function changed(xml: string, ...changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((text, [from, to]) => {
    if (text.split(from).length !== 2) throw new RangeError(`"${from}" stands in the document ${text.split(from).length - 1} times.`)
    return text.replace(from, () => to)
  }, xml)
}

/** What is said of a document: `line:column CODE message`, with the severity where it is no ERROR. */
export const said = (xml: string): string[] => readDocument(xml).findings.map(sayingOf)
/** The document, or an error with what is said of it. */
export function pipelineIn(xml: string): PipelineDocument {
  const { kind, document } = readDocument(xml)
  if (kind !== 'pipeline' || !document) throw new Error(said(xml).join('\n'))
  return document
}

export function jobIn(xml: string): JobDocument {
  const { kind, document } = readDocument(xml)
  if (kind !== 'job' || !document) throw new Error(said(xml).join('\n'))
  return document
}

function sayingOf({ severity, code, line, column, message }: Finding): string {
  return `${line}:${column} ${severity === 'ERROR' ? '' : `${severity} `}${code} ${message}`
}
