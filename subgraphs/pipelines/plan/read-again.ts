import type { Step } from '../document/datasets.ts'
import { database } from '../document/targets.ts'
import { mask } from '../transforms/mask.ts'
import { validate } from '../transforms/validate.ts'
import { isOf } from '../xml/check.ts'

/** Whether more than one statement computes of what the step makes: a run then computes it once, and holds it. Rows that go elsewhere are read behind everything else, from what is held. */
export function isReadAgain({ id }: Step, steps: readonly Step[]): boolean {
  const readers = steps.filter(({ dependsOn }) => dependsOn.includes(id))
  return readers.length > 1 || readers.some(({ checked }) => isOf(checked, validate.shape) || isOf(checked, database) || (isOf(checked, mask.shape) && checked.values.strategy === 'tokenize'))
}
