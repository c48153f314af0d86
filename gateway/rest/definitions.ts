import { z } from 'zod'
import { closed } from '../../schema/findings.ts'
import type { Hub } from '../hub.ts'
import type { Route } from '../http/routes.ts'
import { word } from './forms.ts'
import { operation } from './operation.ts'
import { type Definition, definitionMembers, shownDefinition } from './pipelines.ts'
import { route } from './route.ts'
import { lowered } from './runs.ts'

const members = `${definitionMembers} versions(first: 1) { version commit at author }`
const create = operation<{ createPipeline: Definition }>(`mutation RestCreatePipeline($app: String!, $xml: String!, $idempotencyKey: String) { createPipeline(app: $app, xml: $xml, idempotencyKey: $idempotencyKey) { ${members} } }`)
const update = operation<{ updatePipeline: Definition }>(`mutation RestUpdatePipeline($app: String!, $id: ID!, $xml: String!, $allowOlder: Boolean!, $idempotencyKey: String) { updatePipeline(app: $app, id: $id, xml: $xml, allowOlder: $allowOlder, idempotencyKey: $idempotencyKey) { ${members} } }`)
const remove = operation<{ deletePipeline: boolean }>('mutation RestDeletePipeline($app: String!, $id: ID!, $idempotencyKey: String) { deletePipeline(app: $app, id: $id, idempotencyKey: $idempotencyKey) }')
const applications = operation<{ applications: readonly { readonly name: string; readonly layers: readonly { readonly layer: string }[] }[]; commonSchemas: readonly string[]; commonLookups: readonly string[] }>('query RestApplications { applications { name layers { layer pipelines jobs schemas resources } } commonSchemas commonLookups }')

const promote = operation<{ promotePipeline: Readonly<Record<string, unknown>> }>('mutation RestPromote($app: String!, $id: ID!, $version: String!, $to: Environment!, $idempotencyKey: String) { promotePipeline(app: $app, id: $id, version: $version, to: $to, idempotencyKey: $idempotencyKey) { environment version previous commit } }')
const environment = operation<{ environment: string }>('query RestEnvironment { environment }')

const xml = z.string().describe('The document.')

/** Pipelines as they are put in, changed and taken away. */
export function definitionRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'GET', path: '/api/v1/datahub/applications', summary: 'The applications of the hub, layer by layer, and what all of them share.', answers: { 200: 'Those the caller may read.' },
      answer: async request => {
        const { applications: all, commonSchemas, commonLookups } = await applications(hub, request, {})
        return { status: 200, body: { applications: all.map(({ name, layers }) => ({ name, layers: layers.map(one => ({ ...one, layer: one.layer.toLowerCase() })) })), common_schemas: commonSchemas, common_lookups: commonLookups } }
      },
    }),
    route({
      method: 'POST', path: '/api/v1/datahub/pipelines', summary: 'Puts a pipeline into the folder of the hub, and commits it.', body: closed({ app: z.string().describe('Its application.'), xml }), answers: { 201: 'The pipeline, with what only data and environment have against it.' },
      answer: async (request, { body }) => {
        const { createPipeline } = await create(hub, request, body)
        return { status: 201, headers: { location: `/api/v1/datahub/pipelines/${body.app}/${createPipeline.id}` }, body: shownDefinition(createPipeline) }
      },
    }),
    route({
      method: 'PUT', path: '/api/v1/datahub/pipelines/{app}/{id}', summary: 'Changes a pipeline, and commits it.', answers: { 200: 'The pipeline.' },
      body: closed({ xml, allow_older: z.boolean().default(false).describe('Also a version below the newest there was.') }),
      answer: async (request, { body }) => {
        const { app = '', id = '' } = request.params
        return { status: 200, body: shownDefinition((await update(hub, request, { app, id, xml: body.xml, allowOlder: body.allow_older })).updatePipeline) }
      },
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/environment', summary: 'Which environment the hub is.', answers: { 200: 'dev, qa or prod.' },
      answer: async request => ({ status: 200, body: lowered({ ...(await environment(hub, request, {})) }, 'environment') }),
    }),
    route({
      method: 'POST', path: '/api/v1/datahub/pipelines/{app}/{id}/promotions', summary: 'Makes a version the one that an environment runs, and commits that.', answers: { 200: 'What it runs now, and ran before.' },
      body: closed({ version: z.string().describe('major.minor.patch; 1.0 is 1.0.0.'), to: word(['dev', 'qa', 'prod']).describe('The environment: qa, or prod for what qa runs.') }),
      answer: async (request, { body: { version, to } }) => {
        const { app = '', id = '' } = request.params
        return { status: 200, body: lowered((await promote(hub, request, { app, id, version, to: to.toUpperCase() })).promotePipeline, 'environment') }
      },
    }),
    route({
      method: 'DELETE', path: '/api/v1/datahub/pipelines/{app}/{id}', summary: 'Takes a pipeline away, and commits that.', answers: { 204: 'It is gone; its versions can still be read.' },
      answer: async request => {
        const { app = '', id = '' } = request.params
        await remove(hub, request, { app, id })
        return { status: 204 }
      },
    }),
  ]
}
