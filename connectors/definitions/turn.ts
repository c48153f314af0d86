import { open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { HubError } from '../../schema/errors.ts'
import { pause, type Scope } from '../ports/scope.ts'
import { lockDirectory } from '../segments/directory-lock.ts'

/** How often a folder that another process has is asked for. */
const askMs = 50
/** How long is asked before whoever waits is told. */
const longestMs = 5_000
/** What the lock of git's index holds while it is a hub's. */
const mark = 'tributary'

/** The last of each repository to have its turn in this process. */
const turns = new Map<string, Promise<unknown>>()

/** Does work while nobody else of this process, no other hub and no git program changes the repository. Waits for those before; another process that has it for five seconds, or until the deadline, → CONFLICT. */
export async function inTurn<T>(scope: Scope, gitdir: string, work: () => Promise<T>): Promise<T> {
  const before = turns.get(gitdir) ?? Promise.resolve()
  const own = before.then(() => locked(scope, gitdir, work))
  const over = own.then(() => {}, () => {})
  turns.set(gitdir, over)
  try {
    return await own
  } finally {
    if (turns.get(gitdir) === over) turns.delete(gitdir)
  }
}

async function locked<T>(scope: Scope, gitdir: string, work: () => Promise<T>): Promise<T> {
  const release = await patiently(scope, () => lockDirectory(join(gitdir, 'tributary')))
  try {
    const unlock = await patiently(scope, () => lockIndex(gitdir))
    try {
      return await work()
    } finally {
      await unlock()
    }
  } finally {
    release()
  }
}

async function patiently<T>(scope: Scope, take: () => T | Promise<T>): Promise<T> {
  const untilMs = Math.min(scope.deadlineMs, scope.clock.now() + longestMs)
  for (;;) {
    scope.signal.throwIfAborted()
    try {
      return await take()
    } catch (error) {
      if (!(error instanceof HubError && error.code === 'CONFLICT') || scope.clock.now() >= untilMs) throw error
    }
    await pause(scope, askMs)
  }
}

/** git programs take this file before they change what is committed, and leave the repository alone while it is there. One of a hub that is there now was left by a hub that ended: its directory's lock is ours. */
async function lockIndex(gitdir: string): Promise<() => Promise<void>> {
  const path = join(gitdir, 'index.lock')
  try {
    const file = await open(path, 'wx')
    await file.writeFile(mark)
    await file.close()
    return () => unlink(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    if (text === mark) await unlink(path)
    throw new HubError('CONFLICT', `A git program is changing the repository of the pipelines: there is "${path}". Wait for it; where none is running, remove the file.`, {}, { cause })
  }
}
