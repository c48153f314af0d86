import * as shapes from '../../document/targets.ts'
import { isOf } from '../../xml/check.ts'
import type { RunContext } from '../parts.ts'
import { csvTarget } from './csv.ts'
import { databaseTarget } from './database.ts'
import { elasticsearchTarget } from './elasticsearch.ts'
import { hiveTarget } from './hive.ts'
import { kafkaTarget } from './kafka.ts'
import { regionTarget } from './region.ts'
import type { PreparedTarget, TargetOrder } from './target.ts'

export { orderOf, type PreparedTarget } from './target.ts'

/** Makes everything of a target ready but the last step. */
export async function prepareTarget(order: TargetOrder, context: RunContext): Promise<PreparedTarget> {
  const { checked } = order
  if (isOf(checked, shapes.csv)) return csvTarget.prepare({ ...order, checked }, context)
  if (isOf(checked, shapes.hive)) return hiveTarget.prepare({ ...order, checked }, context)
  if (isOf(checked, shapes.database)) return databaseTarget.prepare({ ...order, checked }, context)
  if (isOf(checked, shapes.region)) return regionTarget.prepare({ ...order, checked }, context)
  if (isOf(checked, shapes.elasticsearch)) return elasticsearchTarget.prepare({ ...order, checked }, context)
  if (isOf(checked, shapes.kafka)) return kafkaTarget.prepare({ ...order, checked }, context)
  throw new RangeError(`<${checked.shape.name}> is no target.`)
}
