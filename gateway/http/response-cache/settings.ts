import { z } from 'zod'

export const responseCacheSettings = z.object({
  maxBytes: z.number().int().min(0).default(64 * 1024 * 1024).describe('Memory for answers of operations that say @cached; 0 keeps none.'),
  maxEntries: z.number().int().min(0).default(10_000).describe('How many of those answers are kept; the one unused longest goes first. 0 keeps none.'),
})
export type ResponseCacheSettings = z.output<typeof responseCacheSettings>
