import { createHash } from 'node:crypto'
import type { RevealLog } from '../../connectors/ports/reveal-log.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Context } from '../../resolvers/context.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { asHubError, HubError } from '../../schema/errors.ts'
import { readKeyRing, reveal, type Revealed } from './mask/index.ts'
import { mustHoldIn } from './permissions.ts'
import { applicationParts, type Registry } from './registry.ts'
import { defaultSecret } from './run/mask-step.ts'

export interface RevealRoles {
  readonly registry: Registry
  readonly reveals: RevealLog
}

interface Asked {
  readonly app: string
  readonly tokens: readonly string[]
  readonly secretRef?: string | null
  readonly reason: string
}

/** Values of one request. */
const mostTokens = 1_000
const longestReason = 1_000
const longestApplication = 255

/** What masked values stand for, told to who may know it. An attempt that cannot be kept is not answered. */
export function revealFields({ registry, reveals }: RevealRoles): Subgraph['fields'] {
  return {
    Mutation: {
      detokenize: async (_: unknown, asked: Asked, { scope }: Context) => {
        const secret = asked.secretRef ?? defaultSecret
        const outcome = await opened(scope, registry, asked, secret).then(
          values => ({ values }),
          (error: unknown) => ({ error }),
        )
        const values = 'values' in outcome ? outcome.values : []
        // It is kept also where the client has left meanwhile.
        await reveals.append({ ...scope, signal: new AbortController().signal }, {
          application: asked.app.slice(0, longestApplication), reason: asked.reason.slice(0, longestReason), count: asked.tokens.length,
          outcome: 'error' in outcome ? asHubError(outcome.error).code : 'REVEALED', keys: [...new Set(values.map(({ keyId }) => `${secret} ${keyId}`))],
          hashes: asked.tokens.slice(0, mostTokens).map(token => createHash('sha256').update(JSON.stringify([scope.tenant, token])).digest('base64url')),
        })
        if ('error' in outcome) throw outcome.error
        return asked.tokens.map((token, place) => ({ token, value: values[place]?.value, key: `${secret} ${values[place]?.keyId}` }))
      },
    },
  }
}

async function opened(scope: Scope, registry: Registry, { app, tokens, reason }: Asked, secret: string): Promise<readonly Revealed[]> {
  mustHoldIn(scope, 'mask:reveal', app)
  if (reason.trim() === '' || reason.length > longestReason) throw new HubError('VALIDATION_ERROR', `The reason has ${reason.trim() === '' ? 'no text' : `${reason.length} characters`}; 1 to ${longestReason} are expected. Say what the values are needed for.`, { field: 'reason' })
  if (tokens.length === 0 || tokens.length > mostTokens) throw new HubError('VALIDATION_ERROR', `There are ${tokens.length} tokens; 1 to ${mostTokens} may be asked for at a time.`, { field: 'tokens' })
  const { secrets, vault } = await applicationParts(registry, app)
  return reveal(scope, vault, readKeyRing(secret, await secrets.read(scope, secret)), tokens)
}
