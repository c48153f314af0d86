import { forwardPage, type ListArguments } from '../../resolvers/connection.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'

/** A page of what a store answers place by place: `read` is asked for one more than the page has, behind a place as `placeOf` gives it. */
export async function placedPage<Item, Place, Shown>(
  list: { readonly identity: string; readonly cursors: CursorSealer; readonly show: (item: Item) => Shown; readonly placeOf: (item: Item) => Place },
  args: Pick<ListArguments, 'first' | 'after'>,
  read: (limit: number, after: Place | undefined) => Promise<readonly Item[]>,
) {
  const { size, behind } = forwardPage(list, args)
  const found = await read(size + 1, behind === undefined ? undefined : (JSON.parse(behind) as Place))
  const page = found.slice(0, size)
  const cursorOf = (item: Item | undefined) => (item === undefined ? null : list.cursors.seal(list.identity, JSON.stringify(list.placeOf(item))))
  return {
    edges: page.map(item => ({ cursor: () => cursorOf(item), node: list.show(item) })),
    nodes: page.map(list.show),
    pageInfo: { hasNextPage: found.length > size, hasPreviousPage: behind !== undefined, startCursor: cursorOf(page[0]), endCursor: cursorOf(page.at(-1)) },
  }
}
