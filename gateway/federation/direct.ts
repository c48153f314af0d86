import {
  isAbstractType, isEnumType, isInputObjectType, isObjectType, Kind, separateOperations, validate, visit,
  type DocumentNode, type FragmentDefinitionNode, type GraphQLError, type GraphQLInputObjectType, type GraphQLSchema, type InlineFragmentNode, type OperationDefinitionNode,
} from 'graphql'
import type { ErrorList } from './error-list.ts'
import type { Plan } from './plan.ts'
import type { Data } from './shape.ts'
import type { Operation, SubgraphRequest, SubgraphService } from './supergraph.ts'

/** An operation as a subgraph of this process takes it from the client. */
class Direct {
  readonly #service: SubgraphService
  readonly #parsed: DocumentNode
  readonly #operationName: string | undefined

  constructor(service: SubgraphService, parsed: DocumentNode, operationName: string | undefined) {
    this.#service = service
    this.#parsed = parsed
    this.#operationName = operationName
  }

  /** The data; undefined where it did not begin, over a variable that only the subgraph can judge: the plan says at which fields. */
  async execute(operation: Operation, variables: Data, errors: ErrorList): Promise<Data | null | undefined> {
    const { data, errors: found = [] } = await this.#service.execute(this.#request(operation, variables))
    if (data !== undefined) tell(errors, found)
    return data
  }

  /** The same as JSON. */
  async write(operation: Operation, variables: Data, errors: ErrorList): Promise<string | undefined> {
    const { json, errors: found = [] } = (await this.#service.write?.(this.#request(operation, variables))) ?? {}
    if (json !== undefined) tell(errors, found)
    return json
  }

  #request({ text, scope, explain }: Operation, variables: Data): SubgraphRequest {
    return { document: text, parsed: this.#parsed, operationName: this.#operationName, variables, scope, at: '', explain }
  }
}

function tell(errors: ErrorList, found: readonly GraphQLError[]): void {
  for (const error of found) errors.tell(error, error.path ?? [], error.nodes ?? [])
}

/**
 * Operations that one subgraph of this process answers alone, with one fetch, and whose text it takes as it is: its answer is the client's answer, in the order and under the
 * names the client asked for. What it may not see goes the general way: types and fields it does not have, and introspection.
 */
export class Directs {
  readonly #schema: GraphQLSchema
  /** Those that take nothing clients may not give, and answer nothing they may not see. */
  readonly #services: ReadonlyMap<string, SubgraphService>
  readonly #known = new WeakMap<Plan, Direct | null>()
  /** By document and name: operations that go to one subgraph whatever their variables are. */
  readonly #always = new WeakMap<DocumentNode, Map<string, Direct>>()

  constructor(schema: GraphQLSchema, services: readonly SubgraphService[]) {
    this.#schema = schema
    this.#services = new Map(services.filter(service => service.schema && isPublic(service.schema, schema)).map(service => [service.name, service]))
  }

  /** Undefined where the operation has to be planned: it is not known yet, or not one of these. */
  known({ document, operationName = '' }: Operation): Direct | undefined {
    return this.#always.get(document)?.get(operationName)
  }

  /** Undefined where the plan has to be run. */
  of(plan: Plan, { document, operationName = '' }: Operation, node: OperationDefinitionNode): Direct | undefined {
    const direct = this.#of(plan, document, node)
    if (direct && plan.isFixed) this.#always.set(document, (this.#always.get(document) ?? new Map<string, Direct>()).set(operationName, direct))
    return direct ?? undefined
  }

  #of(plan: Plan, document: DocumentNode, node: OperationDefinitionNode): Direct | null {
    const known = this.#known.get(plan)
    if (known !== undefined) return known
    const direct = this.#find(plan, document, node) ?? null
    this.#known.set(plan, direct)
    return direct
  }

  #find({ step }: Plan, document: DocumentNode, node: OperationDefinitionNode): Direct | undefined {
    const service = step?.kind === 'root' ? this.#services.get(step.call.service) : undefined
    if (!service?.schema || node.selectionSet.selections.some(one => one.kind !== Kind.FIELD || one.name.value.startsWith('__'))) return undefined
    const parsed = separateOperations(document)[node.name?.value ?? '']
    return parsed && validate(service.schema, parsed).length === 0 && !narrows(parsed, service.schema, this.#schema) ? new Direct(service, parsed, node.name?.value) : undefined
  }
}

/** Whether a fragment of the document is on an interface or union that, in the subgraph, some of its objects are not of: there the fragment would be passed over. */
function narrows(document: DocumentNode, own: GraphQLSchema, seen: GraphQLSchema): boolean {
  let found = false
  const look = ({ typeCondition }: FragmentDefinitionNode | InlineFragmentNode) => {
    const [here, there] = [own.getType(typeCondition?.name.value ?? ''), seen.getType(typeCondition?.name.value ?? '')]
    if (!isAbstractType(here) || !isAbstractType(there)) return
    found ||= seen.getPossibleTypes(there).some(({ name }) => {
      const object = own.getType(name)
      return isObjectType(object) && !own.isSubType(here, object)
    })
  }
  visit(document, { InlineFragment: look, FragmentDefinition: look })
  return found
}

/** Whether clients may see every type of object and every value of an enum that an answer of the subgraph can hold, and its inputs are what they are to clients. */
function isPublic(own: GraphQLSchema, seen: GraphQLSchema): boolean {
  return Object.values(own.getTypeMap()).every(type => {
    if (type.name.startsWith('_')) return true
    const shown = seen.getType(type.name)
    if (isEnumType(type)) return !shown || (isEnumType(shown) && type.getValues().every(({ name }) => shown.getValue(name)))
    if (isInputObjectType(type)) return !shown || (isInputObjectType(shown) && fieldsOf(type) === fieldsOf(shown))
    return !isObjectType(type) || isObjectType(shown)
  })
}

function fieldsOf(type: GraphQLInputObjectType): string {
  return Object.values(type.getFields()).map(({ name, type: own, defaultValue }) => `${name}: ${String(own)} = ${JSON.stringify(defaultValue)}`).sort().join()
}
