import { idsIn, rowsOf, testsByRow, verdict } from '../../ops/rows/rows.ts'

test('a title says the rows it is about at its beginning, behind the id of a check where it has one', () => {
  expect(rowsOf('D-15 D-71 D-101 a run that is killed')).toEqual(['D-15', 'D-71', 'D-101'])
  expect(rowsOf('D-114, D-92: a folder without mistakes')).toEqual(['D-114', 'D-92'])
  expect(rowsOf('RU18 D-101 a run that was lost')).toEqual(['D-101'])
  expect(rowsOf('H-07: a region')).toEqual(['H-07'])
  expect(rowsOf('a run as in D-101 is kept')).toEqual([])
  expect(rowsOf('UTF-8 is what D-12 says')).toEqual([])
})

test('tests are told by row, in the order of the systems, and a row holds where one passed and none failed', () => {
  const rows = testsByRow({
    testResults: [
      { name: '/x/test/a.test.ts', assertionResults: [{ title: 'D-02 two', status: 'passed', ancestorTitles: [] }, { title: 'H-10 D-02 both', status: 'pending', ancestorTitles: [] }, { title: 'each', status: 'failed', ancestorTitles: ['H-09 all of them'] }] },
    ],
  }, '/x')
  expect([...rows].map(([id, tests]) => [id, verdict(tests), tests.length])).toEqual([['H-09', 'failed', 1], ['H-10', 'skipped', 1], ['D-02', 'passed', 2]])
  expect(rows.get('D-02')?.[0]).toEqual({ title: 'D-02 two', file: 'test/a.test.ts', status: 'passed' })
})

test('rows of requirements are lines of tables that begin with an id', () => {
  expect(idsIn('| ID | What |\n|---|---|\n| D-01 | Cloud |\n| D-120 | see D-01 |\ntext D-05\n')).toEqual(['D-01', 'D-120'])
})
