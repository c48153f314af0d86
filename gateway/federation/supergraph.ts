import type { DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql'
import type { Live, Read } from '../../resolvers/context.ts'
import type { Delivery } from './deferred/deliver.ts'
import type { Scope } from '../../connectors/ports/scope.ts'

/** A subgraph as the executor sees it, in this process or behind a URL. */
export interface SubgraphService {
  readonly name: string
  /** Federation SDL, as `_service` answers it. */
  readonly sdl: string
  /** Of one in this process: what its documents may ask for. */
  readonly schema?: GraphQLSchema
  /** Whether it takes variables in `json`; the others are given values. It ends by itself when the scope's signal aborts. */
  readonly takesJson?: true
  /** Notes in the scope's footprint what the answer is made from. Never throws for a GraphQL error; throws UPSTREAM_UNAVAILABLE, TIMEOUT or CANCELLED when there is no answer. */
  execute(request: SubgraphRequest): Promise<SubgraphResult>
  /** Of one behind a URL: what `execute` does in two steps. */
  readonly raw?: { send(request: SubgraphRequest): Promise<RawAnswer>; read(answer: RawAnswer): SubgraphResult }
  /** Of one in this process: the same with `data` as JSON. */
  write?(request: SubgraphRequest): Promise<Partial<Written>>
  /** Events of one subscription; a refusal before the start is an ExecutionResult with errors. */
  subscribe(request: SubgraphRequest): Promise<AsyncIterable<ExecutionResult> | ExecutionResult>
  close?(): Promise<void>
}

/** How a plan over remote subgraphs was run: by the core, in the general way, or there after the core had given it up. */
export type PlanWay = 'core' | 'general' | 'given_up'

/** What a subgraph answered, not yet read. */
export interface RawAnswer {
  /** How many bytes it has. */
  readonly length: number
  readonly text: string
  /** Copies the bytes to a place that has room for them. */
  copyTo(target: Buffer, at: number): void
  /** Says that its asker needs it no more; when all have said so, whoever reads it fails. */
  release(): void
}

export interface SubgraphResult extends ExecutionResult {
  /** Whether no text in the data needs escapes in JSON. */
  readonly isPlain?: boolean
}

export interface SubgraphRequest {
  readonly document: string
  /** Parsed once per plan; in-process services use it. */
  readonly parsed: DocumentNode
  readonly operationName?: string
  readonly variables: Readonly<Record<string, unknown>>
  /** Further variables, as JSON. */
  readonly json?: Readonly<Record<string, string>>
  readonly scope: Scope
  readonly explain?: (read: Read) => void
  /** Response path of the entities this is asked for; empty at the root. */
  readonly at: string
  /** Of a subscription. */
  readonly live?: Live
}

/** What the gateway executes one operation against. Immutable: a recomposition makes another, operations finish on the one they began with. */
export interface Supergraph {
  /** Hash of the composed SDL. */
  readonly version: string
  /** Composed SDL with `@join__…`. */
  readonly sdl: string
  /** The graph clients see. */
  readonly schema: GraphQLSchema
  /** One validated operation. Query and mutation answer one result; `data` is absent when execution never began. Errors carry path, locations and `extensions.code`. */
  execute(operation: Operation): Promise<ExecutionResult>
  /** The same with `data` as JSON, or all of the answer, wherever that is made at less cost. */
  write(operation: Operation): Promise<Written | Whole | ExecutionResult>
  /** A query or a mutation some of which is marked with `@defer`, in parts; one that does not begin answers its errors, a mutation of several fields, of one that is deferred itself or under a key its one answer. Absent where nothing can be deferred. */
  deliver?(operation: Operation): Promise<AsyncGenerator<Delivery, void, void> | ExecutionResult>
  subscribe(operation: Operation): Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult>
}

/** An answer whose data is JSON already. */
export interface Written {
  readonly json: string
  readonly errors?: readonly GraphQLError[]
}

/** An answer without errors as it is sent: `{"data":…}` in UTF-8. Several callers may be given the same bytes. */
export interface Whole {
  readonly whole: Buffer
}

export interface Operation {
  readonly document: DocumentNode
  /** The document's text: with the operation's name it names the plan. */
  readonly text: string
  readonly operationName?: string
  /** As the client sent them, not yet coerced. */
  readonly variables: Readonly<Record<string, unknown>>
  readonly scope: Scope
  readonly explain?: (read: Read) => void
  /** Of a subscription. */
  readonly live?: Live
}
