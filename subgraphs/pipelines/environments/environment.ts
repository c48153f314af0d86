/** In the order that versions pass through them. */
export const environments = ['DEV', 'QA', 'PROD'] as const
export type Environment = (typeof environments)[number]

/** What a folder of pipelines says of environments, looked at each time. */
export interface EnvironmentFiles {
  /** Empty where there is none. */
  overlay(environment: Environment): Promise<Overlay>
  /** Which version of which pipeline the environment runs, by `APP/PIPELINE`; undefined: nothing was promoted to it, and it runs what lies in the folder. */
  promoted(environment: Environment): Promise<Promoted | undefined>
}

/** What differs in an environment. */
export interface Overlay {
  readonly entries: readonly OverlayEntry[]
  /** What keeps it from being read as one. */
  readonly problems: readonly OverlayProblem[]
}

export interface OverlayProblem {
  /** From the folder of the pipelines on. */
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

export interface OverlayEntry extends Omit<OverlayProblem, 'message'> {
  readonly app: string
  readonly pipelineId: string
  readonly key: string
  /** Null takes away what the document says. */
  readonly value: string | null
}

export type Promoted = ReadonlyMap<string, PromotedVersion>

export interface PromotedVersion {
  readonly version: string
  /** SHA-256 of the text, in hexadecimal digits. */
  readonly content: string
}

/** Where versions of an environment are noted, from the folder of the pipelines on. */
export function promotedFile(environment: Environment): string {
  return `environments/${environment.toLowerCase()}.promoted.json`
}

/** Of an overlay. */
export function overlayFile(environment: Environment): string {
  return `environments/${environment.toLowerCase()}.yaml`
}
