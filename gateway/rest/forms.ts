import { z } from 'zod'
import { closed } from '../../schema/findings.ts'

/** One of these words, in any case; it comes out as spelled here. */
export function word<Word extends string>(words: readonly Word[]) {
  return z.string().meta({ enum: [...words] }).transform((text, context): Word => {
    const found = words.find(one => one.toLowerCase() === text.toLowerCase())
    if (found !== undefined) return found
    context.issues.push({ code: 'invalid_value', values: [...words], input: text })
    return z.NEVER
  })
}

/** In a query everything is a text. That it is not above 1000 the graph sees to. */
const pageSize = z.string().regex(/^[1-9]\d{0,8}$/, { error: 'a whole number from 1 to 1000' }).meta({ type: 'integer', minimum: 1, maximum: 1000 }).transform(Number)

/** `true` or `false` in a query. */
export const flag = word(['true', 'false']).transform(text => text === 'true')

/** Of a list that comes in pages. */
export const pageQuery = closed({
  page_size: pageSize.optional().describe('Entries of one page. Default 50.'),
  page_token: z.string().optional().describe('`next_page_token` of the page before.'),
})

/** `hitRatio` → `hit_ratio`: the members of an answer, one level deep. */
export function snakeMembers(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`), value]))
}
