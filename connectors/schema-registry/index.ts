import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import type { RegisteredSchema, SchemaLookup } from '../ports/schema-lookup.ts'
import { untilLeft } from '../signals/until-left.ts'

const answerShape = z.object({ schema: z.string(), schemaType: z.enum(['AVRO', 'JSON', 'PROTOBUF']).default('AVRO') })
const limitMs = 5_000
const mostKept = 1_000

/** Schemas of a Confluent-compatible registry: `GET <url>/schemas/ids/<id>`. */
export function openSchemaRegistry({ url }: { readonly url: string }): SchemaLookup {
  const known = new Map<number, Promise<RegisteredSchema>>()
  return {
    schema(scope, id) {
      const found = known.get(id)
      if (found) return found
      // Several callers wait for one answer, and one of them leaving is no reason to let the others down.
      const asked = ask(url, id)
      asked.catch(() => known.delete(id))
      for (const oldest of known.keys()) {
        if (known.size < mostKept) break
        known.delete(oldest)
      }
      known.set(id, asked)
      return untilLeft(scope.signal, asked)
    },
  }
}

async function ask(url: string, id: number): Promise<RegisteredSchema> {
  let response: Response
  try {
    response = await fetch(`${url.replace(/\/+$/, '')}/schemas/ids/${id}`, { headers: { accept: 'application/vnd.schemaregistry.v1+json' }, redirect: 'error', signal: AbortSignal.timeout(limitMs) })
  } catch (cause) {
    throw new HubError('UPSTREAM_UNAVAILABLE', `The schema registry gave no answer about schema ${id}.`, { schemaId: id }, { cause })
  }
  if (response.status === 404) throw new HubError('NOT_FOUND', `The schema registry has no schema ${id}.`, { schemaId: id })
  if (!response.ok) throw new HubError(response.status >= 500 ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_REJECTED', `The schema registry answered ${response.status} about schema ${id}.`, { schemaId: id })
  const answer = answerShape.safeParse(await response.json().catch(() => undefined))
  if (!answer.success) throw new HubError('UPSTREAM_REJECTED', `The schema registry's answer about schema ${id} is no schema.`, { schemaId: id })
  return { format: answer.data.schemaType, text: answer.data.schema }
}
