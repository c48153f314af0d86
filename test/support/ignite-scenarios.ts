import { begin, BinaryType, cacheNames, configurationOf, continuous, ensureCache, fieldOf, type IgniteClient, jsonOf, openCache, rowsOf, sql, sqlRows, valuesOf } from '../../connectors/ignite/index.ts'
import type { HubError } from '../../schema/errors.ts'
import { column, everyColumn, everyValue } from './ignite.ts'
import { eventually } from './eventually.ts'
import type { TestScope } from './scope.ts'

/** A conversation with a server, always word for word the same, and what its answers meant. */
export type Scenario = (client: IgniteClient, scope: TestScope) => Promise<unknown>

const cacheOf = (name: string, columns: typeof everyColumn) => ({
  name, table: name.toUpperCase(), mode: 'PARTITIONED', atomicity: 'TRANSACTIONAL', backups: 1, key: [{ name: 'ID', property: 'id', type: 'string' }], valueType: `captured.${name}_1`,
  fields: columns.map(fieldOf), indexes: [],
} as const)

const numbers = [column('n', 'Int'), column('note', 'String')]
const codeOf = (error: HubError) => error.code

async function opened(client: IgniteClient, scope: TestScope, name: string, columns: typeof everyColumn) {
  const configuration = cacheOf(name, columns)
  await ensureCache(scope, client, configuration)
  const type = new BinaryType(configuration.valueType, configuration.fields)
  return { type, rows: await openCache(scope, client, name, valuesOf('string'), rowsOf(type)) }
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  async rows(client, scope) {
    const { rows, type } = await opened(client, scope, 'captured_rows', everyColumn)
    await rows.put(scope, 'full', everyValue)
    await rows.put(scope, 'empty', {})
    return [await rows.get(scope, 'full'), await rows.getAll(scope, ['absent', 'empty']), String(await rows.reading(jsonOf(type)).get(scope, 'full')), await rows.size(scope)]
  },
  async schemas(client, scope) {
    const { rows } = await opened(client, scope, 'captured_schemas', numbers)
    await sqlRows(scope, client, "INSERT INTO CAPTURED_SCHEMAS (ID, NOTE) VALUES ('a', 'by SQL')")
    return rows.get(scope, 'a')
  },
  async pages(client, scope) {
    const { rows } = await opened(client, scope, 'captured_pages', numbers)
    await rows.putAll(scope, Array.from({ length: 5 }, (_, n) => [`k${n}`, { n, note: null }]))
    const result = await sql(scope, client, 'SELECT ID, N, _KEY FROM CAPTURED_PAGES WHERE N < ? ORDER BY N', [4], { pageRows: 2 })
    const pages: unknown[] = []
    for await (const page of result.pages) pages.push(page)
    const early = await sql(scope, client, 'SELECT N FROM CAPTURED_PAGES', [], { pageRows: 2 })
    for await (const page of early.pages) {
      pages.push(page.length)
      break
    }
    return [result.columns, ...pages, (await cacheNames(scope, client)).includes('captured_pages')]
  },
  async changes(client, scope) {
    const { rows } = await opened(client, scope, 'captured_changes', numbers)
    const events: unknown[] = []
    const query = await continuous(client, rows, { changed: more => events.push(...more), lost() {}, restored() {} })
    await rows.put(scope, 'k', { n: 1, note: null })
    await eventually('the first event', async () => events.length === 1)
    await rows.put(scope, 'k', { n: 2, note: 'x' })
    await eventually('the second event', async () => events.length === 2)
    await rows.remove(scope, 'k')
    await eventually('the third event', async () => events.length === 3)
    await query.close()
    return events
  },
  async refusals(client, scope) {
    const { rows } = await opened(client, scope, 'captured_refusals', [column('n', 'Int', false)])
    const holder = await begin(scope, client, { concurrency: 'PESSIMISTIC', isolation: 'REPEATABLE_READ', timeoutMs: 5_000, label: 'holder' })
    await rows.within(holder).put(scope, 'k', { n: 1 })
    const other = await begin(scope, client, { concurrency: 'PESSIMISTIC', isolation: 'REPEATABLE_READ', timeoutMs: 200 })
    const locked = await rows.within(other).put(scope, 'k', { n: 2 }).catch(codeOf)
    await holder.commit(scope)
    return [
      locked, await configurationOf(scope, client, 'captured_absent').catch(codeOf), await sqlRows(scope, client, 'SELECT FROM').catch(codeOf),
      await rows.put(scope, 'k', { n: null }).catch(codeOf), await rows.get(scope, 'k'),
    ]
  },
}
