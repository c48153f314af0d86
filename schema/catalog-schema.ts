import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { catalogInput } from './catalog-input.ts'

/** The catalog's form as a JSON schema, for editors. Kept as `catalog.schema.json`; `node schema/catalog-schema.ts` writes it anew. */
export function catalogSchemaText(): string {
  const schema = z.toJSONSchema(catalogInput, { io: 'input' })
  return `${JSON.stringify({ title: 'Tributary catalog', ...schema }, null, 2)}\n`
}

if (import.meta.main) writeFileSync(new URL('catalog.schema.json', import.meta.url), catalogSchemaText())
