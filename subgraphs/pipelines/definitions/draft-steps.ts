import type { Draft, DraftState } from '../../../connectors/ports/draft-store.ts'
import { HubError } from '../../../schema/errors.ts'

export type DraftStep = 'update' | 'submit' | 'approve' | 'reject'

/** What becomes of a draft; undefined: the step is not taken from there. */
const next: Record<DraftState, Record<DraftStep, DraftState | undefined>> = {
  DRAFT:     { update: 'DRAFT',   submit: 'SUBMITTED', approve: undefined,  reject: undefined },
  SUBMITTED: { update: 'DRAFT',   submit: undefined,   approve: 'APPROVED', reject: 'REJECTED' },
  APPROVED:  { update: 'DRAFT',   submit: undefined,   approve: 'APPROVED', reject: 'REJECTED' },
  REJECTED:  { update: 'DRAFT',   submit: undefined,   approve: undefined,  reject: undefined },
  COMMITTED: { update: undefined, submit: undefined,   approve: undefined,  reject: undefined },
}

/** The state behind a step; one that is not taken from where the draft is → CONFLICT. One that is approved and has no reason why it is not committed is being committed. */
export function stateBehind({ id, state, failure }: Draft, step: DraftStep): DraftState {
  const behind = next[state][step]
  const isUnderWay = state === 'APPROVED' && failure === undefined && step !== 'approve'
  if (behind !== undefined && !isUnderWay) return behind
  const may = Object.entries(next[state]).flatMap(([name, to]) => (to === undefined || (isUnderWay && name !== 'approve') ? [] : [name]))
  throw new HubError('CONFLICT', `The draft "${id}" is ${isUnderWay ? 'APPROVED and being committed' : state}; it cannot be ${past[step]}. ${may.length === 0 ? 'It is at its end: make another one.' : `What it takes: ${may.join(', ')}.`}`, { id, state })
}

const past: Record<DraftStep, string> = { update: 'updated', submit: 'submitted', approve: 'approved', reject: 'rejected' }
