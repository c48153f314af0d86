import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes names created, renamed or deleted in a directory survive a loss of power. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Puts a file in its place as a whole: readers, also after a crash, find the old one or all of the new one. */
export async function replaceFile(path: string, chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>, beforeRename?: () => Promise<void>): Promise<void> {
  const unfinished = `${path}.new`
  const handle = await open(unfinished, 'w')
  try {
    for await (const chunk of chunks) await handle.appendFile(chunk)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await beforeRename?.()
  await rename(unfinished, path)
  await syncDirectory(dirname(path))
}
