import type { Registry } from 'prom-client'
import type { Code } from '../../schema/errors.ts'
import type { Config } from '../config.ts'

/** What a worker is told once, before anything else. */
export interface Orders {
  readonly kind: 'serve'
  /** From 1 on; a worker that takes the place of another has its number. */
  readonly number: number
  readonly config: Config
  /** Path of the socket at which the owner takes requests. */
  readonly owner: string
  /** Path of the one at which it lets regions be read. */
  readonly readsAt: string
}

export type Figures = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** From the owner. `drain`: take nothing new, end what is under way, and go. */
export type ToWorker = Orders | { readonly kind: 'drain' } | { readonly kind: 'metrics'; readonly id: number }

/** From a worker. `draining`: it takes nothing new, and the owner has begun to answer all that it took. */
export type FromWorker =
  | { readonly kind: 'serving'; readonly port: number }
  | { readonly kind: 'failed'; readonly code: Code; readonly message: string; readonly details: Readonly<Record<string, unknown>> }
  | { readonly kind: 'draining' }
  | { readonly kind: 'metrics'; readonly id: number; readonly figures: Figures }
