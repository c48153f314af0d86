import { createHash } from 'node:crypto'
import { getArgumentValues, print, type FieldNode, type FragmentDefinitionNode, type GraphQLObjectType } from 'graphql'
import { HubError } from '../../schema/errors.ts'
import type { MetadataStore } from '../../connectors/ports/metadata-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'

type Answers = Pick<MetadataStore, 'keptAnswer' | 'keepAnswer'>
type Part = Record<string, unknown>

/** What a field answered, and whether anything in it failed. */
export interface Outcome {
  readonly part: Part | null
  readonly failed: boolean
}

/** One root field of a mutation that the client gave a name of its own, so that asking again does nothing again. */
export interface KeyedField {
  /** The client's name for it. */
  readonly key: string
  /** Hash of what was asked: field, arguments, selection and variables. */
  readonly request: string
}

const longestKey = 255

/** The field's `idempotencyKey` with what it stands for; undefined where none was given. One that is empty or longer than 255 characters → BAD_USER_INPUT. */
export function keyedField(rootType: GraphQLObjectType, nodes: readonly FieldNode[], fragments: readonly FragmentDefinitionNode[], variables: Readonly<Record<string, unknown>>): KeyedField | undefined {
  const [node] = nodes
  const field = node && rootType.getFields()[node.name.value]
  if (!node || !field?.args.some(argument => argument.name === 'idempotencyKey')) return undefined
  const key = getArgumentValues(field, node, variables)['idempotencyKey']
  if (typeof key !== 'string') return undefined
  if (key === '' || key.length > longestKey) throw new HubError('BAD_USER_INPUT', `The idempotencyKey has ${key.length} characters; it takes 1 to ${longestKey}.`, { field: 'idempotencyKey' })
  const asked = [...nodes.map(print), ...fragments.map(print), stable(variables)].join('\n')
  return { key, request: createHash('sha256').update(asked).digest('hex') }
}

/**
 * Answers a mutation's field once per tenant and key: the first time `perform` is run and what it answers without an error is kept for a day; the same request later, or
 * at the same time, is given that answer. Another request under the key → CONFLICT. What is answered before the hub dies is kept; a mutation it died in may run again.
 */
export class Once {
  readonly #answers: Answers
  readonly #running = new Map<string, { readonly request: string; readonly outcome: Promise<Outcome> }>()

  constructor(answers: Answers) {
    this.#answers = answers
  }

  async answer(scope: Scope, field: KeyedField, perform: () => Promise<Outcome>): Promise<Part | null> {
    const { key, request } = field
    const place = `${scope.tenant}\u0000${key}`
    const running = this.#running.get(place)
    if (running) {
      if (running.request !== request) throw reused(key)
      // What failed was told to whoever asked first, and may do better now.
      const { part, failed } = await running.outcome
      return failed ? this.answer(scope, field, perform) : part
    }
    const outcome = this.#find(scope, field, perform)
    this.#running.set(place, { request, outcome: outcome.catch(() => failure) })
    try {
      return (await outcome).part
    } finally {
      this.#running.delete(place)
    }
  }

  async #find(scope: Scope, { key, request }: KeyedField, perform: () => Promise<Outcome>): Promise<Outcome> {
    const kept = await this.#answers.keptAnswer(scope, key)
    if (kept) {
      if (kept.request !== request) throw reused(key)
      return { part: kept.answer as Part, failed: false }
    }
    const outcome = await perform()
    if (outcome.part && !outcome.failed) await this.#answers.keepAnswer(scope, key, { request, answer: JSON.parse(JSON.stringify(outcome.part)) })
    return outcome
  }
}

const failure: Outcome = { part: null, failed: true }

function reused(key: string): HubError {
  return new HubError('CONFLICT', `The idempotencyKey "${key}" was used for another request within the last day. Give each request its own.`, { idempotencyKey: key })
}

/** JSON with members in order of their names, so that equal variables are equal text. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === 'bigint') return String(member)
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
