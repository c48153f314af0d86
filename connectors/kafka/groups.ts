import type { Scope } from '../ports/scope.ts'
import { offsetCommitRequest, send, type Broker } from './client.ts'
import type { Connections } from './connections.ts'
import { attempt } from './failures.ts'

/**
 * Kafka forgets a group's offsets a week after its last commit, unless a commit says how long they live. Versions 2 to 4 of the request can say so, later ones cannot.
 * Ten years, in milliseconds.
 */
const retentionTime = String(10 * 365 * 24 * 3_600_000)
const saysRetention = { version: 4 }

/** Offsets of groups without members: every commit is taken, the last one counts. A group's commits go one after the other. */
export class Groups {
  readonly #connections: Connections
  readonly #coordinators = new Map<string, Broker>()
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /** Per partition, in order; 0 where nothing was committed. */
  async committed(scope: Scope, group: string, topic: string, partitions: number): Promise<readonly number[]> {
    await this.#turns.get(group)
    return this.#asked(scope, group, async coordinator => {
      const { responses } = await coordinator.offsetFetch({ groupId: group, topics: [{ topic, partitions: Array.from({ length: partitions }, (_, partition) => ({ partition })) }] })
      const offsets = Array.from({ length: partitions }, () => 0)
      for (const { partition, offset } of responses[0]?.partitions ?? []) offsets[partition] = Math.max(0, Number(offset))
      return offsets
    })
  }

  commit(scope: Scope, group: string, topic: string, partition: number, offset: number): Promise<void> {
    const before = this.#turns.get(group) ?? Promise.resolve()
    const done = before.then(() => this.#asked(scope, group, async coordinator => {
      const topics = [{ topic, partitions: [{ partition, offset: String(offset), metadata: '' }] }]
      await send(coordinator, offsetCommitRequest.protocol(saysRetention)({ groupId: group, groupGenerationId: -1, memberId: '', retentionTime, topics }))
    }))
    const turn = done.catch(() => undefined).finally(() => {
      if (this.#turns.get(group) === turn) this.#turns.delete(group)
    })
    this.#turns.set(group, turn)
    return done
  }

  #asked<T>(scope: Scope, group: string, question: (coordinator: Broker) => Promise<T>): Promise<T> {
    return attempt(scope, async () => {
      const coordinator = this.#coordinators.get(group) ?? (await this.#connections.coordinator(group))
      this.#coordinators.set(group, coordinator)
      return question(coordinator)
    }, () => this.#coordinators.delete(group))
  }
}
