import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqlite } from '../../connectors/sqlite/index.ts'
import type { Value } from '../../schema/values.ts'
import { conforms } from '../support/conformance.ts'
import { numberCount, placeColumns, places, type SourceSubject, sourceConnectorChecks, visits } from './source-connector.ts'

function stored(value: Value, type: string): null | number | bigint | string {
  if (type === 'JSON') return value === null ? null : JSON.stringify(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  return value as null | number | bigint | string
}

async function open(): Promise<SourceSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-sqlite-'))
  const file = join(folder, 'test.db')
  const database = new DatabaseSync(file)
  database.exec(`
    CREATE TABLE places(id INTEGER PRIMARY KEY NOT NULL, name TEXT, people BIGINT, area REAL, capital BOOLEAN, founded DATE, seen DATETIME, extra JSON);
    CREATE TABLE "odd ""visits"""(place INTEGER NOT NULL, day TEXT NOT NULL, "guest; --" TEXT, PRIMARY KEY (place, day));
    CREATE TABLE numbers(n INTEGER PRIMARY KEY NOT NULL);
  `)
  const place = database.prepare('INSERT INTO places VALUES(?, ?, ?, ?, ?, ?, ?, ?)')
  for (const row of places) place.run(...placeColumns.map(({ name, type }) => stored(row[name] ?? null, type)))
  const visit = database.prepare('INSERT INTO "odd ""visits""" VALUES(?, ?, ?)')
  for (const row of visits) visit.run(...Object.values(row).map(value => stored(value, '')))
  database.exec(`INSERT INTO numbers WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < ${numberCount - 1}) SELECT n FROM s`)
  database.close()
  const source = await openSqlite({ name: 'lite', file })
  return {
    source,
    async close() {
      await source.close()
      await rm(folder, { recursive: true })
    },
  }
}

conforms('sqlite', sourceConnectorChecks, open)
