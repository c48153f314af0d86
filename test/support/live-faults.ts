import type { ChangeLog } from '../../connectors/ports/change-log.ts'
import type { LogEntry } from '../../schema/change.ts'
import { Session, type Desk } from '../../resolvers/live/session.ts'
import type { Frame, Subscription } from '../../resolvers/live/subscription.ts'
import type { Pending, Told } from '../../resolvers/live/told.ts'
import type { SimulatedLog } from './live-log.ts'
import type { Fault, SeenLog } from './live-simulation.ts'

/** The log, seen wrongly in one respect. */
function seenAs(log: SimulatedLog, wrong: { start?: () => number; durable?: () => number; read?: (from: number, limit: number) => readonly LogEntry[]; commitIsDurable?: boolean; entry?: (entry: LogEntry) => LogEntry }): SeenLog {
  const entry = wrong.entry ?? (one => one)
  const readNow = (from: number, limit: number) => (wrong.read?.(from, limit) ?? log.readNow(from, limit)).map(entry)
  return {
    id: log.id,
    get start() {
      return wrong.start?.() ?? log.start
    },
    get durable() {
      return wrong.durable?.() ?? log.durable
    },
    get end() {
      return log.end
    },
    readNow,
    read: async (from, limit) => readNow(from, limit),
    current: () => log.current(),
    onCommit: listener => log.onCommit(one => listener(entry(one))),
    onDurable: (listener: () => void) => (wrong.commitIsDurable ? log.onCommit(listener) : log.onDurable(listener)),
  } satisfies ChangeLog & SeenLog
}

/** Every mistake the simulation must find. */
export const faults: readonly Fault[] = [
  // The snapshot's place is one too far: the next change falls between rows and changes.
  { name: 'gap', snapshot: snapshot => ({ ...snapshot, offset: snapshot.offset + 1 }) },
  // The rows are of a later moment than the place: changes come that the rows hold already.
  { name: 'late rows', snapshot: snapshot => ({ ...snapshot, offset: Math.max(0, snapshot.offset - 1) }) },
  {
    name: 'double: changes before the place are told again',
    session: class extends Session {
      protected override consumed(): boolean {
        return false
      }
    },
  },
  {
    name: 'lag-gap: the change that found no room is skipped',
    session: class extends Session {
      protected override fallBehind(offset: number, index: number): void {
        super.fallBehind(offset, index + 1)
      }
    },
  },
  {
    name: 'early-join: a reader of the log joins the live ones before it has caught up',
    session: class extends Session {
      protected override reached(): boolean {
        return true
      }
    },
  },
  {
    name: 'late-join: a session waits for changes that were told while its rows were read',
    session: class extends Session {
      protected override joinable(): boolean {
        return true
      }
    },
  },
  {
    name: 'early-answer: rows are shown before the log holds them',
    session: class extends Session {
      protected override showable(): boolean {
        return true
      }
    },
  },
  { name: 'read-undurable: the log is read beyond what is durable', log: log => seenAs(log, { durable: () => log.end, read: (from, limit) => (from < log.start ? log.readNow(from, limit) : log.entries.slice(from, from + limit)) }) },
  { name: 'early-dispatch: changes are told when committed', log: log => seenAs(log, { durable: () => log.end, commitIsDurable: true }) },
  {
    name: 'no-leave: rows that cease to pass are not told',
    session: class extends Session {
      protected override offer(offset: number, index: number, change: Told): boolean {
        return change.after === null || super.offer(offset, index, change)
      }
    },
  },
  {
    name: 'coalesce: a row that came and went is told as gone',
    session: class extends Session {
      protected override merge(pending: Pending, change: Told): void {
        const had = pending.has(change.key)
        super.merge(pending, change)
        if (had && !pending.has(change.key)) pending.add({ ...change, before: change.before ?? change.after })
      }
    },
  },
  {
    name: 'cursor-early: a part of merged changes is a place to go on from',
    session: class extends Session {
      protected override flush(pending: Pending): Frame {
        const whole = super.flush(pending)
        if (whole.type !== 'changes') return whole
        for (const change of whole.changes.slice(1)) pending.add(change)
        return { ...whole, changes: whole.changes.slice(0, 1) }
      }
    },
  },
  { name: 'no-gone: a trimmed place is read from what is left', log: log => seenAs(log, { start: () => 0, read: (from, limit) => log.readNow(Math.max(from, log.start), limit) }) },
  {
    name: 'reset-drop: a replaced region is not told',
    session: class extends Session {
      protected override reset(): void {}
    },
  },
  {
    name: 'no-wake: a session that waits for the log to become durable is forgotten',
    session: class extends Session {
      constructor(desk: Desk, subscription: Subscription) {
        super({ log: desk.log, get position() { return desk.position }, file: session => desk.file(session), unfile: session => desk.unfile(session), whenDurable: () => {} }, subscription)
      }
    },
  },
  { name: 'reset-unseen: the log does not say that a region was replaced', log: log => seenAs(log, { entry: entry => ({ ...entry, resets: [] }) }) },
  { name: 'torn-entry: the rest of a transaction is lost', log: log => seenAs(log, { entry: entry => ({ ...entry, changes: entry.changes.slice(0, 2) }) }) },
  { name: 'tenant-leak: changes of one tenant are told to another', log: log => seenAs(log, { entry: entry => ({ ...entry, changes: entry.changes.map(change => (change.tenant === '' ? change : { ...change, tenant: 'red' })) }) }) },
]
