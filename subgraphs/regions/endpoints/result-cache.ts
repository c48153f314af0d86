import type { ChangeLog } from '../../../connectors/ports/change-log.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { HubError } from '../../../schema/errors.ts'

export interface ResultCacheLimits {
  readonly maxEntries: number
  readonly maxBytes: number
}

export interface ResultRequest<T> {
  /** Tells the result from every other, the tenant's included. */
  readonly key: string
  /** 0: the result is not kept, and nobody waits for another's. */
  readonly ttlMs: number
  /** Whether a result that is kept, and was begun at that moment, will do; absent: any. */
  readonly suits?: (value: T, sinceMs: number) => boolean
  /** The data the result is made of; a change there voids it. */
  readonly reads: readonly ResultSource[]
  readonly compute: (scope: Scope) => Promise<Computed<T>>
}

/** Rows of one region, as the change log names them. */
export interface ResultSource {
  /** The store's name for it. */
  readonly region: string
  /** Whose rows; the empty text for rows all tenants share. */
  readonly tenant: string
}

export interface Computed<T> {
  readonly value: T
  readonly sizeBytes: number
}

export interface Answered<T> {
  readonly value: T
  /** Whether it was there, computed for an earlier caller. */
  readonly hit: boolean
  /** When its computation began: the result knows every change before that. */
  readonly sinceMs: number
}

interface Cell<T> {
  readonly key: string
  readonly reads: readonly ResultSource[]
  readonly sinceMs: number
  readonly work: Promise<Computed<T>>
  readonly controller: AbortController
  waiting: number
  /** Present once the result is there. */
  result?: Computed<T> & { readonly untilMs: number }
}

/**
 * Results by key: bounded in number and in bytes, the one used longest ago goes first. A commit that changes what a result was made of voids it in the same step, and also the one that
 * is still being computed: its callers are answered, as they asked before the change, and it is not kept. Of several who miss one key at a time one computes.
 */
export class ResultCache<T> {
  readonly #limits: ResultCacheLimits
  readonly #stop: () => void
  readonly #cells = new Map<string, Cell<T>>()
  /** Cells by what they were made of: region, then tenant. */
  readonly #readers = new Map<string, Map<string, Set<Cell<T>>>>()
  #bytes = 0
  #generation = 0

  constructor(changes: Pick<ChangeLog, 'onCommit'>, limits: ResultCacheLimits) {
    this.#limits = limits
    this.#stop = changes.onCommit(({ changes: changed, resets }) => {
      if (this.#cells.size === 0) return
      for (const region of resets) for (const cells of [...(this.#readers.get(region)?.values() ?? [])]) this.#void(cells)
      for (const { region, tenant } of changed) {
        const cells = this.#readers.get(region)?.get(tenant)
        if (cells) this.#void(cells)
      }
    })
  }

  get size(): number {
    return this.#cells.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The result kept under the key, or a new one. Fails as its computation does, or with the signal's reason as soon as it aborts. */
  async answer(scope: Scope, request: ResultRequest<T>): Promise<Answered<T>> {
    const now = scope.clock.now()
    if (request.ttlMs === 0) return { value: (await request.compute(scope)).value, hit: false, sinceMs: now }

    const found = this.#cells.get(request.key)
    if (found?.result && now < found.result.untilMs && (request.suits?.(found.result.value, found.sinceMs) ?? true)) {
      this.#cells.delete(found.key)
      this.#cells.set(found.key, found)
      return { value: found.result.value, hit: true, sinceMs: found.sinceMs }
    }
    if (found?.result) this.#forget(found)
    const cell = found && !found.result ? found : this.#begin(scope, request)
    const { value } = await this.#join(cell, scope.signal)
    // One that was under way may have begun too early.
    if (cell === found && request.suits?.(value, cell.sinceMs) === false) return this.answer(scope, request)
    return { value, hit: false, sinceMs: cell.sinceMs }
  }

  /** Lets go of everything, and answers a number for the keys of those who begin now: what is still computed for others they never meet. */
  begin(): number {
    this.clear()
    this.#generation += 1
    return this.#generation
  }

  clear(): void {
    for (const cell of [...this.#cells.values()]) this.#forget(cell)
  }

  /** Hears of no more changes, so keeps nothing. */
  close(): void {
    this.#stop()
    this.clear()
  }

  #begin(scope: Scope, { key, ttlMs, reads, compute }: ResultRequest<T>): Cell<T> {
    const controller = new AbortController()
    const limitMs = Math.max(0, scope.deadlineMs - scope.clock.now())
    const cancel = scope.clock.after(limitMs, () => controller.abort(new HubError('TIMEOUT', `A result was not there after ${limitMs} ms; its computation was stopped.`)))
    const work = compute({ ...scope, signal: controller.signal }).finally(cancel)
    const cell: Cell<T> = { key, reads, sinceMs: scope.clock.now(), work, controller, waiting: 0 }
    this.#cells.set(key, cell)
    for (const { region, tenant } of reads) this.#readersOf(region, tenant).add(cell)
    work.then(
      computed => this.#keep(cell, { ...computed, untilMs: cell.sinceMs + ttlMs }),
      () => this.#forget(cell),
    )
    return cell
  }

  /** Waits with the others; the last one to leave stops the computation. */
  async #join(cell: Cell<T>, signal: AbortSignal): Promise<Computed<T>> {
    cell.waiting += 1
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const leave = () => reject(signal.reason)
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([cell.work, aborted])
    } finally {
      signal.removeEventListener('abort', leave)
      cell.waiting -= 1
      if (cell.waiting === 0 && signal.aborted && !cell.result) {
        this.#forget(cell)
        cell.controller.abort(signal.reason)
      }
    }
  }

  #keep(cell: Cell<T>, result: NonNullable<Cell<T>['result']>): void {
    if (this.#cells.get(cell.key) !== cell) return
    if (result.sizeBytes > this.#limits.maxBytes) {
      this.#forget(cell)
      return
    }
    cell.result = result
    this.#bytes += result.sizeBytes
    for (const oldest of this.#cells.values()) {
      if (this.#cells.size <= this.#limits.maxEntries && this.#bytes <= this.#limits.maxBytes) break
      if (oldest.result) this.#forget(oldest)
    }
  }

  #void(cells: ReadonlySet<Cell<T>>): void {
    for (const cell of [...cells]) this.#forget(cell)
  }

  #forget(cell: Cell<T>): void {
    if (this.#cells.get(cell.key) !== cell) return
    this.#cells.delete(cell.key)
    this.#bytes -= cell.result?.sizeBytes ?? 0
    for (const { region, tenant } of cell.reads) {
      const tenants = this.#readers.get(region)
      const cells = tenants?.get(tenant)
      cells?.delete(cell)
      if (cells?.size === 0) tenants?.delete(tenant)
      if (tenants?.size === 0) this.#readers.delete(region)
    }
  }

  #readersOf(region: string, tenant: string): Set<Cell<T>> {
    const tenants = this.#readers.get(region) ?? new Map<string, Set<Cell<T>>>()
    this.#readers.set(region, tenants)
    const cells = tenants.get(tenant) ?? new Set<Cell<T>>()
    tenants.set(tenant, cells)
    return cells
  }
}
