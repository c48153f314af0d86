import { existsSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import type { Problem } from '../../../schema/errors.ts'
import { loadCatalog, type LoadOptions } from '../../../gateway/catalog/load.ts'

const noSecrets: LoadOptions = { env: () => undefined }
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'catalog-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** As `file:line:column  path: message`. */
async function mistakes(path: string, options = noSecrets): Promise<string[]> {
  const error = await loadCatalog(path, options).then(() => undefined, (thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'CATALOG_INVALID' })
  const { problems } = (error as { details: { problems: readonly Problem[] } }).details
  return problems.map(one => `${[one.file?.replace(`${folder}/`, ''), one.line, one.column].filter(part => part !== undefined).join(':')}  ${one.path}: ${one.message}`)
}

const notes = 'regions:\n  notes: { key: id, fields: { id: ID } }\n'

test('a minimal catalog loads, and every member has its place', async () => {
  const path = file('hub.yaml', `# a hub\nsources:\n  lake:\n    type: files\n    root: ./data\n${notes}`)
  const loaded = await loadCatalog(path, noSecrets)
  expect(loaded.catalog.sources).toEqual([{ type: 'files', name: 'lake', root: join(folder, 'data') }])
  expect(loaded.place('sources.lake.root')).toEqual({ file: path, line: 5, column: 11 })
  expect(loaded.place('sources.lake.root', 'key')).toEqual({ file: path, line: 5, column: 5 })
  expect(loaded.place('sources.lake.nothing.there')).toEqual({ file: path, line: 3, column: 3 })
  expect(loaded.place('nowhere')).toBeUndefined()
  expect(loaded.problem({ path: ['regions', 'notes', 'key'], message: 'So.' })).toEqual({ path: 'regions.notes.key', message: 'So.', file: path, line: 7, column: 17 })
})

describe('traps of YAML', () => {
  test.each([
    ['an empty file', '', ['hub.yaml:1:1  : The catalog is empty. Declare "sources" and "regions" or "views".']],
    ['a file of comments', '# nothing\n', ['hub.yaml:1:1  : The catalog is empty. Declare "sources" and "regions" or "views".']],
    ['a list', '- a\n', ['hub.yaml:1:1  : The file holds a list; expected a map with sections such as "sources" and "regions".']],
    ['a single value', 'hello\n', ['hub.yaml:1:1  : The file holds a single value; expected a map with sections such as "sources" and "regions".']],
    ['a name twice', `${notes}  notes: { key: id, fields: { id: ID } }\n`, ['hub.yaml:3:3  regions.notes: "notes" stands here twice, first on line 2.']],
    ['a name twice, once in quotes', '1: a\n"1": b\n', ['hub.yaml:1:1  1: Unknown key "1". Known keys: sources, regions, views, relations, subgraphs, endpoints.', 'hub.yaml:2:1  1: "1" stands here twice, first on line 1.']],
    ['a tab as indentation', 'regions:\n\tnotes: 1\n', ['hub.yaml:2:1  : Tabs are not allowed as indentation.']],
    ['two documents', `${notes}---\n${notes}`, ['hub.yaml:3:1  : Source contains multiple documents; please use YAML.parseAllDocuments().']],
    ['an unknown alias', 'regions: *gone\n', ['hub.yaml:1:10  regions: Alias "*gone" names an anchor that does not stand before it.']],
    ['an alias inside of itself', 'regions: &all { notes: *all }\n', ['hub.yaml:1:24  regions.notes: Alias "*all" stands inside of what it names.']],
    ['a list as a name', '? [a, b]\n: c\n', ['hub.yaml:1:3  : A name must be text, not a list, a map or an alias.']],
    ['a merge key', 'regions:\n  notes: { <<: { key: id }, key: id, fields: { id: ID } }\n', [expect.stringContaining('hub.yaml:2:12  regions.notes["<<"]: Unknown key "<<". Known keys: type, description, key, ')]],
  ])('%s is said with its place', async (_what, text, expected) => {
    expect(await mistakes(file('hub.yaml', text))).toEqual(expected)
  })

  test('anchors that multiply themselves are stopped before they fill the memory', async () => {
    const levels = Array.from({ length: 12 }, (_, level) => `l${level}: &l${level} [${Array(10).fill(level === 0 ? 'x' : `*l${level - 1}`).join(', ')}]`)
    expect(await mistakes(file('hub.yaml', levels.join('\n')))).toContainEqual(expect.stringContaining('more than 100000 values'))
  })

  test('nesting without end is refused', async () => {
    for (const depth of [100, 10_000]) expect(await mistakes(file('hub.yaml', `regions: ${'['.repeat(depth)}${']'.repeat(depth)}`))).toContainEqual(expect.stringContaining('nests deeper than 64 levels'))
  })

  test('a file that is not UTF-8 is refused with the line that is not', async () => {
    expect(await mistakes(file('hub.yaml', Buffer.from([0x61, 0x3a, 0x0a, 0x62, 0x3a, 0xe9, 0x0a])))).toEqual(['hub.yaml:2:1  : The file is not UTF-8 text: this line holds other bytes. Save it as UTF-8.'])
  })

  test('a byte order mark, Windows line ends and JSON are taken', async () => {
    for (const text of [`\uFEFF${notes}`, notes.replaceAll('\n', '\r\n'), '{\n\t"regions": {\n\t\t"notes": { "key": "id", "fields": { "id": "ID" } }\n\t}\n}']) {
      expect((await loadCatalog(file('hub.json', text), noSecrets)).catalog.regions).toHaveLength(1)
    }
  })

  test('a file larger than 4 MiB is refused unread', async () => {
    expect(await mistakes(file('hub.yaml', `#${' '.repeat(4 * 1024 * 1024)}`))).toEqual(['hub.yaml  : The file has 4194305 bytes; at most 4194304 are taken. Split it and give the folder.'])
  })

  test('a device that never ends is neither a catalog nor a secret', async () => {
    expect(await mistakes('/dev/zero')).toEqual(['/dev/zero  : It is neither a file nor a folder.'])
    const text = `sources:\n  db: { type: postgresql, host: h, database: d, password: "\${file:/dev/zero}" }\n`
    expect(await mistakes(file('hub.yaml', text))).toEqual(['hub.yaml:2:59  sources.db.password: "/dev/zero" is not a file.'])
  })

  test('a path that is not there, and a folder without catalog files, are refused', async () => {
    expect(await mistakes(join(folder, 'no.yaml'))).toEqual(['no.yaml  : There is no such file or folder.'])
    expect(await mistakes(folder)).toEqual([`${folder}  : The folder holds no .yaml, .yml or .json file.`])
  })

  test('an anchored entry used twice is two entries', async () => {
    const path = file('hub.yaml', 'regions:\n  notes: { key: id, fields: &shared { id: ID } }\n  remarks: { key: id, fields: *shared }\n')
    const loaded = await loadCatalog(path, noSecrets)
    expect(loaded.catalog.regions.map(region => region.fields?.length)).toEqual([1, 1])
    expect(loaded.place('regions.remarks.fields')).toEqual({ file: path, line: 3, column: 31 })
  })

  test('whatever a file holds, it loads or is refused with problems', async () => {
    const bits = fc.array(fc.constantFrom('regions', 'sources', ': ', '\n', '  ', '- ', '{', '}', '[', ']', '&a ', '*a', '"', "'", '|', '>', '#', '? ', '!!', 'x', '\t', '%', '---', '~', '\u0000', ','), { maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(bits, async parts => {
        const result = await loadCatalog(file('hub.yaml', parts.join('')), noSecrets).then(() => 'loaded', (error: { code?: string }) => error.code)
        expect(['loaded', 'CATALOG_INVALID']).toContain(result)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a folder of files', () => {
  test('is one catalog: maps joined, relations one behind the other, hidden files and others left out', async () => {
    file('a.yaml', `${notes}relations:\n  - { from: Note.id, to: Remark.id, as: remark }\n`)
    file('b.yml', 'regions:\n  remarks: { key: id, fields: { id: ID } }\nrelations:\n  - { from: Remark.id, to: Note.id, as: note }\n')
    file('c.json', '{"views": {"counts": {"key": "id", "sql": "SELECT 1 AS id"}}}')
    file('.hidden.yaml', 'x')
    file('README.md', 'x')
    mkdirSync(join(folder, 'deeper.yaml'))
    const loaded = await loadCatalog(folder, noSecrets)
    expect(loaded.catalog.regions.map(one => one.name)).toEqual(['notes', 'remarks'])
    expect(loaded.catalog.relations.map(one => one.as)).toEqual(['remark', 'note'])
    expect(loaded.files).toEqual(['a.yaml', 'b.yml', 'c.json'].map(name => join(folder, name)))
    expect(loaded.place('relations[1].as')).toEqual({ file: join(folder, 'b.yml'), line: 4, column: 41 })
    expect(loaded.place('views.counts.sql')).toEqual({ file: join(folder, 'c.json'), line: 1, column: 43 })
  })

  test('with one entry in two files is refused, naming both places', async () => {
    file('a.yaml', notes)
    file('b.yaml', `\n${notes}`)
    expect(await mistakes(folder)).toEqual([`b.yaml:3:3  regions.notes: "notes" is declared already in ${folder}/a.yaml:2:3. Keep one of the two.`])
  })

  test('has the mistakes of all its files, those of a list under its numbers in its own file', async () => {
    file('a.yaml', `${notes}relations:\n  - { from: Note.id, to: Note.id, as: self }\n`)
    file('b.yaml', 'regins: {}\nrelations:\n  - { from: Note.id, to: Nope.id, as: nope }\n')
    expect(await mistakes(folder)).toEqual(['b.yaml:1:1  regins: Unknown key "regins". Did you mean "regions"?', 'b.yaml:3:26  relations[0].to: There is no type "Nope". Did you mean "Note"?'])
  })

  test('with a file that cannot be read says so, and does not call wrong what may be right', async () => {
    file('a.yaml', 'regions:\n  copies: { key: id, load: { source: lake, table: t } }\n')
    file('b.yaml', 'sources: {\n')
    const lines = await mistakes(folder)
    expect(lines).toEqual([expect.stringMatching(/^b\.yaml:2:1 {2}: /)])
  })

  test('with a section that is a list here and a map there is refused', async () => {
    file('a.yaml', notes)
    file('b.yaml', 'regions: []\n')
    expect(await mistakes(folder)).toEqual([`b.yaml:1:1  regions: "regions" is a list here and a map in ${folder}/a.yaml.`])
  })
})

describe('references to secrets', () => {
  const text = `sources:\n  db: { type: postgresql, host: h, port: "\${env:PORT}", database: d, user: u, password: "\${file:secret.txt}" }\n  two: { type: postgresql, url: "postgres://me:clear@h/d?password=also" }\n  three: { type: postgresql, url: "postgres://me:\${env:PW}@h/$\${d" }\n`
  const env: LoadOptions = { env: name => ({ PORT: '5433', PW: 'p&w' })[name] }

  test('are resolved for the hub and stay references in what may be shown', async () => {
    file('secret.txt', 'hush\n')
    const { catalog, written } = await loadCatalog(file('hub.yaml', text), env)
    expect(catalog.sources).toMatchObject([
      { connection: { host: 'h', port: 5433, database: 'd', user: 'u', password: 'hush' } },
      { connection: { url: 'postgres://me:clear@h/d?password=also' } },
      { connection: { url: `postgres://me:p&w@h/\${d` } },
    ])
    expect(written.sources).toMatchObject({ db: { port: `\${env:PORT}`, password: `\${file:secret.txt}` }, two: { url: 'postgres://me:***@h/d?password=***' }, three: { url: `postgres://me:\${env:PW}@h/$\${d` } })
    expect(JSON.stringify(written)).not.toMatch(/hush|clear|also|p&w/)
  })

  test('give no secret away when what they stand for is wrong', async () => {
    const lines = await mistakes(file('hub.yaml', `sources:\n  db: { type: postgresql, url: "\${env:URL}" }\n  two: { type: postgresql, host: h, database: d, port: "\${env:URL}" }\n`), { env: () => 's3cret' })
    expect(lines).toHaveLength(2)
    expect(lines.join()).not.toContain('s3cret')
  })

  test('a secret of more than 64 KiB is no secret', async () => {
    file('secret.txt', 'x'.repeat(65_537))
    expect(await mistakes(file('hub.yaml', text), env)).toEqual([expect.stringContaining('hub.yaml:2:89  sources.db.password: File "secret.txt" is larger than')])
  })
})

describe('places inside of a statement', () => {
  const sql = 'SELECT origin,\n  count(*) AS flights\n\nFROM bts.flights'
  const styles: [string, string][] = [
    ['a literal block', `    sql: |\n${sql.replace(/^/gm, '      ')}\n`],
    ['a literal block with an indentation of its own', `    sql: |2-  # why not\n${sql.replace(/^/gm, '      ')}\n`],
    ['a folded block', `    sql: >\n${sql.replaceAll('\n', '\n\n').replace(/^/gm, '      ')}\n`],
    ['a text in double quotes', `    sql: ${JSON.stringify(sql)}\n`],
    ['a text in single quotes over several lines', `    sql: '${sql.replaceAll('\n', '\n\n      ')}'\n`],
  ]
  test.each(styles)('are found in %s', async (_style, member) => {
    const source = `views:\n  counts:\n    key: origin\n${member}`
    const path = file('hub.yaml', source)
    const loaded = await loadCatalog(path, noSecrets)
    const [view] = loaded.catalog.views
    for (const word of ['SELECT', 'count', 'flights\n', 'FROM', 'bts.flights']) {
      const before = (view?.sql ?? '').slice(0, view?.sql.indexOf(word.trim()))
      const place = loaded.placeInText('views.counts.sql', before.split('\n').length, (before.split('\n').at(-1)?.length ?? 0) + 1)
      expect(source.split('\n')[(place?.line ?? 0) - 1]?.slice((place?.column ?? 0) - 1)).toMatch(new RegExp(`^${word.trim().replace('.', '\\.')}`))
    }
  })

  test('that the text does not have answer the place of the member', async () => {
    const path = file('hub.yaml', "views:\n  counts: { key: a, sql: 'SELECT ''x'' AS a' }\n")
    const { placeInText } = await loadCatalog(path, noSecrets)
    expect(placeInText('views.counts.sql', 1, 15)).toEqual({ file: path, line: 2, column: 43 })
    expect(placeInText('views.counts.sql', 7, 1)).toEqual({ file: path, line: 2, column: 26 })
    expect(placeInText('views.counts', 1, 1)).toEqual({ file: path, line: 2, column: 11 })
  })
})

const acceptance = resolve(import.meta.dirname, '../../../../shared/acceptance/openflights/hub.yaml')
const needsIt = existsSync(acceptance) ? test : test.skip

needsIt('the catalog of the acceptance loads as it is (needs ../shared/acceptance/openflights)', async () => {
  const path = acceptance
  const { catalog } = await loadCatalog(path, noSecrets)
  expect(catalog.sources.map(source => source.type === 'files' && source.root)).toEqual([resolve(path, '../../../data/openflights'), resolve(path, '../../../data/flights')])
  expect(catalog.regions.map(({ type, key, tenancy }) => ({ type, key, tenancy }))).toEqual([
    { type: 'Airport', key: ['id'], tenancy: 'SHARED' }, { type: 'Airline', key: ['id'], tenancy: 'SHARED' }, { type: 'WatchlistEntry', key: ['code'], tenancy: 'TENANT' },
  ])
  expect(catalog.views.map(view => view.type)).toEqual(['AirportDepartures', 'BusiestRoute', 'AirlineNetwork'])
  expect(catalog.relations).toHaveLength(4)
})
