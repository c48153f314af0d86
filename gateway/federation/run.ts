import type { ExecutionResult } from 'graphql'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Read } from '../../resolvers/context.ts'
import { HubError } from '../../schema/errors.ts'
import { clientPath } from './client-path.ts'
import { placeProgram } from './compiled/programs.ts'
import type { Sent } from './core/run.ts'
import type { Failures, Path } from './failures.ts'
import type { Plan } from './plan.ts'
import { represent, type Represented } from './representations.ts'
import { rewrite, rewritePath } from './rewrites.ts'
import { isObject, merge, type Data, type Shape } from './shape.ts'
import type { Call, Place, Step } from './steps.ts'
import type { SubgraphRequest, SubgraphResult, SubgraphService } from './supergraph.ts'
import type { Types } from './types.ts'

/** One execution of a plan: what it has and what it has found so far. */
export interface Run {
  readonly plan: Plan
  readonly services: ReadonlyMap<string, SubgraphService>
  readonly types: Types
  readonly scope: Scope
  readonly explain?: (read: Read) => void
  /** Coerced, by the names the plan gives them. */
  readonly variables: Readonly<Record<string, unknown>>
  readonly data: Data
  readonly failures: Failures
  /** What was sent before, in vain: it is not sent again. */
  readonly sent?: Sent
  /** Told of each fetch that is over, however it ended. */
  readonly ended?: (fetch: Step) => void
  /** Whether no text in the data needs escapes in JSON. */
  isPlain: boolean
}

/** Runs the step to its end. Never fails: what went wrong is in `failures`, and whatever does not depend on it is fetched. */
export async function runStep(run: Run, step: Step): Promise<void> {
  switch (step.kind) {
    case 'sequence':
      for (const child of step.steps) await runStep(run, child)
      return
    case 'parallel':
      await Promise.all(step.steps.map(child => runStep(run, child)))
      return
    case 'condition': {
      const branch = run.variables[step.variable] === true ? step.yes : step.no
      if (branch) await runStep(run, branch)
      return
    }
    case 'root':
      await fetchRoot(run, step)
      break
    case 'entities':
      await fetchEntities(run, step.call, step.places)
  }
  run.ended?.(step)
}

async function fetchRoot(run: Run, step: Extract<Step, { kind: 'root' }>): Promise<void> {
  try {
    const service = serviceOf(run, step.call)
    takeRoot(run, await ask(run, service, step.call, requestOf(run, step.call, '')), step)
  } catch (error) {
    run.failures.miss(run.data, step.shape, error)
  }
}

/** Takes the answer of a root fetch, or one event of a subscription, into the run. */
export function takeRoot(run: Run, result: SubgraphResult, { shape, outputs }: Pick<Extract<Step, { kind: 'root' }>, 'shape' | 'outputs'>): void {
  run.isPlain &&= result.isPlain === true
  for (const error of result.errors ?? []) {
    if (error.path?.length) run.failures.report(run.data, rewritePath(error.path, outputs), error)
    if (!error.path?.length || !result.data) run.failures.miss(run.data, shape, error)
  }
  if (!result.data) return
  rewrite(result.data, outputs, run.types)
  merge(run.data, result.data, shape, run.types.isObject)
}

async function fetchEntities(run: Run, call: Call, places: readonly Place[]): Promise<void> {
  const takesJson = run.services.get(call.service)?.takesJson === true
  const represented = places.map(place => representedAt(run, place, !takesJson))
  if (represented.every(({ targets }) => targets.length === 0)) return
  try {
    const given = <T>(of: (found: Represented) => T) => Object.fromEntries(places.map(({ variable }, index) => [variable, of(represented[index]!)]))
    const request = takesJson && !run.explain ? requestOf(run, call, '') : requestOf(run, call, ...placeOf(run, places))
    const whole = takesJson ? { ...request, json: given(({ texts }) => `[${texts.join()}]`) } : { ...request, variables: { ...given(({ representations }) => representations), ...request.variables } }
    const result = await ask(run, serviceOf(run, call), call, whole)
    run.isPlain &&= result.isPlain === true
    takeErrors(run, result, places, represented)
    for (const [index, place] of places.entries()) takeEntities(run, result.data?.[place.alias], place, represented[index]!, call)
  } catch (error) {
    for (const [index, place] of places.entries()) missAll(run, place.shape, represented[index]!, error)
  }
}

function representedAt({ data, types, variables, failures }: Run, place: Place, asValues: boolean): Represented {
  return placeProgram(place, types)?.represent?.(data, asValues) ?? represent(data, place, variables, types, failures)
}

function takeEntities(run: Run, entities: unknown, place: Place, { targets }: Represented, call: Call): void {
  if (entities === undefined || entities === null) return
  if (!Array.isArray(entities) || entities.length !== targets.length) {
    const found = Array.isArray(entities) ? `${entities.length} answers` : 'no list'
    throw new HubError('UPSTREAM_REJECTED', `Subgraph "${call.service}" was asked for ${targets.length} entities and gave ${found}.`, { service: call.service })
  }
  if (place.outputs.length > 0) rewrite(entities, place.outputs, run.types)
  const program = placeProgram(place, run.types)
  for (const [index, entity] of entities.entries()) {
    if (!isObject(entity)) continue
    for (const target of targets[index] ?? []) {
      if (program) program.merge(target, entity)
      else merge(target, entity, place.shape, run.types.isObject)
    }
  }
}

function takeErrors(run: Run, result: ExecutionResult, places: readonly Place[], represented: readonly Represented[]): void {
  for (const error of result.errors ?? []) {
    const [alias, position, ...path] = error.path ?? []
    const index = places.findIndex(place => place.alias === alias)
    const place = places[index]
    const targets = typeof position === 'number' ? represented[index]?.targets[position] : undefined
    if (!place || !targets) {
      for (const [other, { shape }] of places.entries()) if (!place || place === places[other]) missAll(run, shape, represented[other]!, error)
      continue
    }
    const below: Path = rewritePath(path, place.outputs)
    const isMissed = below.length === 0 || !isObject(entityAt(result, place, position))
    for (const target of targets) {
      if (below.length > 0) run.failures.report(target, below, error)
      if (isMissed) run.failures.miss(target, place.shape, error)
    }
  }
}

function entityAt(result: ExecutionResult, place: Place, position: string | number | undefined): unknown {
  const entities = result.data?.[place.alias]
  return Array.isArray(entities) && typeof position === 'number' ? entities[position] : undefined
}

function missAll(run: Run, shape: Shape, { targets }: Represented, error: unknown): void {
  for (const target of targets.flat()) run.failures.miss(target, shape, error)
}

/** Path of the entities for the subgraph, and how paths of its reads become paths of the client's answer. */
function placeOf(run: Run, places: readonly Place[]): [at: string, pathOf: (own: string) => string] {
  const fields = new Map(places.map(place => [place.alias, place.paths[0]?.flatMap(part => (typeof part === 'object' && 'Field' in part ? [part.Field] : [])) ?? []]))
  const [only] = fields.size === 1 ? fields.values() : []
  const at = only ? clientPath(run.plan, only) : ''
  return [at, own => {
    if (only) return clientPath(run.plan, [...only, ...segments(own.slice(own === at || own.startsWith(`${at}.`) ? at.length : 0))])
    const [alias = '', ...below] = segments(own)
    return clientPath(run.plan, [...(fields.get(alias) ?? [alias]), ...below])
  }]
}

function segments(path: string): string[] {
  return path.split('.').filter(Boolean)
}

function serviceOf({ services }: Run, { service: name }: Call): SubgraphService {
  const service = services.get(name)
  if (!service) throw new HubError('INTERNAL', `The graph has a subgraph "${name}" that is not connected.`)
  return service
}

function ask({ scope: { signal }, sent }: Run, service: SubgraphService, call: Call, request: SubgraphRequest): Promise<SubgraphResult> {
  const { raw } = service
  const before = raw && sent?.get(call)
  if (before) return before.then(raw.read)
  return service.takesJson ? service.execute(request) : untilAborted(signal, () => service.execute(request))
}

export function requestOf(run: Run, call: Call, at: string, pathOf = (own: string) => clientPath(run.plan, segments(own))): SubgraphRequest {
  const { explain } = run
  const variables: Data = {}
  for (const name of call.variables) if (Object.hasOwn(run.variables, name)) variables[name] = run.variables[name]
  return {
    document: call.document, parsed: call.parsed, operationName: call.operationName, variables, scope: run.scope, at,
    ...(explain && { explain: read => explain({ ...read, path: pathOf(read.path) }) }),
  }
}

/** The work's result, or the signal's reason as soon as it aborts: a subgraph that does not listen holds nobody up. */
export async function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work(), aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
