import { HubError, type Problem } from '../../schema/errors.ts'
import type { TopicLimits, TopicSettings } from '../ports/event-log.ts'
import { nameProblem } from './names.ts'

const mostPartitions = 1_024

/** Settings no log could keep → VALIDATION_ERROR with every problem. */
export function checkSettings(tenant: string, { name, partitions, replicas, ...limits }: TopicSettings): void {
  const problems = limitProblems(limits)
  const named = nameProblem(tenant, name)
  if (named) problems.unshift({ path: 'name', message: named })
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > mostPartitions) problems.push({ path: 'partitions', message: `${partitions} is not a count of partitions: 1 to ${mostPartitions}.` })
  if (replicas !== undefined && (!Number.isInteger(replicas) || replicas < 1)) problems.push({ path: 'replicas', message: `${replicas} is not a count of copies: a whole number from 1 on.` })
  refuse('made', problems)
}

export function checkLimits(limits: TopicLimits): void {
  refuse('altered', limitProblems(limits))
}

/** An equal topic may be made again; another one → CONFLICT naming what differs. */
export function mustEqual(existing: TopicSettings, wanted: TopicSettings): void {
  const settingOf = (settings: TopicSettings, member: (typeof members)[number]) => settings[member] ?? (member === 'replicas' ? 1 : undefined)
  const differences = members.filter(member => settingOf(existing, member) !== settingOf(wanted, member))
  if (differences.length === 0) return
  const said = differences.map(member => `${member} is ${settingOf(existing, member) ?? 'not set'}, not ${settingOf(wanted, member) ?? 'not set'}`).join('; ')
  throw new HubError('CONFLICT', `Topic "${wanted.name}" exists with other settings: ${said}.`, { topic: wanted.name, differences })
}

const members = ['partitions', 'replicas', 'retentionMs', 'retentionBytes'] as const

function limitProblems({ retentionMs, retentionBytes }: TopicLimits): Problem[] {
  return Object.entries({ retentionMs, retentionBytes }).flatMap(([path, value]) => {
    const fits = value === undefined || (Number.isSafeInteger(value) && (value >= 1 || value === -1))
    return fits ? [] : [{ path, message: `${value} is not a whole number above 0, nor -1 for no limit.` }]
  })
}

function refuse(what: string, problems: readonly Problem[]): void {
  if (problems.length > 0) throw new HubError('VALIDATION_ERROR', `The topic cannot be ${what}. ${problems.map(problem => problem.message).join(' ')}`, { problems })
}
