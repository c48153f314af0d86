import type { GraphQLError, GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema } from 'graphql'
import type { Canonical } from '../canonical.ts'
import type { Collector, Deferred, Fields } from '../collect.ts'
import { ErrorList } from '../error-list.ts'
import type { Path } from '../failures.ts'
import { project } from '../project.ts'
import { runStep, type Run } from '../run.ts'
import type { Data } from '../shape.ts'
import type { Step } from '../steps.ts'
import { needsOf, only } from './needs.ts'

/** One piece of an answer that comes in pieces: the first has `data`, those after it what was deferred. */
export interface Delivery {
  readonly data?: Data | null
  readonly errors?: readonly GraphQLError[]
  readonly incremental?: readonly Increment[]
  readonly hasNext: boolean
}

export interface Increment {
  readonly data: Data | null
  /** Of the object it belongs to. */
  readonly path: Path
  readonly label?: string
  readonly errors?: readonly GraphQLError[]
}

interface Waiting {
  readonly deferred: Deferred
  readonly type: GraphQLObjectType | GraphQLInterfaceType
  readonly data: Data
  readonly path: Path
}

export interface Delivering {
  readonly schema: GraphQLSchema
  readonly form: Canonical
  /** One that keeps apart what is deferred. */
  readonly collector: Collector
  readonly rootType: GraphQLObjectType
  readonly fields: Fields
  readonly variables: Readonly<Record<string, unknown>>
  readonly maxErrors: number
}

/**
 * Answers as the plan is run: first what is not deferred, as soon as its fetches are back, then each part when its own are. Fetches of deferred parts are begun after the first answer, and
 * nothing is fetched twice. A part below a null is none.
 */
export async function* deliver(run: Run, step: Step | undefined, of: Delivering): AsyncGenerator<Delivery, void, void> {
  const { schema, collector, rootType, fields } = of
  const needs = step ? needsOf(step, schema, of.form, collector, rootType, fields) : new Map<Step, ReadonlySet<unknown>>()
  const isFirst = (fetch: Step) => needs.get(fetch)?.has('first') === true || needs.get(fetch)?.size === 0
  const first = step && only(step, isFirst)
  const rest = step && only(step, fetch => !isFirst(fetch))
  if (first) await runStep(run, first)

  const answered = answer(run, of, rootType, fields, run.data, [])
  answered.errors.finish(run.failures.all)
  let waiting = answered.waiting
  yield { data: answered.data, ...told(answered.errors), hasNext: waiting.length > 0 }
  if (waiting.length === 0) return

  const ended = new Set<Step>()
  const later = [...needs.keys()].filter(fetch => !isFirst(fetch))
  let change = Promise.withResolvers<void>()
  let isOver = rest === undefined
  const noted = (fetch?: Step) => {
    if (fetch) ended.add(fetch)
    else isOver = true
    change.resolve()
    change = Promise.withResolvers()
  }
  // Never fails: what goes wrong is told where it was asked for.
  if (rest) void runStep({ ...run, ended: noted }, rest).then(() => noted())
  while (waiting.length > 0) {
    const isReady = ({ deferred }: Waiting) => isOver || later.every(fetch => ended.has(fetch) || !needs.get(fetch)?.has(deferred))
    const ready = waiting.filter(isReady)
    if (ready.length === 0) {
      await change.promise
      continue
    }
    waiting = waiting.filter(one => !ready.includes(one))
    const incremental = ready.map(({ deferred, type, data, path }): Increment => {
      const part = answer(run, of, type, collector.part(deferred), data, path)
      waiting.push(...part.waiting)
      return { data: part.data, path, ...(deferred.label !== undefined && { label: deferred.label }), ...told(part.errors) }
    })
    yield { incremental, hasNext: waiting.length > 0 }
  }
}

function answer(run: Run, { schema, form, collector, variables, maxErrors }: Delivering, type: GraphQLObjectType | GraphQLInterfaceType, fields: Fields, data: Data, path: Path): { readonly data: Data | null; readonly errors: ErrorList; readonly waiting: Waiting[] } {
  const errors = new ErrorList(maxErrors)
  const found: Waiting[] = []
  const made = project({ schema, form, collector, failures: run.failures, errors, variables, onObject: (of, own, object, at) => {
    for (const deferred of collector.deferredOf(own)) found.push({ deferred, type: of, data: object, path: at })
  } }, type, fields, data, path)
  return { data: made, errors, waiting: found.filter(one => isThere(made, one.path.slice(path.length))) }
}

function isThere(data: unknown, path: Path): boolean {
  let value = data
  for (const part of path) value = (value as Record<string | number, unknown> | null | undefined)?.[part]
  return value !== null && value !== undefined
}

function told({ list }: ErrorList): { readonly errors?: readonly GraphQLError[] } {
  return list.length > 0 ? { errors: list } : {}
}
