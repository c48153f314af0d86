import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub } from '../support/hub.ts'

const catalog = `
sources:
  shop: { type: files, root: ./shop }
regions:
  things: { type: Thing, key: id, load: { source: shop, table: things, eager: true } }
  shelves: { type: Shelf, key: id, load: { source: shop, table: shelves, eager: true } }
relations:
  - { from: Thing.shelf_id, to: Shelf.id, as: shelf, inverse: things }
`
const things = [
  'id,name,count,share,open,made_on,shelf_id', 'a,Plain,1,0.5,true,2024-02-29,s1', 'b,"Quote "" and \\ back",-7,1e300,false,,s2', 'é,語 🙂,,,,2000-01-01,', 'd,"two\nlines",2147483647,-0.25,true,1999-12-31,s1', '',
].join('\n')
const shelves = 'id,place\ns1,left\ns2,right\n'

test('a list by keys is the same whether it is written from where the rows lie or made of them', async () => {
  const folder = catalogFolder({ 'hub.yaml': catalog, 'shop/things.csv': things, 'shop/shelves.csv': shelves })
  const hub = await startHub({ catalog: folder.catalog })
  try {
    const keys = ['d', 'nobody', 'a', 'é', 'a', 'b', '']
    const selections = [
      'id name count share open madeOn shelfId', 'second: name first: id', 'id name @include(if: $yes) count @skip(if: $yes)', '...on Thing { id } ...Named', 'id __typename', 'id shelf { place }', 'madeOn',
    ]
    for (const selection of selections) {
      const document = `query ($keys: [ID!]!, $yes: Boolean = true) { thingsByKey(keys: $keys) { ${selection} } yes: thing(id: "a") { id @include(if: $yes) } none: thingsByKey(keys: []) { ${selection} } } ${selection.includes('...Named') ? 'fragment Named on Thing { name }' : ''}`
      for (const yes of [true, false, true]) {
        // Whoever asks how an answer came about gets one made of rows.
        const made = await hub.query(document, { keys, yes }, { 'x-hub-explain': '1' })
        const written = await hub.query(document, { keys, yes })
        expect(made.errors).toBeUndefined()
        expect(JSON.stringify(written.data)).toBe(JSON.stringify(made.data))
        expect(written.errors).toBeUndefined()
      }
    }
    const { data } = await hub.query('{ thingsByKey(keys: ["é", "x", "b"]) { id name count share open madeOn } }')
    expect(data).toEqual({ thingsByKey: [
      { id: 'é', name: '語 🙂', count: null, share: null, open: null, madeOn: '2000-01-01' }, null, { id: 'b', name: 'Quote " and \\ back', count: -7, share: 1e300, open: false, madeOn: null },
    ] })
  } finally {
    await hub.close()
    folder.remove()
  }
}, 120_000)
