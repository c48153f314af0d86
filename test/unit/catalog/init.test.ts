import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { CatalogInput } from '../../../schema/catalog.ts'
import { loadCatalog } from '../../../gateway/catalog/load.ts'
import { catalogText, writeCatalog } from '../../../gateway/commands/init.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'init-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const proposal = (): CatalogInput => ({
  sources: { lake: { type: 'files', root: join(folder, 'data'), tables: { flights: { file: 'flights.csv', columns: ['origin', 'destination', 'delay'], key: ['origin', 'destination'] } } } },
  regions: { flights: { type: 'Flight', key: ['origin', 'destination'], load: { source: 'lake', table: 'flights', eager: true }, indexes: ['destination', ['origin', 'delay']] } },
  views: { delays: { type: 'Delay', key: 'origin', sql: 'SELECT origin, avg(delay) AS mean\nFROM lake.flights\nGROUP BY origin\n' } },
  relations: [{ from: 'Delay.origin', to: 'Flight.origin', as: 'flights' }],
})

test('a written catalog loads as what was proposed, wherever it stands', async () => {
  mkdirSync(join(folder, 'deep'))
  const to = join(folder, 'deep/hub.yaml')
  expect(writeCatalog(proposal(), join(folder, 'data'), to)).toEqual({ hints: [] })
  const { catalog, written } = await loadCatalog(to, { env: () => undefined })
  expect(catalog.sources[0]).toMatchObject({ root: join(folder, 'data') })
  expect(written).toEqual({ ...proposal(), sources: { lake: { ...proposal().sources?.['lake'], root: '../data' } } })
})

test('it is written for people: comments, short maps on one line, statements as blocks', () => {
  const { text } = catalogText(proposal(), './data', folder)
  expect(text).toBe(readFileSync(join(import.meta.dirname, 'init.expected.yaml'), 'utf8'))
})

test('tables that are no part of it are named at its end, and to the user', () => {
  const { text, hints } = catalogText({ ...proposal(), leftOut: [{ table: 'log', reason: 'It has no key.\nIt is read in SQL.' }] }, './data', folder)
  expect(text).toMatch(/\n\n# Left out:\n# log: It has no key. It is read in SQL.\n$/)
  expect(hints).toEqual([expect.stringContaining('Left out: log: It has no key.')])
  expect(Object.keys(parse(text) as object)).toEqual(['sources', 'regions', 'views', 'relations'])
})

test('a file that exists stays as it is', () => {
  const to = join(folder, 'hub.yaml')
  writeFileSync(to, 'mine')
  expect(() => writeCatalog(proposal(), './data', to)).toThrow(expect.objectContaining({ code: 'CONFLICT', message: expect.stringContaining('exists already') }))
  expect(readFileSync(to, 'utf8')).toBe('mine')
  expect(() => writeCatalog(proposal(), './data', join(folder, 'no/such/hub.yaml'))).toThrow('cannot be written (ENOENT)')
  expect(existsSync(join(folder, 'no'))).toBe(false)
})

test.each([
  ['postgresql://me:hunter2@h:5432/d', `postgresql://me:\${env:DB_PASSWORD}@h:5432/d`],
  ['postgres://me:hunter2%40x@h/d?sslmode=require', `postgres://me:\${env:DB_PASSWORD}@h/d?sslmode=require`],
  ['postgres://h/d?user=me&password=hunter2', `postgres://h/d?user=me&password=\${env:DB_PASSWORD}`],
])('the password in %s becomes a reference to the environment, with a hint', (url, expected) => {
  const { text, hints } = catalogText({ sources: { db: { type: 'postgresql', url } } }, url, folder)
  expect((parse(text) as CatalogInput).sources?.['db']).toEqual({ type: 'postgresql', url: expected })
  expect(text + hints.join()).not.toContain('hunter2')
  expect(hints).toEqual([expect.stringContaining('Set DB_PASSWORD to the password')])
})

test('a URL without a password, and a reference, are written as they are', () => {
  for (const url of ['postgresql://me@h/d', `postgresql://me:\${env:PW}@h/d`]) {
    const { text, hints } = catalogText({ sources: { db: { type: 'postgresql', url } } }, url, folder)
    expect((parse(text) as CatalogInput).sources?.['db']).toEqual({ type: 'postgresql', url })
    expect(hints).toEqual([])
  }
  const { text, hints } = catalogText({ sources: { db: { type: 'postgresql', host: 'h', database: 'd', password: 'hunter2' } } }, 'h', folder)
  expect((parse(text) as CatalogInput).sources?.['db']).toMatchObject({ password: `\${env:DB_PASSWORD}` })
  expect(text + hints.join()).not.toContain('hunter2')
})
