import type { Kysely } from 'kysely'
import type { SeenWorker } from '../ports/run-store.ts'
import type { Scope } from '../ports/scope.ts'
import { keptText } from './rows.ts'
import { type Database, isUnderWay } from './schema.ts'

const dayMs = 86_400_000

export async function noteWorker(db: Kysely<Database>, { clock }: Scope, worker: string): Promise<void> {
  const seen = { worker: keptText(worker), seen_at_ms: clock.now() }
  await db.transaction().execute(async tx => {
    await tx.insertInto('run_worker').values(seen).onConflict(conflict => conflict.column('worker').doUpdateSet(seen)).execute()
    await tx.deleteFrom('run_worker').where('seen_at_ms', '<=', seen.seen_at_ms - dayMs).execute()
  })
}

export async function seenWorkers(db: Kysely<Database>, { clock, tenant }: Scope): Promise<readonly SeenWorker[]> {
  const [workers, runs] = await db.transaction().execute(async tx => [
    await tx.selectFrom('run_worker').selectAll().where('seen_at_ms', '>', clock.now() - dayMs).execute(),
    await tx.selectFrom('run').select(['tenant', 'run_id', 'worker']).where(isUnderWay).execute(),
  ] as const)
  return workers.toSorted((a, b) => (a.worker < b.worker ? -1 : 1)).map(({ worker, seen_at_ms }) => {
    const own = runs.filter(run => run.worker === worker)
    return { worker, seenAtMs: Number(seen_at_ms), running: own.length, runIds: own.filter(run => run.tenant === tenant).map(({ run_id }) => run_id).sort() }
  })
}
