import { mkdirSync, readdirSync, readFileSync, realpathSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { postgresBin, startPostgres, type PostgresServer } from '../support/postgres.ts'
import { runProgram, startProgram, type Running } from '../support/program.ts'

type Environment = Readonly<Record<string, string>>

let folder: string
let serving: Running | undefined
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'init-')))
})
afterEach(async () => {
  const ended = await serving?.stop()
  serving = undefined
  rmSync(folder, { recursive: true })
  if (ended) expect(ended).toMatchObject({ code: 0, err: '' })
})

/** `init`, `check` and `start` as a user runs them one after the other; answers how to ask the hub, and what init said. */
async function served(from: string, env: Environment = {}): Promise<{ said: string; catalog: string; ask: (query: string) => Promise<unknown> }> {
  const init = await runProgram(['init', '--from', from], { cwd: folder })
  expect(init).toMatchObject({ code: 0, err: '' })
  expect(await runProgram(['check'], { cwd: folder, env })).toMatchObject({ code: 0, err: '', out: expect.stringContaining('No mistakes.') })
  serving = startProgram(['start', '--port', '0', '--data', join(folder, 'hub-data'), '--log-level', 'error'], { cwd: folder, env })
  const [, url = ''] = await serving.written(/GraphQL +(\S+)/)
  const ask = async (query: string) => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) })
    return response.json()
  }
  return { said: init.out, catalog: readFileSync(join(folder, 'hub.yaml'), 'utf8'), ask }
}

test('a SQLite file: composite keys, a table that refers to itself, and names no graph could have', async () => {
  const file = join(folder, 'shop data.sqlite')
  const database = new DatabaseSync(file)
  database.exec(`
    CREATE TABLE employees (id INTEGER PRIMARY KEY, name TEXT NOT NULL, boss_id INTEGER REFERENCES employees(id), type TEXT);
    CREATE TABLE passports (employee_id INTEGER PRIMARY KEY REFERENCES employees(id), number TEXT UNIQUE);
    CREATE TABLE products (code TEXT PRIMARY KEY NOT NULL, "unit price" REAL, "2nd name" TEXT, "and" TEXT);
    CREATE TABLE sales (employee_id INTEGER NOT NULL REFERENCES employees, product_code TEXT NOT NULL REFERENCES products(code), sold_on TEXT NOT NULL, pieces INTEGER, PRIMARY KEY (employee_id, product_code, sold_on));
    CREATE TABLE "sale notes" (id INTEGER PRIMARY KEY, e INTEGER, p TEXT, s TEXT, note TEXT, "written by" INTEGER REFERENCES employees(id), FOREIGN KEY (e, p, s) REFERENCES sales(employee_id, product_code, sold_on));
    CREATE TABLE log (message TEXT);
    CREATE TABLE query (id INTEGER PRIMARY KEY, subscription TEXT, "select" TEXT);
    CREATE TABLE "__meta" (k TEXT PRIMARY KEY NOT NULL, v BLOB);
    CREATE TABLE Type (id INTEGER PRIMARY KEY, "__typename" TEXT, "a.b" TEXT, "a""b" TEXT);
    INSERT INTO employees VALUES (1, 'Ada', NULL, 'boss'), (2, 'Bob', 1, NULL), (3, 'Cem', 1, NULL);
    INSERT INTO passports VALUES (2, 'X1');
    INSERT INTO products VALUES ('p1', 9.5, 'one', 'x'), ('p2', NULL, NULL, NULL);
    INSERT INTO sales VALUES (2, 'p1', '2024-01-01', 3), (2, 'p2', '2024-01-02', 1), (3, 'p1', '2024-01-01', 2);
    INSERT INTO "sale notes" VALUES (1, 2, 'p1', '2024-01-01', 'great', 1);
    INSERT INTO log VALUES ('started'), ('ended');
    INSERT INTO query VALUES (1, 's', 't');
    INSERT INTO "__meta" VALUES ('v', x'00ff');
    INSERT INTO Type VALUES (1, 't', 'dot', 'quote');
  `)
  database.close()
  const { said, catalog, ask } = await served('shop data.sqlite')

  expect(await ask('{ employees(orderBy: [{ name: ASC }]) { nodes { id name type boss { name } employees { nodes { name } } passport { number } sales { totalCount nodes { soldOn pieces product { code unitPrice } } } } } }')).toEqual({
    data: { employees: { nodes: [
      { id: 1, name: 'Ada', type: 'boss', boss: null, employees: { nodes: [{ name: 'Bob' }, { name: 'Cem' }] }, passport: null, sales: { totalCount: 0, nodes: [] } },
      { id: 2, name: 'Bob', type: null, boss: { name: 'Ada' }, employees: { nodes: [] }, passport: { number: 'X1' }, sales: { totalCount: 2, nodes: [{ soldOn: '2024-01-01', pieces: 3, product: { code: 'p1', unitPrice: 9.5 } }, { soldOn: '2024-01-02', pieces: 1, product: { code: 'p2', unitPrice: null } }] } },
      { id: 3, name: 'Cem', type: null, boss: { name: 'Ada' }, employees: { nodes: [] }, passport: null, sales: { totalCount: 1, nodes: [{ soldOn: '2024-01-01', pieces: 2, product: { code: 'p1', unitPrice: 9.5 } }] } },
    ] } },
  })
  expect(await ask('{ sale(employeeId: 2, productCode: "p2", soldOn: "2024-01-02") { pieces employee { name } } product(code: "p1") { c2ndName and2 sales(where: { employee: { name: { eq: "Cem" } } }) { nodes { pieces } } } passport(employeeId: 2) { employee { name } } }')).toEqual({
    data: { sale: { pieces: 1, employee: { name: 'Bob' } }, product: { c2ndName: 'one', and2: 'x', sales: { nodes: [{ pieces: 2 }] } }, passport: { employee: { name: 'Bob' } } },
  })
  // A column whose name cannot be written in a relation stands there by its field.
  expect(await ask('{ saleNotes { nodes { note writtenBy employee { name } } } employee(id: 1) { saleNotes { nodes { note } } } }')).toEqual({
    data: { saleNotes: { nodes: [{ note: 'great', writtenBy: 1, employee: { name: 'Ada' } }] }, employee: { saleNotes: { nodes: [{ note: 'great' }] } } },
  })
  expect(await ask('{ queryEntry(id: 1) { subscription select } metaEntry(k: "v") { v } type { nodes { id typename aB aB2 } } }')).toEqual({
    data: { queryEntry: { subscription: 's', select: 't' }, metaEntry: { v: 'AP8=' }, type: { nodes: [{ id: 1, typename: 't', aB: 'dot', aB2: 'quote' }] } },
  })
  expect(await ask('{ sqlQuery(query: "SELECT message FROM shop_data.log ORDER BY 1") { rows } }')).toEqual({ data: { sqlQuery: { rows: [['ended'], ['started']] } } })
  for (const reason of ['log: It has no key', 'sale notes: Its foreign key (e, p, s) to "sales" is no relation: it has several columns.']) {
    expect(said).toContain(reason)
    expect(catalog).toContain(reason)
  }

  const again = await runProgram(['init', '--from', 'shop data.sqlite'], { cwd: folder })
  expect(again).toMatchObject({ code: 1, out: '', err: expect.stringContaining('The file hub.yaml exists already') })
  expect(readFileSync(join(folder, 'hub.yaml'), 'utf8')).toBe(catalog)
}, 120_000)

test('a folder of CSV, JSON and Parquet files, with values of every kind as they stand there', async () => {
  const lake = join(folder, 'the lake')
  mkdirSync(join(lake, 'more'), { recursive: true })
  writeFileSync(join(lake, 'airlines.csv'), 'Airline ID,Name,Active,Founded\n24,"American, Inc.",Y,1926-04-15\n28,"Asiana ""OZ""",N,\n')
  writeFileSync(join(lake, 'routes.json'), '[{"id": 1, "airlineId": 24, "stops": [{"at": "ORD"}], "far": 9007199254740993}, {"id": 2, "airlineId": 28, "stops": [], "far": null}]')
  writeFileSync(join(lake, 'words.ndjson'), '{"word":"a","n":1.5}\n{"word":"b","n":null}\n')
  writeFileSync(join(lake, 'nokey.csv'), 'a\n1\n1\n')
  const database = await DuckDBInstance.create()
  const connection = await database.connect()
  await connection.run(`COPY (SELECT * FROM (VALUES
    (CAST(1 AS BIGINT), 'Boeing', CAST(9223372036854775807 AS BIGINT), CAST(12.50 AS DECIMAL(9,2)), DATE '2024-02-29', TIMESTAMP '2024-01-31 23:59:59.123456', TIMESTAMPTZ '2024-01-31 23:59:59+00', TRUE, CAST('\\x00\\xFF' AS BLOB), ['a', 'b'], CAST('123e4567-e89b-12d3-a456-426614174000' AS UUID), CAST('NaN' AS DOUBLE), TIME '10:00:00.5'),
    (2, 'Airbus', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
  ) AS t(id, maker, large, price, first_day, local_time, instant, flies, picture, tags, serial, load, opens)) TO '${join(lake, 'planes.parquet')}' (FORMAT parquet)`)
  connection.closeSync()
  database.closeSync()
  const { said, ask } = await served('the lake')

  expect(await ask('{ airlines { nodes { airlineId name active founded } } airline(airlineId: 28) { name } }')).toEqual({
    data: { airlines: { nodes: [{ airlineId: 24, name: 'American, Inc.', active: 'Y', founded: '1926-04-15' }, { airlineId: 28, name: 'Asiana "OZ"', active: 'N', founded: null }] }, airline: { name: 'Asiana "OZ"' } },
  })
  expect(await ask('{ routes(where: { airlineId: { eq: 24 } }) { nodes { id stops far } } words { nodes { word n } } }')).toEqual({
    data: { routes: { nodes: [{ id: 1, stops: [{ at: 'ORD' }], far: '9007199254740993' }] }, words: { nodes: [{ word: 'a', n: 1.5 }, { word: 'b', n: null }] } },
  })
  const plane = {
    id: 1, maker: 'Boeing', large: '9223372036854775807', price: '12.50', firstDay: '2024-02-29', localTime: '2024-01-31T23:59:59.123456', instant: '2024-01-31T23:59:59Z', flies: true, picture: 'AP8=', tags: ['a', 'b'],
    serial: '123e4567-e89b-12d3-a456-426614174000', load: null, opens: '10:00:00.5',
  }
  const fields = Object.keys(plane).join(' ')
  const empty = Object.fromEntries(Object.keys(plane).map(name => [name, null]))
  expect(await ask(`{ planes(orderBy: [{ id: ASC }]) { nodes { ${fields} } } plane(id: 1) { ${fields} } planesByKey(keys: [2, 3]) { maker } }`)).toEqual({
    data: { planes: { nodes: [plane, { ...empty, id: 2, maker: 'Airbus' }] }, plane, planesByKey: [{ maker: 'Airbus' }, null] },
  })
  expect(await ask('{ planes(where: { price: { gte: "12.5" }, instant: { lt: "2024-02-01T00:00:00Z" }, large: { gt: "9223372036854775806" }, flies: { eq: true } }) { totalCount } }')).toEqual({ data: { planes: { totalCount: 1 } } })
  expect(said).toContain('nokey: It has no key')
}, 120_000)

test('what cannot be looked into is refused in a sentence, without a password and without a file', async () => {
  writeFileSync(join(folder, 'notes.sqlite'), 'no database')
  mkdirSync(join(folder, 'empty'))
  const refusals: [from: string, code: number, sentence: string][] = [
    ['nothing', 1, 'There is no folder or file'], ['notes.sqlite', 1, 'file is not a database'], ['empty', 1, 'has no file that ends in'],
    ['postgresql://me:hunter2@127.0.0.1:1/db', 1, 'Source "db" does not answer'], ['postgres://%zz:hunter2@@/d', 2, 'URL is malformed'], ['mysql://me:hunter2@h/db', 2, 'A source at mysql:// cannot be looked into.'],
  ]
  for (const [from, code, sentence] of refusals) {
    const ran = await runProgram(['init', '--from', from], { cwd: folder })
    expect(ran).toMatchObject({ code, out: '', err: expect.stringContaining(sentence) })
    expect(ran.err).not.toContain('hunter2')
  }
  expect(readdirSync(folder).toSorted()).toEqual(['empty', 'notes.sqlite'])
}, 120_000)

const suite = postgresBin ? describe : describe.skip
suite('needs PostgreSQL: server programs below /usr/lib/postgresql', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
    await server.exec(`
      CREATE TABLE "Countries" (code char(2) PRIMARY KEY, "Name" text NOT NULL);
      CREATE TABLE cities (country char(2) REFERENCES "Countries", no int, name text, twin_country char(2), twin_no int, PRIMARY KEY (country, no), FOREIGN KEY (twin_country, twin_no) REFERENCES cities(country, no));
      CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mother bigint REFERENCES people, home char(2) REFERENCES "Countries"(code), born timestamptz, tags text[], extra jsonb, paid numeric(12,4));
      COMMENT ON TABLE people IS 'Who lives somewhere.';
      INSERT INTO "Countries" VALUES ('DE', 'Germany'), ('FR', 'France');
      INSERT INTO cities VALUES ('DE', 1, 'Mainz', NULL, NULL), ('FR', 1, 'Dijon', 'DE', 1);
      INSERT INTO people (mother, home, born, tags, extra, paid) VALUES (NULL, 'DE', '1970-01-01 01:00:00+01', '{a,b}', '{"x": 1}', 1.5), (1, 'FR', NULL, NULL, NULL, NULL);
    `)
  }, 120_000)
  afterAll(() => server.stop())

  test('a PostgreSQL database: its foreign keys lead both ways, and its password is written nowhere', async () => {
    const { said, catalog, ask } = await served(server.url, { POSTGRES_PASSWORD: encodeURIComponent(server.password) })
    for (const text of [said, catalog]) {
      expect(text).not.toContain(server.password)
      expect(text).not.toContain(encodeURIComponent(server.password))
    }
    expect(said).toMatch(/Set POSTGRES_PASSWORD/)
    expect(catalog).toMatch(/\$\{env:POSTGRES_PASSWORD\}/)

    const [first, second] = [{ id: 1, born: '1970-01-01T00:00:00Z', tags: ['a', 'b'], extra: { x: 1 }, paid: '1.5000', mother: null, home: 'DE' }, { id: 2, born: null, tags: null, extra: null, paid: null, mother: 1, home: 'FR' }]
    expect(await ask('{ people(orderBy: [{ id: ASC }]) { nodes { id born tags extra paid mother home peopleEntry { id people { nodes { id } } } people { totalCount } country { name } } } }')).toEqual({
      data: { people: { nodes: [{ ...first, peopleEntry: null, people: { totalCount: 1 }, country: { name: 'Germany' } }, { ...second, peopleEntry: { id: 1, people: { nodes: [{ id: 2 }] } }, people: { totalCount: 0 }, country: { name: 'France' } }] } },
    })
    expect(await ask('{ country(code: "FR") { name cities { nodes { no name countryCountry { code } } } people { nodes { id } } } city(country: "DE", no: 1) { name twinNo } citiesByKey(keys: [{ country: "FR", no: 1 }, { country: "FR", no: 2 }]) { twinCountry } }')).toEqual({
      data: { country: { name: 'France', cities: { nodes: [{ no: 1, name: 'Dijon', countryCountry: { code: 'FR' } }] }, people: { nodes: [{ id: 2 }] } }, city: { name: 'Mainz', twinNo: null }, citiesByKey: [{ twinCountry: 'DE' }, null] },
    })
    expect(said).toContain('(twin_country, twin_no) to "cities" is no relation')
  }, 120_000)
})
