import { catalogFolder } from '../support/catalog-folder.ts'
import { type Running, startProgram } from '../support/program.ts'

const catalog = `
sources:
  shop: { type: files, root: ./shop }
regions:
  things: { type: Thing, key: id, load: { source: shop, table: things, eager: true }, indexes: [shelf_id] }
  shelves: { type: Shelf, key: id, load: { source: shop, table: shelves, eager: true } }
relations:
  - { from: Thing.shelf_id, to: Shelf.id, as: shelf, inverse: things }
`
const files = {
  'hub.yaml': catalog, 'shop/shelves.csv': 'id,place\ns1,left\ns2,right\n',
  'shop/things.csv': ['id,name,shelf_id', ...Array.from({ length: 60 }, (_, index) => `t${index},"Thing ""${index}""",s${(index % 2) + 1}`), ''].join('\n'),
}
/** More objects than a selection is compiled after, in an operation with two fetches of which the second is compiled when it comes again. */
const documents = [
  '{ things(first: 60) { nodes { id name shelf { place things(first: 1) { totalCount } } } } }',
  '{ thingsByKey(keys: ["t1", "none", "t7"]) { name shelfId } cacheRegions { nodes { name } } }',
]

const started: Running[] = []
afterEach(() => Promise.all(started.splice(0).map(program => program.stop())))

async function answers(folder: string, env: Readonly<Record<string, string>>): Promise<string[]> {
  const program = startProgram(['start', '--port', '0', '--data', `data${started.length}`], { cwd: folder, env })
  started.push(program)
  const [url] = await program.written(/http:\S+\/graphql/)
  const texts: string[] = []
  for (const query of [...documents, ...documents, ...documents]) {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) })
    texts.push(await response.text())
  }
  return texts
}

test('a process that may not generate code from text serves the same answers', async () => {
  const folder = catalogFolder(files)
  try {
    const [usual, without] = await Promise.all([answers(folder.folder, {}), answers(folder.folder, { NODE_OPTIONS: '--disallow-code-generation-from-strings' })])
    expect(without).toEqual(usual)
    expect(JSON.parse(usual[0] ?? '')).toMatchObject({ data: { things: { nodes: expect.arrayContaining([{ id: 't7', name: 'Thing "7"', shelf: { place: 'right', things: { totalCount: 30 } } }]) } } })
    expect(new Set(usual).size).toBe(documents.length)
  } finally {
    folder.remove()
  }
}, 120_000)
