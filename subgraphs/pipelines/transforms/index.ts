import { aggregate } from './aggregate.ts'
import { deduplicate } from './deduplicate.ts'
import { join } from './join.ts'
import { lookup } from './lookup.ts'
import { mask } from './mask.ts'
import { merge } from './merge.ts'
import { sort } from './sort.ts'
import type { Transform } from './transform.ts'
import { validate } from './validate.ts'

/** Every transformation a pipeline may have. */
export const transforms: readonly Transform[] = [deduplicate, sort, join, lookup, merge, aggregate, mask, validate] as readonly Transform[]
