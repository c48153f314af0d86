import { createHash } from 'node:crypto'
import type { AuditEntry, AuditLog, NewAuditEntry } from '../../connectors/ports/audit-log.ts'
import { must } from '../support/conformance.ts'
import type { TestScope } from '../support/scope.ts'

/** An audit log under test. Two handles on the same data stand for two hubs; `tamper` is somebody with the database's password. */
export interface AuditLogSubject {
  readonly log: AuditLog
  readonly other: AuditLog
  scope(tenant?: string, subject?: string): TestScope
  tamper(sql: string): Promise<void>
  reopen(): Promise<AuditLog>
  close(): Promise<void>
}

const entry = (subject: string, more: Partial<NewAuditEntry> = {}): NewAuditEntry => ({ action: 'pipeline.update', application: 'shop', subject, outcome: 'ALLOWED', detail: { version: '1.0.0' }, ...more })

async function filled({ log, scope }: AuditLogSubject, count: number): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = []
  for (let nth = 1; nth <= count; nth++) entries.push(await log.append(scope(), entry(`p${nth}`)))
  return entries
}

/** One who may write the table and reads this file. */
function forged(tenant: string, { hash: _, previousHash, ...rest }: AuditEntry): string {
  const members = { ...rest, tenant } as Readonly<Record<string, unknown>>
  const json = `{${Object.keys(members).sort().map(name => `${JSON.stringify(name)}:${JSON.stringify(members[name])}`).join(',')}}`
  return createHash('sha256').update(`${previousHash}\n${json}`).digest('hex')
}

export const auditLogChecks = [
  must<AuditLogSubject>('AU01', 'an entry has the next number, who and when, and the hash of the one before', async ({ log, other, scope }) => {
    const own = scope()
    const first = await log.append(own, entry('orders'))
    const second = await other.append(own, entry('late', { outcome: 'REFUSED', detail: { z: [1, null, { b: true, a: 'é' }], a: '\u0000' } }))
    expect(first).toEqual({ ...entry('orders'), sequence: 1, atMs: own.clock.now(), actor: 'tester', requestId: own.requestId, previousHash: '0'.repeat(64), hash: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect([second.sequence, second.previousHash]).toEqual([2, first.hash])
    expect(await log.entries(scope(), {}, 10)).toEqual([second, first])
    expect(await log.verify(scope(), [])).toEqual({ checked: 2 })
  }),
  must<AuditLogSubject>('AU02', 'the hash is what the port says it is, so that anybody may compute it', async ({ log, scope }) => {
    const first = await log.append(scope(), entry('orders', { detail: { b: 1, a: 'x' } }))
    expect(first.hash).toBe(forged('test', { ...first, detail: { a: 'x', b: 1 } }))
  }),
  must<AuditLogSubject>('AU03', 'many who write at the same time stand one behind the other', async ({ log, other, scope }) => {
    await Promise.all(Array.from({ length: 20 }, (_, nth) => (nth % 2 === 0 ? log : other).append(scope(), entry(`p${nth}`))))
    expect((await log.entries(scope(), {}, 100)).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 20 }, (_, nth) => 20 - nth))
    expect(await log.verify(scope(), [])).toEqual({ checked: 20 })
  }),
  must<AuditLogSubject>('AU04', 'an entry that was changed is found, whatever of it was changed', async subject => {
    const { log, scope, tamper } = subject
    await filled(subject, 3)
    for (const [column, value] of [['actor', 'mallory'], ['outcome', 'REFUSED'], ['detail', '{}'], ['application', 'crm'], ['subject', 'x'], ['action', 'x'], ['request_id', 'x'], ['at_ms', 1]] as const) {
      await tamper(`CREATE TABLE kept AS SELECT * FROM audit_entry`)
      await tamper(`UPDATE audit_entry SET ${column} = ${typeof value === 'number' ? value : `'${value}'`} WHERE sequence = 2`)
      expect([column, await log.verify(scope(), [])]).toEqual([column, { checked: 1, broken: { sequence: 2, reason: expect.stringContaining('Entry 2 is not as it was written') } }])
      await tamper('DELETE FROM audit_entry')
      await tamper('INSERT INTO audit_entry SELECT * FROM kept')
      await tamper('DROP TABLE kept')
    }
    expect(await log.verify(scope(), [])).toEqual({ checked: 3 })
    await tamper("UPDATE audit_entry SET detail = 'no json' WHERE sequence = 3")
    expect(await log.verify(scope(), [])).toMatchObject({ broken: { sequence: 3 } })
  }),
  must<AuditLogSubject>('AU05', 'an entry that was taken away is found: the first, one between, the newest, all', async subject => {
    const { log, scope, tamper } = subject
    await filled(subject, 4)
    await tamper('CREATE TABLE kept AS SELECT * FROM audit_entry')
    for (const [where, sequence] of [['sequence = 1', 1], ['sequence = 2', 2], ['sequence = 4', 4], ['sequence >= 3', 3], ['1 = 1', 1]] as const) {
      await tamper(`DELETE FROM audit_entry WHERE ${where}`)
      expect([where, await log.verify(scope(), [])]).toEqual([where, { checked: sequence - 1, broken: { sequence, reason: expect.stringContaining(`Entry ${sequence} is missing`) } }])
      await tamper('DELETE FROM audit_entry')
      await tamper('INSERT INTO audit_entry SELECT * FROM kept')
    }
    await tamper('DROP TABLE kept')
  }),
  must<AuditLogSubject>('AU06', 'an entry that was changed with its hash is found by the next one, and the newest by the head', async subject => {
    const { log, scope, tamper } = subject
    const [, second, third] = await filled(subject, 3)
    if (!second || !third) throw new Error('There are three entries.')
    const swap = (of: AuditEntry) => tamper(`UPDATE audit_entry SET actor = 'mallory', hash = '${forged('test', { ...of, actor: 'mallory' })}' WHERE sequence = ${of.sequence}`)
    await swap(third)
    expect(await log.verify(scope(), [])).toMatchObject({ broken: { sequence: 3, reason: expect.stringContaining('remembers as its last') } })
    await swap(second)
    expect(await log.verify(scope(), [])).toMatchObject({ broken: { sequence: 3, reason: expect.stringContaining('does not follow') } })
  }),
  must<AuditLogSubject>('AU07', 'who rewrites entries and head alike is found by an anchor, and by nothing else', async subject => {
    const { log, scope, tamper } = subject
    const [first, , third] = await filled(subject, 3)
    if (!first || !third) throw new Error('There are three entries.')
    const anchor = { sequence: 3, hash: third.hash }
    expect(await log.verify(scope(), [anchor, first])).toEqual({ checked: 3 })
    await tamper('DELETE FROM audit_entry WHERE sequence > 1')
    await tamper(`UPDATE audit_head SET sequence = 1, hash = '${first.hash}'`)
    expect(await log.verify(scope(), [])).toEqual({ checked: 1 })
    expect(await log.verify(scope(), [anchor])).toEqual({ checked: 1, broken: { sequence: 2, reason: expect.stringContaining('a commit') } })
    const hash = forged('test', { ...first, actor: 'mallory' })
    await tamper(`UPDATE audit_entry SET actor = 'mallory', hash = '${hash}'`)
    await tamper(`UPDATE audit_head SET hash = '${hash}'`)
    expect(await log.verify(scope(), [])).toEqual({ checked: 1 })
    expect(await log.verify(scope(), [first])).toMatchObject({ checked: 0, broken: { sequence: 1 } })
  }),
  must<AuditLogSubject>('AU08', 'a head that was taken away is told', async subject => {
    const { log, scope, tamper } = subject
    await filled(subject, 2)
    await tamper('DELETE FROM audit_head')
    expect(await log.verify(scope(), [])).toMatchObject({ checked: 2, broken: { sequence: 2, reason: expect.stringContaining('taken away') } })
  }),
  must<AuditLogSubject>('AU09', 'entries are those of a tenant, each with a chain of its own', async ({ log, scope, tamper }) => {
    await log.append(scope(), entry('ours'))
    const theirs = await log.append(scope('another'), entry('theirs'))
    expect([theirs.sequence, (await log.entries(scope(), {}, 10)).map(({ subject }) => subject)]).toEqual([1, ['ours']])
    await tamper("UPDATE audit_entry SET actor = 'x' WHERE tenant = 'another'")
    expect([await log.verify(scope(), []), (await log.verify(scope('another'), [])).broken?.sequence]).toEqual([{ checked: 1 }, 1])
    expect(await log.verify(scope('empty'), [])).toEqual({ checked: 0 })
  }),
  must<AuditLogSubject>('AU10', 'entries are found by what is asked of them, page by page', async ({ log, scope }) => {
    const own = scope('test', 'ann')
    await log.append(own, entry('a'))
    own.clock.advance(1_000)
    await log.append(own, entry('b', { application: 'crm', action: 'draft.approve', outcome: 'FAILED' }))
    own.clock.advance(1_000)
    await log.append(scope('test', 'bob'), entry('a', { application: 'hr' }))
    const found = async (filter: Parameters<AuditLog['entries']>[1], limit = 10, before?: number) => (await log.entries(own, filter, limit, before)).map(({ sequence }) => sequence)
    expect([await found({ applications: ['crm', 'hr'] }), await found({ action: 'draft.approve' }), await found({ actor: 'bob' }), await found({ subject: 'a' }), await found({ outcome: 'FAILED' }), await found({ applications: [] }), await found({ actor: '\0' })]).toEqual([[3, 2], [2], [3], [3, 1], [2], [], []])
    const startMs = own.clock.now() - 2_000
    expect([await found({ sinceMs: startMs + 1_000, untilMs: startMs + 2_000 }), await found({}, 1), await found({}, 2, 3)]).toEqual([[2], [3], [2, 1]])
  }),
  must<AuditLogSubject>('AU11', 'texts of any length and characters are kept as far as they can be, and stay in the chain', async ({ log, scope, reopen }) => {
    await log.append(scope('test', 'a\0b\ud800'), entry('x'.repeat(1_000), { application: "'; DROP TABLE audit_entry; --".repeat(20), detail: '\ud800\0😀' }))
    const again = await reopen()
    expect(await again.verify(scope(), [])).toEqual({ checked: 1 })
    expect((await again.entries(scope(), {}, 1))[0]).toMatchObject({ actor: 'a\ufffdb\ufffd', subject: 'x'.repeat(255) })
  }),
  must<AuditLogSubject>('AU12', 'more entries than are compared at a time are all compared', async subject => {
    const { log, scope, tamper } = subject
    await filled(subject, 1)
    // A thousand and one at once, as the table would have them.
    let [last] = await log.entries(scope(), {}, 1)
    const rows: string[] = []
    for (let sequence = 2; sequence <= 2_002 && last; sequence++) {
      const next: AuditEntry = { ...last, sequence, previousHash: last.hash }
      last = { ...next, hash: forged('test', next) }
      rows.push(`('test', ${sequence}, ${last.atMs}, '${last.actor}', '${last.action}', '${last.application}', '${last.subject}', '${last.outcome}', '${JSON.stringify(last.detail)}', '${last.requestId}', '${last.previousHash}', '${last.hash}')`)
    }
    await tamper(`INSERT INTO audit_entry (tenant, sequence, at_ms, actor, action, application, subject, outcome, detail, request_id, previous_hash, hash) VALUES ${rows.join(', ')}`)
    await tamper(`UPDATE audit_head SET sequence = 2002, hash = '${last?.hash ?? ''}'`)
    expect(await log.verify(scope(), [])).toEqual({ checked: 2_002 })
    await tamper('DELETE FROM audit_entry WHERE sequence = 1500')
    expect(await log.verify(scope(), [])).toMatchObject({ checked: 1_499, broken: { sequence: 1_500 } })
  }),
  must<AuditLogSubject>('AU13', 'a caller who has left is told so, and nothing is written', async ({ log, scope }) => {
    const left = { ...scope(), signal: AbortSignal.abort(new Error('the client left')) }
    await expect(log.append(left, entry('a'))).rejects.toThrow('the client left')
    expect(await log.entries(scope(), {}, 1)).toEqual([])
  }),
]
