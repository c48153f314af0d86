import { createRequire } from 'node:module'
import { join } from 'node:path'

/** Where the programs the gateway is measured beside are installed. Nothing of the product imports from there. */
export const peersFolder = join(import.meta.dirname, 'peers')

/** What is installed there under that name. Its types are the caller's to say: the peers' own stay out of the product's. */
export const peer: (name: string) => unknown = createRequire(join(peersFolder, 'package.json'))
