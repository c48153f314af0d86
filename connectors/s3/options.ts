import type { z } from 'zod'
import type { s3Source } from '../../schema/catalog-input.ts'

/** The options of a source of type `s3` in the catalog, beside its type; they have that form. */
export type S3Options = Omit<z.input<typeof s3Source>, 'type' | 'description'>

/** Bytes of one object, at most, where nothing is said: it is laid on the disk before it is read. */
export const defaultMaxObjectBytes = 1 << 30
