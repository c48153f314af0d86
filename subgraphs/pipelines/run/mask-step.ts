import { quoteIdentifier } from '../../../schema/quote.ts'
import type { Column, Row } from '../../../schema/values.ts'
import { type KeyRing, maskerOf, readKeyRing, tokenize } from '../mask/index.ts'
import type { CompiledStep } from '../plan/compile.ts'
import { freeName, list, names, type Relation } from '../plan/relation.ts'
import type { mask } from '../transforms/mask.ts'
import type { Checked } from '../xml/check.ts'
import type { RunContext } from './parts.ts'

/** The application's key, where a step names none. */
export const defaultSecret = 'mask'
/** Texts that are given to the vault at a time. */
const batchTexts = 5_000

/** Makes the dataset of a masking step. Answers the key in use, as people are told; undefined: the strategy needs none. Tokens are in the vault before anything with them is written. */
export async function maskStep(step: CompiledStep, checked: Checked<typeof mask.shape>, input: Relation, context: RunContext): Promise<string | undefined> {
  const { columns, strategy, secretRef = defaultSecret, keepFormat } = checked.values
  const ring = strategy === 'redact' ? undefined : readKeyRing(secretRef, await context.parts.secrets.read(context.scope, secretRef))
  const { workspace } = context
  if (strategy === 'tokenize' && ring) {
    await workspace.define(step.id, await tokenSelect(step, columns, input, ring, keepFormat, context), step.relation.columns)
  } else if (strategy !== 'tokenize') {
    await workspace.change(step.id, datasetOf(input), columns, maskerOf(strategy, ring))
  }
  return ring && `${secretRef} ${ring.current}`
}

/** Every text of the columns once, with its token, is a dataset; the rows are joined with it. */
async function tokenSelect({ id }: CompiledStep, columns: readonly string[], input: Relation, ring: KeyRing, keepFormat: boolean, context: RunContext): Promise<string> {
  const { workspace } = context
  const tokens = `${id} tokens`
  const all = columns.map(column => `SELECT CAST(${quoteIdentifier(column)} AS varchar) AS plain FROM ${input.sql} WHERE ${quoteIdentifier(column)} IS NOT NULL`).join(' UNION ')
  const { batches } = await workspace.read(columns.length === 1 ? `SELECT DISTINCT plain FROM (${all}) AS t` : all)
  await workspace.rows(tokens, [text('plain'), text('token')], tokenRows(batches, ring, keepFormat, context))
  const of = freeName('of', input.columns)
  const joins = columns.map((column, nth) => ` LEFT JOIN ${quoteIdentifier(tokens)} AS t${nth} ON CAST(${list([column], `${quoteIdentifier(of)}.`)} AS varchar) = t${nth}.plain`)
  const chosen = names(input.columns).map(name => (columns.includes(name) ? `t${columns.indexOf(name)}.token AS ${quoteIdentifier(name)}` : list([name], `${quoteIdentifier(of)}.`)))
  return `SELECT ${chosen.join(', ')} FROM ${input.sql} AS ${quoteIdentifier(of)}${joins.join('')}`
}

async function* tokenRows(batches: AsyncIterable<readonly Row[]>, ring: KeyRing, keepFormat: boolean, { scope, parts: { vault } }: RunContext): AsyncGenerator<readonly Row[], void, void> {
  let waiting: string[] = []
  const tokens = async (): Promise<readonly Row[]> => {
    const plain = waiting
    waiting = []
    const made = await tokenize(scope, vault, ring, plain, { keepFormat })
    return plain.map((one, place): Row => ({ plain: one, token: made[place] ?? null }))
  }
  for await (const rows of batches) {
    for (const row of rows) waiting.push(String(row['plain']))
    if (waiting.length >= batchTexts) yield await tokens()
  }
  if (waiting.length > 0) yield await tokens()
}

const text = (name: string): Column => ({ name, type: 'String', nullable: true })

/** A dataset by what stands for it in statements. */
function datasetOf({ sql }: Relation): string {
  return sql.slice(1, -1).replaceAll('""', '"')
}
