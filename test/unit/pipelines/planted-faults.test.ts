import { jobShape } from '../../../subgraphs/pipelines/document/job.ts'
import { pipelineShape } from '../../../subgraphs/pipelines/document/pipeline.ts'
import { readDocument } from '../../../subgraphs/pipelines/document/read.ts'
import { readXml, type XmlElement } from '../../../subgraphs/pipelines/xml/read.ts'
import { type ElementShape, inside } from '../../../subgraphs/pipelines/xml/shape.ts'
import { type Given, PlanBench } from '../../support/pipeline-plans.ts'
import { customerMaster, customerStagingLoad } from '../../support/pipelines.ts'

/** Everything a document may have, over data whose columns are known. */
const rich = `<pipeline id="orders_service" version="2.1.0" layer="service" onNoData="fail">
  <metadata><owner>orders-team</owner><sla>P1D</sla><schedule>15 3 * * 1-5</schedule></metadata>
  <parameters><parameter name="since" type="date" default="2024-01-01"/></parameters>
  <sources>
    <csv id="orders" path="in/%Y/orders-*.csv" header="true" delimiter=";" inferSchema="false" loadPolicy="eager"/>
    <parquet id="customers" path="in/customers.parquet" loadPolicy="onDemand"/>
    <hive id="returns" table="staging.returns"/>
    <database id="prices" jdbcUrl="jdbc:postgresql://host/shop" fetchSize="500" isolationLevel="READ_COMMITTED"><sql>SELECT item, price FROM prices WHERE day >= :since</sql></database>
  </sources>
  <transformations>
    <validate source="orders"><notNull columns="order_id,item"/><unique columns="order_id" severity="warning"/><range column="amount" min="0" max="1000"/><regex column="item" pattern="[A-Z]+"/><freshness column="updated_at" maxAge="P7D"/><rowCount min="1"/></validate>
    <deduplicate source="orders" keys="order_id" keep="latest" orderBy="updated_at"/>
    <sort source="orders" orderBy="order_id,item" direction="desc" nulls="last"/>
    <merge sources="orders,returns" mode="upsert" keys="order_id" byName="true" allowMissing="true" as="movements"/>
    <join left="movements" right="prices" type="left" condition="movements.item = prices.item" as="priced"/>
    <join left="priced" right="customers" type="inner" condition="priced.customer = customers.customer_id AND customers.country &lt;&gt; 'XX'" as="sold"/>
    <lookup source="sold" reference="countries" outputFields="country_name" joinType="left" keys="country"/>
    <mask source="sold" columns="email" strategy="hash" secretRef="mask_key"/>
    <aggregate source="sold" groupBy="country_name,item" metrics="count:orders,sum:amount,max:updated_at:latest" window="daily" as="totals"/>
  </transformations>
  <targets>
    <csv source="totals" path="out/%Y/%m/%d" mode="overwrite" compression="gzip" delimiter="\\t"/>
    <hive source="sold" table="service.sold" mode="merge" partitionBy="country_name" format="parquet" keys="order_id"/>
    <database id="shop" source="totals" jdbcUrl="jdbc:sqlite:out.db" mode="truncateInsert" writeBatchSize="100"><table name="main.totals"/></database>
    <region source="totals" name="totals" mode="overwrite"/>
    <elasticsearch source="sold" connection="search" index="sold" mode="merge" keys="order_id"/>
    <kafka source="totals" topic="totals" keys="country_name"/>
  </targets>
</pipeline>`
const datasets: Readonly<Record<string, Given>> = {
  orders: { columns: { order_id: 'Int', item: 'String', customer: 'Int', amount: 'Decimal', updated_at: 'DateTime' }, rows: [] },
  returns: { columns: { order_id: 'Int', item: 'String', reason: 'String' }, rows: [] },
  customers: { columns: { customer_id: 'Int', country: 'String', email: 'String' }, rows: [] },
  prices: { columns: { item: 'String', price: 'Decimal' }, rows: [] },
  customer_csv: { columns: { customer_id: 'Long', ssn: 'String', email: 'String', revenue: 'Decimal', updated_at: 'DateTime' }, rows: [] },
  customer_db: { columns: { customer_id: 'Long', status: 'String' }, rows: [] },
}
const references: Readonly<Record<string, Given>> = {
  countries: { columns: { country: 'String', country_name: 'String' }, rows: [], keys: ['country'] },
  country_dim: { columns: { customer_id: 'Long', country_name: 'String' }, rows: [], keys: ['customer_id'] },
}

interface Fault {
  readonly what: string
  readonly xml: string
}

/** Two letters of a word that change places, or one more where that is none. */
function misspelt(word: string): string {
  const place = Math.max(1, Math.floor(word.length / 2))
  const swapped = word.slice(0, place - 1) + (word[place] ?? '') + (word[place - 1] ?? '') + word.slice(place + 1)
  return swapped === word || word.length < 2 ? `${word}x` : swapped
}

/** Types of texts that may be anything, or name what lies elsewhere. */
const free = new Set(['text', 'anything', 'pattern', 'path', 'url', 'email', 'schemaRef'])
/** Attributes whose names nothing else in a document says: of what a run makes, or of what lies elsewhere. */
const outside = new Set(['pipelineRef/id', 'pipeline/id', 'jobPipeline/id', 'parameter/default', 'mask/secretRef', 'region/name', 'elasticsearch/connection', 'database/id', 'hive/table', 'table/name', 'hive/partitionBy', 'hive/keys', 'elasticsearch/keys', 'kafka/keys'])

/** One fault after the other, each alone: every element and attribute by another name, left out where it must be there, standing once more where it may stand once, and every value that has a form by one that has not, or a name by one that is none. */
function plant(xml: string, shape: ElementShape): Fault[] {
  const { root } = readXml(xml)
  if (!root) throw new Error('The document is no XML.')
  const faults: Fault[] = []
  const add = (what: string, change: (target: XmlElement) => Partial<Written> | null, target: XmlElement) => faults.push({ what, xml: written(root, one => (one === target ? change(one) : {})) })
  const visit = (node: XmlElement, own: ElementShape, isRequired: boolean) => {
    const at = node.path.replace(/^\/[^/]+\//, '')
    if (node !== root) add(`<${at}> by another name`, () => ({ name: misspelt(node.name) }), node)
    if (node !== root && isRequired) add(`<${at}> left out`, () => null, node)
    if (own.text && !free.has(own.text.type.name)) add(`another text of <${at}>`, () => ({ text: `?${node.text.trim()}` }), node)
    for (const [name, { value }] of node.attributes) {
      const attribute = own.attributes[name]
      if (!attribute) throw new Error(`There is no attribute "${name}".`)
      const others = [...node.attributes].filter(([each]) => each !== name)
      const put = (each: string, text: string) => ({ attributes: [...others, [each, text]] as [string, string][] })
      const rest = others.map(([each, { value: text }]): [string, string] => [each, text])
      add(`${at}/@${name} by another name`, () => ({ attributes: [...rest, [misspelt(name), value]] }), node)
      if (attribute.isRequired) add(`${at}/@${name} left out`, () => ({ attributes: rest }), node)
      if (free.has(attribute.type.name) && !['condition', 'column'].includes(name)) continue
      if (outside.has(`${node.name}/${name}`)) continue
      const pieces = attribute.type.name === 'columns' || attribute.type.name === 'names' ? value.split(',') : [value]
      for (const [place, piece] of pieces.entries()) {
        const wrong = name === 'condition' ? value.replace(/\.([a-z_]+)/, (_, column: string) => `.${misspelt(column)}`) : name === 'metrics' ? value.replace(/(sum|max):([a-z_]+)/, (_, computed: string, column: string) => `${computed}:${misspelt(column)}`) : ['name', 'names', 'columns', 'text'].includes(attribute.type.name) ? pieces.with(place, misspelt(piece)).join(',') : `?${value}`
        add(`another ${at}/@${name}: ${wrong}`, () => ({ attributes: [...put(name, wrong).attributes.slice(0, -1).map(([each]): [string, string] => [each, node.attributes.get(each)?.value ?? '']), [name, wrong]] }), node)
      }
    }
    const once = own.content && !('any' in own.content) ? ('inOrder' in own.content ? own.content.inOrder : own.content.each) : []
    for (const child of node.children) {
      const shapeOfChild = inside(own).find(one => one.name === child.name)
      if (!shapeOfChild) throw new Error(`There is no element "${child.name}".`)
      const part = once.find(one => one.shape === shapeOfChild)
      if (part) faults.push({ what: `${child.path} once more`, xml: written(root, one => (one === node ? { children: [...node.children, child] } : {})) })
      visit(child, shapeOfChild, part?.isRequired ?? node.children.length === 1)
    }
  }
  visit(root, shape, true)
  return faults
}

interface Written {
  readonly name: string
  readonly attributes: readonly (readonly [string, string])[]
  readonly children: readonly XmlElement[]
  readonly text: string
}

const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;')

/** The document with one element changed, or without it. */
function written(node: XmlElement, change: (node: XmlElement) => Partial<Written> | null): string {
  const changes = change(node)
  if (changes === null) return ''
  const { name, attributes, children, text } = { name: node.name, attributes: [...node.attributes].map(([each, { value }]) => [each, value] as const), children: node.children, text: node.text.trim(), ...changes }
  return `<${name}${attributes.map(([each, value]) => ` ${each}="${escaped(value)}"`).join('')}>${escaped(text)}${children.map(child => written(child, change)).join('')}</${name}>`
}

let bench: PlanBench
beforeAll(async () => {
  bench = await PlanBench.open()
})
afterAll(() => bench.close())

/** Errors of a document, and of its columns where it has no others. */
async function errors(xml: string): Promise<number> {
  const read = readDocument(xml)
  const own = read.findings.filter(({ severity }) => severity === 'ERROR').length
  if (own > 0 || read.kind !== 'pipeline') return own
  return (await bench.compile(xml, datasets, references)).findings.filter(({ severity }) => severity === 'ERROR').length
}

test('of more than 300 faults planted in right documents each is found before anything runs', async () => {
  const documents = [[rich, pipelineShape], [customerStagingLoad, pipelineShape], [customerMaster, jobShape]] as const
  for (const [xml] of documents) expect(await errors(xml)).toBe(0)
  const faults = documents.flatMap(([xml, shape]) => plant(xml, shape))
  const unseen: string[] = []
  for (const { what, xml } of faults) if ((await errors(xml)) === 0) unseen.push(what)
  expect(faults.length).toBeGreaterThan(300)
  expect(unseen).toEqual([])
}, 120_000)
