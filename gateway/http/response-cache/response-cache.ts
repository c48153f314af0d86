import type { Caller, Scope } from '../../../connectors/ports/scope.ts'
import { SizedCache } from '../../limits/lru.ts'
import type { Metrics } from '../../telemetry/metrics.ts'
import type { Answer, Prepared } from '../operations.ts'
import { Dependencies } from './dependencies.ts'
import type { CachedOperation } from './operation.ts'
import type { ResponseCacheSettings } from './settings.ts'

/** HIT: the answer was kept. MISS: it is from now on. BYPASS: it is not. */
export type CacheStatus = 'HIT' | 'MISS' | 'BYPASS'

export interface Wanted {
  readonly explain: boolean
  /** Data may come as JSON. */
  readonly json?: boolean
  /** Where to tell, beside the answer's `extensions.hub.cache`, whether it was kept. */
  readonly seen?: { cache?: CacheStatus }
}

interface Kept {
  /** Its data. */
  readonly json: string
  readonly dependencies: Dependencies
  readonly sizeBytes: number
}

/** What V8 takes for one entry, about, beside texts and dependencies. */
const bytesPerEntry = 256

/**
 * Answers of operations whose clients asked for it, each given again only while everything it was made from is as it was, which is looked at in the same step in which it is
 * given. Nothing here is ever too old, so nothing has a time to live; what is no longer so goes when it is asked for, or when there is no room.
 */
export class ResponseCache {
  readonly #isOff: boolean
  readonly #maxBytes: number
  readonly #counts: Record<CacheStatus, { inc(): void }>
  readonly #answers: SizedCache<Kept>

  constructor({ maxBytes, maxEntries }: ResponseCacheSettings, metrics: Metrics) {
    this.#isOff = maxBytes === 0 || maxEntries === 0
    this.#maxBytes = maxBytes
    const count = (outcome: string) => metrics.responseCache.labels(outcome)
    this.#counts = { HIT: count('hit'), MISS: count('miss'), BYPASS: count('bypass') }
    this.#answers = new SizedCache<Kept>(maxEntries, maxBytes, (_key, { sizeBytes }) => sizeBytes)
    metrics.keptAnswers = () => ({ entries: this.#answers.size, sizeBytes: this.#answers.sizeBytes })
  }

  /** The kept answer, or that of `run`, which is kept if it can be. */
  async answer(cached: CachedOperation, prepared: Prepared, scope: Scope, wanted: Wanted, run: (prepared: Prepared, scope: Scope) => Promise<Answer>): Promise<Answer> {
    const execute = (own: Scope) => run({ ...prepared, document: cached.document }, own)
    const against = this.#isOff ? 'The hub keeps no answers: the setting responseCache gives them no room.' : cached.reason
    if (against !== undefined) return this.#told(await execute(scope), wanted, 'BYPASS', against)

    const key = keyOf(cached, prepared, scope)
    const kept = this.#answers.get(key)
    if (kept?.dependencies.areCurrent()) return this.#told(asWanted(kept.json, wanted), wanted, 'HIT')
    if (kept) this.#answers.delete(key)

    const footprint = new Dependencies()
    const answer = await execute({ ...scope, footprint })
    const reason = answer.errors ? 'The answer has errors.' : footprint.reason
    if (reason !== undefined) return this.#told(answer, wanted, 'BYPASS', reason)
    const json = answer.json ?? JSON.stringify(answer.data)
    const sizeBytes = bytesPerEntry + 2 * (key.length + json.length) + footprint.sizeBytes
    if (sizeBytes > this.#maxBytes) return this.#told(answer, wanted, 'BYPASS', 'The answer is larger than all the room there is.')
    this.#answers.set(key, { json, dependencies: footprint, sizeBytes })
    return this.#told(wanted.explain ? answer : asWanted(json, wanted, answer), wanted, 'MISS')
  }

  /** Lets go of everything: answers of a graph that serves no more are not asked for again. */
  clear(): void {
    this.#answers.clear()
  }

  #told(answer: Answer, { explain, seen }: Wanted, status: CacheStatus, reason?: string): Answer {
    this.#counts[status].inc()
    if (seen) seen.cache = status
    if (!explain) return answer
    const { data, errors, extensions } = answer
    const cache = { status, ...(reason !== undefined && { reason }) }
    return { ...(errors && { errors }), data, extensions: { hub: { reads: [], plan: { steps: [] }, ...(extensions?.['hub'] as object | undefined), cache } } }
  }
}

/** Data that is JSON already, as JSON or as objects; those of `answer`, where it has them. */
function asWanted(json: string, wanted: Wanted, answer?: Answer): Answer {
  return wanted.json && !wanted.explain ? { json } : { data: answer?.data ?? (JSON.parse(json) as Answer['data']) }
}

/** Of two requests with one key the answers are the same as long as the data is: same operation of the same graph, same variables, same tenant, same rights, same bound on age and level. */
function keyOf(cached: CachedOperation, { params }: Prepared, { tenant, caller, consistency }: Scope): string {
  const { level, maxStalenessMs = '' } = consistency ?? { level: 'STRONG' }
  return `${cached.id}\n${JSON.stringify(tenant)}\n${rightsOf(caller)}\n${level} ${maxStalenessMs}\n${cached.given(params.variables)}`
}

const rights = new WeakMap<Caller['scopes'], string>()

function rightsOf({ scopes }: Caller): string {
  let text = rights.get(scopes)
  if (text === undefined) {
    text = JSON.stringify([...scopes].sort())
    rights.set(scopes, text)
  }
  return text
}
