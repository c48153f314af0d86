import { statSync, watch, type FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Clock } from '../../connectors/ports/scope.ts'

/** Editors write a file in several steps; this long after the last one it is taken as finished. */
export const settleMs = 200

export interface WatchOptions {
  readonly clock: Clock
  /** The folder went away or can no longer be watched; nothing is told any more. */
  readonly onError: (error: Error) => void
}

/**
 * Calls `onChange` when the file, or a file of the folder, was written, replaced, added or removed, once for changes that follow each other within `settleMs`. A file is
 * watched through its folder, so that editors which replace it, and mounted volumes which swap a link beside it, are seen too. It may be told without a difference: the caller
 * compares. A path that does not exist → the system's error, thrown.
 */
export function watchCatalog(path: string, onChange: () => void, { clock, onError }: WatchOptions): { close(): void } {
  const folder = statSync(path).isDirectory()
  const concerns = (name: string | null) => name === null || folder || name === basename(path) || name.startsWith('..')
  let cancel: (() => void) | undefined

  const watcher: FSWatcher = watch(folder ? path : dirname(path), { persistent: false }, (_event, name) => {
    if (!concerns(name)) return
    cancel?.()
    cancel = clock.after(settleMs, () => {
      cancel = undefined
      onChange()
    })
  })
  watcher.on('error', onError)
  return {
    close() {
      cancel?.()
      watcher.close()
    },
  }
}
