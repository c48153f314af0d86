/** Where engines are kept and how the commands speak. */
export interface Site {
  /** Folder of everything: `<engine>-<version>/` artifacts, `data/<node>/`, `log/<node>.log`, `state/<node>.json`. */
  readonly home: string
  /** Added to every port, so that a second set may stand beside the first. */
  readonly portOffset: number
  readonly signal: AbortSignal
  /** One line of progress about an engine, for a human. */
  say(engine: string, line: string): void
}

/** One process of an engine: `trino`, or `ignite-1` and `ignite-2` where an engine may have several. */
export interface EngineNode {
  readonly name: string
  /** From 1. */
  readonly number: number
  /** By purpose; `client` is where clients connect. */
  readonly ports: Ports
  /** Its data folder; exists, and outlives the process. */
  readonly data: string
}

export type Ports = Readonly<Record<string, number>> & { readonly client: number }

/** What to run. Its output goes to the node's log. */
export interface Launch {
  readonly version: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Runs as this user; absent: as whoever asks. */
  readonly user?: User
  /** Where it runs and keeps its files; absent: the node's data folder. */
  readonly folder?: string
  readonly reach: Reach
}

/** Variables by which the hub and the tests find a node: `TRINO_URL`, … */
export type Reach = Readonly<Record<string, string>>

/** A node that was started. */
export interface Address {
  readonly ports: Ports
  readonly reach: Reach
}

export interface User {
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/** One engine: where it comes from, how it starts, how to know that it answers. */
export interface Engine {
  readonly name: string
  /** Most nodes there may be; absent: one. */
  readonly mostNodes?: number
  ports(node: number): Ports
  /** Brings what is missing on disk and verifies it. Cheap when nothing is missing. */
  fetch(site: Site): Promise<void>
  /** Writes the node's configuration files, and says what to run. */
  launch(site: Site, node: EngineNode): Promise<Launch>
  /** Asks the node something only a working engine answers; rejects with the reason while it does not. */
  answers(address: Address, signal: AbortSignal): Promise<void>
}

/** A failure with a sentence for whoever ran the command. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
}

/** The system's code of a failure: `ENOENT`, … Undefined: it is another kind of failure. */
export function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
