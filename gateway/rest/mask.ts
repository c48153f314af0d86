import { z } from 'zod'
import { closed } from '../../schema/findings.ts'
import type { Hub } from '../hub.ts'
import type { Route } from '../http/routes.ts'
import { operation } from './operation.ts'
import { problem } from './problem.ts'
import { route } from './route.ts'

const detokenize = operation<{ detokenize: readonly Readonly<Record<'token' | 'value' | 'key', string>>[] }>('mutation RestDetokenize($app: String!, $tokens: [String!]!, $secretRef: String, $reason: String!) { detokenize(app: $app, tokens: $tokens, secretRef: $secretRef, reason: $reason) { token value key } }')

/** What masked values stand for. */
export function maskRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'POST', path: '/api/v1/datahub/mask/detokenize', summary: 'What tokens and encrypted values stand for; who asked is kept.', failure: problem({ secretRef: 'secret_ref' }), answers: { 200: 'Each value with the key it was masked with, in the order asked.' },
      body: closed({
        app: z.string().describe('The application whose key it is.'), tokens: z.array(z.string()).describe('1 to 1000 masked values.'), secret_ref: z.string().optional().describe('Name of the key. Without it the application\'s.'),
        reason: z.string().describe('What they are needed for. 1 to 1000 characters.'),
      }),
      // What it answers belongs into no cache on its way.
      answer: async (request, { body: { secret_ref: secretRef, ...asked } }) => ({ status: 200, headers: { 'cache-control': 'no-store' }, body: { values: (await detokenize(hub, request, { ...asked, secretRef })).detokenize } }),
    }),
  ]
}
