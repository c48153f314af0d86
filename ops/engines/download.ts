import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { codeOf, EngineError } from './engine.ts'

export interface Download {
  readonly url: string
  readonly to: string
  readonly sha256: string
  readonly size: number
}

export interface DownloadOptions {
  readonly signal: AbortSignal
  /** Called with the bytes that are new on disk since the last call. */
  readonly onBytes?: (count: number) => void
  /** A connection that brings nothing for so long is given up. */
  readonly stallMs?: number
  /** Waits before the attempts after the first. An attempt that brought bytes starts them anew. */
  readonly backOffMs?: readonly number[]
}

/** Why an attempt failed, and whether another may do better. */
class Attempt extends Error {
  readonly again: boolean

  constructor(message: string, again: boolean, cause?: unknown) {
    super(message, { cause })
    this.again = again
  }
}

/**
 * Brings one file and verifies it. What an earlier attempt left in `<to>.part` is gone on from where it ended, by an HTTP range;
 * `to` appears only when its bytes are the pinned ones. A file of the pinned size that is there already was verified when it came, and stays.
 */
export async function download(wanted: Download, options: DownloadOptions): Promise<void> {
  if (await isThere(wanted)) return
  await mkdir(dirname(wanted.to), { recursive: true })
  const part = `${wanted.to}.part`

  const waits = options.backOffMs ?? [500, 2_000, 5_000, 10_000]
  for (let failures = 0; ;) {
    const before = await sizeOf(part) ?? 0
    try {
      await fetchRest(wanted, part, before, options)
      break
    } catch (error) {
      options.signal.throwIfAborted()
      if (!(error instanceof Attempt)) throw error
      if (((await sizeOf(part)) ?? 0) > before) failures = 0
      const wait = waits[failures++]
      if (!error.again || wait === undefined) throw new EngineError(`${wanted.url} did not come: ${error.message}. What came is kept, and the next attempt goes on from there.`, { cause: error })
      await pause(wait, undefined, { signal: options.signal })
    }
  }

  const found = await sha256Of(part)
  if (found !== wanted.sha256) {
    await rm(part)
    throw new EngineError(`${wanted.url} is not the pinned file: its SHA-256 is ${found}, expected ${wanted.sha256}. It was removed. Ask whoever runs the registry, or pin anew what it has.`)
  }
  await rename(part, wanted.to)
}

async function fetchRest({ url, size }: Download, part: string, have: number, { signal, onBytes, stallMs = 30_000 }: DownloadOptions): Promise<void> {
  if (have === size) return
  if (have > size) await rm(part)
  const from = have > size ? 0 : have

  const stalled = new AbortController()
  const timer = setTimeout(() => stalled.abort(), stallMs)
  try {
    const response = await fetch(url, { headers: from > 0 ? { range: `bytes=${from}-` } : {}, signal: AbortSignal.any([signal, stalled.signal]) })
    if (!response.ok || response.body === null) {
      await response.body?.cancel()
      throw new Attempt(`the registry answered ${response.status}`, response.status >= 500 || response.status === 429)
    }
    // A registry that does not know ranges sends everything again.
    const goesOn = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${from}-`)
    const file = await open(part, goesOn ? 'a' : 'w')
    try {
      let written = goesOn ? from : 0
      for await (const chunk of response.body) {
        timer.refresh()
        written += chunk.byteLength
        if (written > size) throw new Attempt(`more than the pinned ${size} bytes came`, false)
        await file.writeFile(chunk)
        onBytes?.(chunk.byteLength)
      }
      if (written < size) throw new Attempt(`the connection ended after ${written} of ${size} bytes`, true)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof Attempt) throw error
    if (stalled.signal.aborted) throw new Attempt(`nothing came for ${stallMs} ms`, true, error)
    throw new Attempt(reasonOf(error), true, error)
  } finally {
    clearTimeout(timer)
  }
}

/** Whether the file came before: it has its name only since it was verified. */
export async function isThere({ to, size }: Pick<Download, 'to' | 'size'>): Promise<boolean> {
  return (await sizeOf(to)) === size
}

/** What of the file is on disk, be it verified or not. */
export async function bytesHere({ to }: Pick<Download, 'to'>): Promise<number> {
  return await sizeOf(to) ?? await sizeOf(`${to}.part`) ?? 0
}

/** What `fetch` hides in the cause. */
function reasonOf(error: unknown): string {
  const cause = typeof error === 'object' && error !== null && 'cause' in error ? error.cause : error
  return codeOf(cause) ?? String(cause)
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
