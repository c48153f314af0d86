import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { HubError } from '../../schema/errors.ts'
import { lockDirectory } from '../segments/directory-lock.ts'

/** Where a process has what its runs do not hold in memory. */
export interface Spill {
  readonly folder: string
  close(): Promise<void>
}

const turnMs = 10
const mostTurns = 500

/** A folder of this process alone below `all`, which is made. Those of processes that ended without closing theirs are removed: nobody holds them. */
export async function openSpill(all: string): Promise<Spill> {
  const endTurn = await turn(join(all, 'turn'))
  try {
    for (const name of await readdir(all)) if (name !== 'turn') await removeForgotten(join(all, name))
    const own = join(all, randomUUID())
    const giveBack = lockDirectory(own)
    const folder = join(own, 'runs')
    await mkdir(folder)
    return {
      folder,
      async close() {
        giveBack()
        await rm(own, { recursive: true, force: true })
      },
    }
  } finally {
    endTurn()
  }
}

/** Processes look one after the other, so that none takes a folder for forgotten that is being made. */
async function turn(directory: string): Promise<() => void> {
  for (let turns = 0; ; turns++) {
    const giveBack = held(directory, turns < mostTurns)
    if (giveBack) return giveBack
    await pause(turnMs)
  }
}

async function removeForgotten(folder: string): Promise<void> {
  const giveBack = held(folder, true)
  if (!giveBack) return
  giveBack()
  await rm(folder, { recursive: true, force: true })
}

/** Gives a directory back; undefined where another process holds it, which may be a failure. */
function held(directory: string, mayBeOthers: boolean): (() => void) | undefined {
  try {
    return lockDirectory(directory)
  } catch (error) {
    if (mayBeOthers && error instanceof HubError && error.code === 'CONFLICT') return undefined
    throw error
  }
}
