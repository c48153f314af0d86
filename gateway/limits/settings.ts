import { z } from 'zod'

/** How much one document, one operation and one caller may ask for. */
export const limitsSettings = z.object({
  maxTokens: z.number().int().positive().default(10_000).describe('Lexical tokens of one GraphQL document.'),
  maxDepth: z.number().int().positive().default(15).describe('Fields inside one another, fragments spread; introspection has a rule of its own.'),
  maxFields: z.number().int().positive().default(2_000).describe('Fields of one operation, fragments spread.'),
  maxRootFields: z.number().int().positive().default(30).describe('Fields at the root of one operation, fragments spread.'),
  maxAliases: z.number().int().nonnegative().default(100).describe('Aliased fields of one operation, fragments spread.'),
  maxDirectives: z.number().int().nonnegative().default(100).describe('Directives used in one operation, fragments spread.'),
  maxVariableDepth: z.number().int().positive().default(50).describe('Lists and objects inside one another in the variables.'),
  maxCost: z.number().int().positive().default(250_000).describe('Rows one operation may return at most, see limits/cost.ts.'),
  defaultRows: z.number().int().positive().optional().describe('Rows counted for a list whose size the document does not say: 50, and 1 where a gateway serves subgraphs that run elsewhere, whose lists tell no size.'),
  maxBatch: z.number().int().nonnegative().default(0).describe('Operations one request may hold as a list. 0: lists are not taken.'),
  requestsPerMinute: z.number().int().nonnegative().default(0).describe('Operations of one caller in a minute, over every transport; a minute\'s worth may come at once. 0: no limit.'),
})
export type LimitsSettings = z.output<typeof limitsSettings>

/** Which documents are taken. */
export const persistedSettings = z.object({
  mode: z.enum(['apq', 'off', 'only']).default('apq').describe('apq: a client may register a document under its SHA-256; off: text only; only: documents of the trusted list and no others.'),
  trusted: z.record(z.string().regex(/^[0-9a-f]{64}$/, 'a key is a SHA-256 in 64 lower case hexadecimal digits'), z.string()).default({})
    .describe('Trusted documents: text by the SHA-256 of the text.'),
  maxRegistered: z.number().int().positive().default(10_000).describe('Documents registered by clients that are kept; the longest unused goes first.'),
  maxRegisteredBytes: z.number().int().positive().default(32 * 1024 * 1024).describe('Text of the documents registered by clients, in bytes.'),
})
export type PersistedSettings = z.output<typeof persistedSettings>
