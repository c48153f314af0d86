import type { Heard } from '../feed-log.ts'
import { idOf } from './standing.ts'

/** A change that was heard and has not come back through the log. */
export interface Item {
  readonly heard: Heard
  readonly id: string
  readonly atMs: number
  readonly batch: Batch
  /** It is on its way into the log by this node's hand, under a claim that still holds. */
  sent: boolean
}

/** Changes that are told as one entry, where one node tells them all. */
export interface Batch {
  readonly items: Set<Item>
  /** Called when all came back, or nobody is to wait any more. */
  readonly done: (() => void)[]
}

/** Changes on their way: those heard that the log has not yet, in the order they were heard, and those the log has that were not heard yet. */
export class Pending {
  /** In the order they were handed over. */
  readonly batches = new Set<Batch>()
  readonly #byEntry = new Map<string, Item[]>()
  readonly #early = new Map<string, { mark: string; atMs: number }[]>()
  size = 0

  /** Changes the log has already are told at once. `passedOver` is called for those that it will never have, since it has later ones of their entry. */
  add(heard: readonly Heard[], done: () => void, nowMs: number, passedOver: (feed: string) => void): Batch {
    const batch: Batch = { items: new Set(), done: [done] }
    this.batches.add(batch)
    for (const one of heard) {
      const id = idOf(one.feed, one.change)
      const early = this.#early.get(id)?.map(({ mark }) => mark) ?? []
      if (early.includes(one.mark) || early.some(mark => isBehind(mark, one.mark))) {
        if (early.includes(one.mark)) this.#heardNow(id, early.indexOf(one.mark))
        else passedOver(one.feed)
        one.told()
        continue
      }
      const item: Item = { heard: one, id, atMs: nowMs, batch, sent: false }
      batch.items.add(item)
      const list = this.#byEntry.get(id)
      if (list) list.push(item)
      else this.#byEntry.set(id, [item])
      this.size += 1
    }
    this.#settle(batch)
    return batch
  }

  /** The log has this change. Answers whether it passed over others of the entry that were heard before. */
  came(id: string, mark: string, nowMs: number): boolean {
    const list = this.#byEntry.get(id) ?? []
    const index = list.findIndex(({ heard }) => heard.mark === mark)
    if (index < 0) {
      const early = this.#early.get(id)
      if (early) early.push({ mark, atMs: nowMs })
      else this.#early.set(id, [{ mark, atMs: nowMs }])
    }
    const over = index < 0 ? list.filter(({ heard }) => isBehind(mark, heard.mark)) : list.slice(0, index + 1)
    for (const item of over) this.drop(item)
    return over.length > (index < 0 ? 0 : 1)
  }

  /** The change is told, or will never be. */
  drop(item: Item): void {
    const list = this.#byEntry.get(item.id)
    const index = list?.indexOf(item) ?? -1
    if (!list || index < 0) return
    list.splice(index, 1)
    if (list.length === 0) this.#byEntry.delete(item.id)
    this.size -= 1
    item.batch.items.delete(item)
    item.heard.told()
    this.#settle(item.batch)
  }

  *of(feed: string): Iterable<Item> {
    for (const { items } of [...this.batches]) for (const item of [...items]) if (item.heard.feed === feed) yield item
  }

  /** Per feed when the oldest change on its way was heard. */
  oldest(): Map<string, number> {
    const found = new Map<string, number>()
    for (const { items } of this.batches) for (const { heard, atMs } of items) if (!found.has(heard.feed)) found.set(heard.feed, atMs)
    return found
  }

  /** Nobody is to wait for what is on its way. */
  release(): void {
    for (const { done } of this.batches) for (const over of done.splice(0)) over()
  }

  /** Ends when what is on its way now has come, or `release` was called. */
  async drained(): Promise<void> {
    await Promise.all([...this.batches].map(({ done }) => new Promise<void>(resolve => done.push(resolve))))
  }

  /** Forgets changes the log had before anybody here listened: they will not be heard. */
  forgetEarly(beforeMs: number): void {
    for (const [id, marks] of this.#early) {
      while (marks[0] && marks[0].atMs < beforeMs) marks.shift()
      if (marks.length > 0) break
      this.#early.delete(id)
    }
  }

  get earlySize(): number {
    return this.#early.size
  }

  #heardNow(id: string, index: number): void {
    const marks = this.#early.get(id)
    // Those in front were not heard here, and will not be.
    marks?.splice(0, index + 1)
    if (marks?.length === 0) this.#early.delete(id)
  }

  #settle(batch: Batch): void {
    if (batch.items.size > 0) return
    this.batches.delete(batch)
    for (const over of batch.done.splice(0)) over()
  }
}

/** Whether one entry's change with the first mark comes behind that with the second. */
function isBehind(mark: string, than: string): boolean {
  const [a, b] = [Number(mark.slice(1)), Number(than.slice(1))]
  return a > b || (a === b && mark[0] === '-' && than[0] === '+')
}
