import { baseTables } from '../../../connectors/statements/index.ts'
import { dependents } from '../../../gateway/assembly/dependents.ts'
import { parseCatalog } from '../../../schema/catalog.ts'

const { catalog } = parseCatalog({
  sources: { lake: { type: 'files', root: '/lake' } },
  regions: {
    lates: { type: 'Late', key: 'id', load: { view: 'middles' } },
    ports: { type: 'Port', key: 'id', load: { source: 'lake', table: 'Ports', eager: true } },
    others: { type: 'Other', key: 'id', load: { source: 'lake', table: 'others', eager: true } },
    owns: { type: 'Own', key: 'id', fields: { id: 'ID!', name: 'String' } },
  },
  views: {
    joined_rows: { type: 'JoinedRow', key: 'id', sql: 'SELECT p.id FROM ports p JOIN hub.lates l ON l.id = p.id JOIN owns o ON o.id = p.id' },
    middles: { type: 'Middle', key: 'id', sql: 'SELECT id FROM lake.PORTS' },
    asides: { type: 'Aside', key: 'id', sql: 'SELECT id FROM others' },
  },
})

test('what is made from a table, through regions and views, each behind what it reads', () => {
  expect(dependents(catalog!, ['lake.ports'], baseTables)).toEqual(['ports', 'middles', 'lates', 'joined_rows'])
})

test('a table named alone is found in whichever source has it', () => {
  expect(dependents(catalog!, ['lake.others'], baseTables)).toEqual(['others', 'asides'])
  expect(dependents(catalog!, ['lake.nothing'], baseTables)).toEqual([])
})
