import { hash } from 'node:crypto'
import type { DefinitionStore } from '../../../connectors/ports/definition-store.ts'
import type { Draft, DraftPlace, DraftStore } from '../../../connectors/ports/draft-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { HubError, type Problem } from '../../../schema/errors.ts'
import type { Audit } from '../definitions/audit.ts'
import type { Definitions } from '../definitions/definitions.ts'
import { mustHoldIn } from '../permissions.ts'
import type { Registry } from '../registry.ts'
import { version as versionType } from '../xml/text-types.ts'
import { type Environment, type EnvironmentFiles, environments, overlayFile, type Promoted, promotedFile, type PromotedVersion } from './environment.ts'
import { entriesOf, overlaid, placed, unknownPlaces } from './overlaid.ts'
import type { CommittedText } from './registry.ts'

export interface PromotionRoles {
  /** What lies in the folder. */
  readonly folder: Registry
  readonly definitions: Definitions
  readonly store: DefinitionStore | undefined
  readonly drafts: Pick<DraftStore, 'drafts'>
  readonly audit: Audit
  readonly files: EnvironmentFiles
}

export interface Promotion {
  readonly environment: Environment
  readonly version: string
  /** Absent: it ran none. */
  readonly previous?: string
  /** Absent: it ran this version already. */
  readonly commit?: string
}

interface Wanted {
  readonly app: string
  readonly id: string
  readonly version: string
  readonly to: Environment
}

interface Candidate extends CommittedText, PromotedVersion {
  /** Of every commit that has this version. */
  readonly authors: ReadonlySet<string>
}

const draftsAtOnce = 100

/** Versions on their way from environment to environment. Each step is a commit, and an entry of the audit log, also where it is refused. */
export class Promotions {
  readonly #roles: PromotionRoles

  constructor(roles: PromotionRoles) {
    this.#roles = roles
  }

  /**
   * Makes a version the one that an environment runs. Nobody lets in alone what he wrote: who promotes a version of his own needs a draft of it that somebody else approved → FORBIDDEN. No such version → NOT_FOUND; one that the environment
   * before does not run → CONFLICT; one that has mistakes there, or whose overlay has → VALIDATION_ERROR.
   */
  promote(scope: Scope, wanted: Wanted): Promise<Promotion> {
    const { audit, store } = this.#roles
    const { app, id, to } = wanted
    return audit.of(scope, { action: 'pipeline.promote', application: app, subject: id }, async allow => {
      mustHoldIn(scope, 'pipeline:approve', app)
      if (to === 'DEV') throw new HubError('BAD_USER_INPUT', 'DEV runs what lies in the folder, and nothing is promoted to it. Promote to QA, and from there to PROD.', { field: 'to' })
      const candidate = await this.#candidate(scope, wanted)
      if (!store) throw noFolder()
      await this.#mustBeApproved(scope, wanted, candidate)
      await this.#mustBeRight(wanted, candidate)
      return store.alone(scope, async writer => {
        await this.#mustRunBefore(wanted, candidate)
        const pins = (await this.#roles.files.promoted(to)) ?? new Map<string, PromotedVersion>()
        const { version, content } = candidate
        const previous = pins.get(placeOf(wanted))
        const promotion: Promotion = { environment: to, version, ...(previous && { previous: previous.version }) }
        if (previous?.content === content) return promotion
        const trailers = await allow({ version, to, content })
        const commit = await writer.change(scope, { files: new Map([[promotedFile(to), textOf(new Map([...pins, [placeOf(wanted), { version, content }]]))]]), message: `${app}: pipeline ${id} is ${version} in ${to}`, author: scope.caller.subject, trailers })
        return { ...promotion, commit }
      })
    })
  }

  /** What environments run of a pipeline, by their order; DEV runs what lies in the folder. */
  async of(app: string, id: string): Promise<readonly Promotion[]> {
    const all = await Promise.all(environments.map(async environment => ({ environment, pin: environment === 'DEV' ? undefined : (await this.#roles.files.promoted(environment))?.get(placeOf({ app, id })) })))
    return all.flatMap(({ environment, pin }) => (pin ? [{ environment, version: pin.version }] : []))
  }

  /** The text of a version that was promoted. */
  async textOf(scope: Scope, app: string, id: string, { version, content }: PromotedVersion): Promise<CommittedText | undefined> {
    return (await this.#committed(scope, app, id, version)).find(one => hash('sha256', one.xml) === content)
  }

  async #committed(scope: Scope, app: string, id: string, version: string): Promise<readonly (CommittedText & { readonly author: string })[]> {
    const { definitions, store } = this.#roles
    if (!store) return []
    const same = (await definitions.versions(scope, app, id)).filter(one => one.version === version)
    return Promise.all(same.map(async ({ file, content, commit, author }) => ({ file, commit, author, xml: await store.text(scope, content) })))
  }

  async #candidate(scope: Scope, { app, id, version: text }: Wanted): Promise<Candidate> {
    const read = versionType.read(text)
    if (!read) throw new HubError('VALIDATION_ERROR', `"${text.slice(0, 40)}" is not ${versionType.expected}.`, { field: 'version' })
    const version = `${read.major}.${read.minor}.${read.patch}`
    const all = await this.#committed(scope, app, id, version)
    const [newest] = all
    if (newest) return { ...newest, version, content: hash('sha256', newest.xml), authors: new Set(all.map(({ author }) => author)) }
    const known = [...new Set((await this.#roles.definitions.versions(scope, app, id)).flatMap(one => one.version ?? []))]
    throw new HubError('NOT_FOUND', `There is no version ${version} of a pipeline "${id}" of "${app}" in a commit.${known.length > 0 ? ` There are ${known.slice(0, 10).join(', ')}.` : ''}`, { app, id, version })
  }

  async #mustBeApproved(scope: Scope, { app, id }: Wanted, { version, xml, authors }: Candidate): Promise<void> {
    const own = nameOf(scope.caller.subject)
    if (![...authors].some(author => nameOf(author) === own)) return
    const isApproval = (draft: Draft) => draft.pipelineId === id && draft.version === version && draft.xml === xml && draft.approvals.some(({ decision, reviewer }) => decision === 'APPROVED' && reviewer !== draft.author)
    for (let after: DraftPlace | undefined; ;) {
      const page = await this.#roles.drafts.drafts(scope, { applications: [app], state: 'COMMITTED' }, draftsAtOnce, after)
      if (page.some(isApproval)) return
      const last = page.at(-1)
      if (!last || page.length < draftsAtOnce) break
      after = { createdAtMs: last.createdAtMs, id: last.id }
    }
    throw new HubError('FORBIDDEN', `Version ${version} of "${id}" is "${scope.caller.subject}"'s own, and nobody else has approved it. Let somebody else promote it, or put it in by a draft that somebody else approves.`, { app, id, version })
  }

  /** As the environment would have it. */
  async #mustBeRight({ app, id, to }: Wanted, { version, xml }: Candidate): Promise<void> {
    const overlay = await this.#roles.files.overlay(to)
    const { read, problems } = overlaid(xml, entriesOf(overlay, app, id))
    const wrong = [...overlay.problems, ...unknownPlaces(overlay, [...(await this.#roles.folder.pipelines()), { application: app, id }]), ...problems]
    const found: Problem[] = [
      ...wrong.map(({ file, line, column, message }) => ({ path: `${file}[${line}][${column}]`, message, line, column })),
      ...read.findings.filter(({ severity }) => severity === 'ERROR').map(({ line, column, message }) => ({ path: `xml[${line}][${column}]`, message, line, column })),
    ]
    if (found.length > 0) throw new HubError('VALIDATION_ERROR', `Version ${version} of "${id}" does not run in ${to} by ${overlayFile(to)}. ${[...wrong.map(placed), ...found.slice(wrong.length).map(({ message }) => message)].join(' ')}`, { problems: found })
  }

  async #mustRunBefore({ app, id, to }: Wanted, { version, content }: Candidate): Promise<void> {
    const before = environments[environments.indexOf(to) - 1]
    if (before === undefined || before === 'DEV') return
    const there = (await this.#roles.files.promoted(before))?.get(placeOf({ app, id }))
    if (there?.content !== content) throw new HubError('CONFLICT', `${before} runs ${there ? `version ${there.version}` : 'no version'} of "${id}" of "${app}", and ${to} takes what ${before} runs. Promote ${version} to ${before} first.`, { app, id, version, environment: before })
  }
}

function placeOf({ app, id }: Pick<Wanted, 'app' | 'id'>): string {
  return `${app}/${id}`
}

function textOf(pins: Promoted): string {
  return `${JSON.stringify(Object.fromEntries([...pins].sort(([a], [b]) => (a < b ? -1 : 1))), undefined, 2)}\n`
}

/** Git has names without some characters. */
function nameOf(subject: string): string {
  return subject.toWellFormed().replace(/[<>\p{Cc}\s]+/gu, ' ').trim()
}

function noFolder(): HubError {
  return new HubError('NOT_FOUND', 'This hub has no folder of pipelines, which their definitions would be in. Set pipelines.folder.')
}
