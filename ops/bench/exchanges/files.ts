import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { countryOf, customers, type Day, type Exchange } from './day.ts'

/** Where everything of a load lies. */
export interface Places {
  /** The catalog of the hubs. */
  readonly catalog: string
  /** What they take pipelines from. */
  readonly pipelines: string
  /** The data of an application. */
  readonly dataOf: (application: string) => string
}

export function placesIn(folder: string): Places {
  return { catalog: join(folder, 'hub.yaml'), pipelines: join(folder, 'pipelines'), dataOf: application => join(folder, 'data/applications', application) }
}

const pipeline = (id: string, layer: string, inside: string, more = '') => `<pipeline id="${id}" version="1.0" layer="${layer}" onNoData="fail">\n<metadata><owner>load</owner>${more}</metadata>\n${inside}\n</pipeline>\n`
const file = (kind: string) => `<sources><csv id="lines" path="landing/${kind}-%H%M%S.csv" schemaRef="schemas/lines.avsc"/></sources>`
const once = '<deduplicate source="lines" keys="order_id" keep="latest" orderBy="line_id"/>'

/** By layer and id. */
const exchanging: Readonly<Record<string, string>> = {
  'staging/receive': pipeline('receive', 'staging', `${file('receive')}\n<targets><hive table="staging.lines" mode="append"/></targets>`),
  'service/deliver': pipeline('deliver', 'service', `${file('deliver')}\n<transformations>${once}<sort source="lines" orderBy="order_id"/></transformations>\n<targets><csv path="service/delivered" mode="append"/></targets>`),
  'service/book': pipeline('book', 'service', `${file('book')}\n<targets><database id="ledger" jdbcUrl="jdbc:sqlite:ledger.sqlite" mode="append"><table name="main.line"/></database></targets>`),
  'service/settle': pipeline('settle', 'service', `${file('settle')}\n<transformations>${once}</transformations>\n<targets><database id="ledger" jdbcUrl="jdbc:sqlite:ledger.sqlite" mode="merge" keys="order_id"><table name="main.balance"/></database></targets>`),
}

const refining: Readonly<Record<string, string>> = {
  'standardization/refine': pipeline('refine', 'standardization', `<sources><hive id="lines" table="staging.lines"/></sources>
<transformations>${once}<lookup source="lines" reference="customers" outputFields="country"/><mask source="lines" columns="email" strategy="redact"/></transformations>
<targets><hive table="standardization.orders" mode="overwrite"/></targets>`, '<schedule>*/2 * * * *</schedule>'),
  'service/report': pipeline('report', 'service', '<sources><hive id="orders" table="standardization.orders"/></sources>\n<transformations><sort source="orders" orderBy="order_id"/></transformations>\n<targets><csv path="service/report" mode="overwrite"/></targets>'),
}

const schema = (name: string, keys: readonly string[], fields: Readonly<Record<string, string>>) => JSON.stringify({ type: 'record', name, keys, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) })
const columns = 'line_id INTEGER, order_id INTEGER, customer_id INTEGER, cents INTEGER, email TEXT'

/** Writes the catalog, what all applications share, the pipelines that take files, and the databases. */
export async function writeApplications(places: Places, { applications }: Day): Promise<void> {
  const ids = Array.from({ length: customers }, (_, nth) => nth + 1)
  await write(places.catalog, 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n')
  await write(join(places.pipelines, 'common/schemas/lines.avsc'), schema('lines', ['line_id'], { line_id: 'long', order_id: 'long', customer_id: 'long', cents: 'long', email: 'string' }))
  await write(join(places.pipelines, 'common/lookups/customers.csv'), `customer_id,country\n${ids.map(id => `${id},${countryOf(id)}`).join('\n')}\n`)
  await write(join(places.pipelines, 'common/lookups/customers.avsc'), schema('customers', ['customer_id'], { customer_id: 'long', country: 'string' }))
  for (const application of applications) {
    await mkdir(places.dataOf(application), { recursive: true })
    const database = new DatabaseSync(join(places.dataOf(application), 'ledger.sqlite'))
    database.exec(`CREATE TABLE line (${columns}); CREATE TABLE balance (${columns.replace('order_id INTEGER', 'order_id INTEGER PRIMARY KEY')})`)
    database.close()
    await writeDocuments(places, application, exchanging)
  }
}

/** Writes the pipelines over what was received, one of them with a schedule. */
export async function writeRefining(places: Places, { applications }: Day): Promise<void> {
  for (const application of applications) await writeDocuments(places, application, refining)
}

async function writeDocuments({ pipelines }: Places, application: string, documents: Readonly<Record<string, string>>): Promise<void> {
  for (const [at, text] of Object.entries(documents)) {
    const [layer = '', id = ''] = at.split('/')
    await write(join(pipelines, 'applications', application, layer, 'pipelines', `${id}.xml`), text)
  }
}

/** The file arrives, whole. */
export async function writeLanding({ dataOf }: Places, { application, kind, runDate, lines }: Exchange): Promise<void> {
  const text = ['line_id,order_id,customer_id,cents,email', ...lines.map(({ lineId, orderId, customerId, cents, email }) => [lineId, orderId, customerId, cents, email].join(','))].join('\n')
  await write(join(dataOf(application), 'landing', `${kind}-${runDate.slice(11).replaceAll(':', '')}.csv`), `${text}\n`)
}

/** Nobody finds half of it. */
async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.part`, text)
  await rename(`${path}.part`, path)
}
