import type { DefinitionStore } from '../../../connectors/ports/definition-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { HubError, type Problem } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import type { PipelineDocument } from '../document/pipeline.ts'
import { readDocument } from '../document/read.ts'
import { type Definition, type Registry, versionText } from '../registry.ts'
import { version as versionType } from '../xml/text-types.ts'
import { applicationName, fileOf } from './application.ts'
import { DefinitionHistory, type StoredVersion } from './history.ts'

export interface DefinitionParts {
  readonly registry: Registry
  /** Absent: the hub has no folder of pipelines. */
  readonly store: DefinitionStore | undefined
}

/** What is about to be done, told before it is; what it answers stands in the commit. */
export type Announce = (change: Announced) => Promise<Readonly<Record<string, string>>>

export interface Announced {
  readonly action: 'pipeline.create' | 'pipeline.update' | 'pipeline.delete'
  readonly app: string
  readonly id: string
  readonly version?: string
}

export interface Written {
  readonly definition: Definition
  /** Absent: the text was there already, and nothing was done. */
  readonly commit?: string
}

export interface WriteOptions {
  readonly announce: Announce
  /** Default: the caller. */
  readonly author?: string
  /** Looks at what is there, alone with it, and fails where that is not what it should be. */
  readonly guard?: (current: Definition | undefined) => void
}

/** The pipelines of the folder, as they are changed. Whoever calls has been let in before. */
export class Definitions {
  readonly #registry: Registry
  readonly #store: DefinitionStore | undefined
  readonly #history: DefinitionHistory | undefined

  constructor({ registry, store }: DefinitionParts) {
    this.#registry = registry
    this.#store = store
    this.#history = store && new DefinitionHistory(store)
  }

  /** The newest commit; undefined: there is none. */
  async head(scope: Scope): Promise<string | undefined> {
    return this.#stored.head(scope)
  }

  async find(app: string, id: string): Promise<Definition | undefined> {
    return (await this.#registry.pipelines()).find(one => one.application === app && one.id === id)
  }

  /** Those that were committed, the newest first. */
  async versions(scope: Scope, app: string, id: string): Promise<readonly (StoredVersion & { readonly content: string })[]> {
    const all = (await this.#history?.of(scope, app, id)) ?? []
    return all.filter((one): one is StoredVersion & { content: string } => one.content !== undefined)
  }

  /** The pipeline as it was in a version: that which is there, else the newest commit that had it. What is no version → VALIDATION_ERROR. */
  async findVersion(scope: Scope, app: string, id: string, text: string): Promise<Definition | undefined> {
    const read = versionType.read(text)
    if (!read) throw new HubError('VALIDATION_ERROR', `"${text}" is not ${versionType.expected}.`, { field: 'version' })
    const wanted = `${read.major}.${read.minor}.${read.patch}`
    const current = await this.find(app, id)
    if (current?.document && versionText(current.document) === wanted) return current
    const stored = (await this.versions(scope, app, id)).find(({ version }) => version === wanted)
    if (!stored || !this.#store) return undefined
    const xml = await this.#store.text(scope, stored.content)
    const { kind, document, findings } = readDocument(xml)
    return { application: app, id, file: stored.file, xml, findings, ...(kind === 'pipeline' && document && { document }) }
  }

  /** Where an id is there already → CONFLICT. */
  create(scope: Scope, app: string, xml: string, options: WriteOptions): Promise<Written> {
    return this.#put(scope, applicationName(app), xml, options, async (document, current) => {
      if (current) throw new HubError('CONFLICT', `There is a pipeline "${document.id}" in "${app}" already, in ${current.file}. Update it, or give this one another id.`, { app, id: document.id })
    })
  }

  /** Where there is no such pipeline → NOT_FOUND; where the document is of another id → VALIDATION_ERROR; where its version is below the newest there was → CONFLICT, unless `allowOlder`. */
  update(scope: Scope, app: string, id: string, xml: string, allowOlder: boolean, options: WriteOptions): Promise<Written> {
    return this.#put(scope, applicationName(app), xml, options, async (document, current) => {
      if (!current) throw await this.#unknown(app, id)
      if (document.id !== id) throw new HubError('VALIDATION_ERROR', `The document is of the pipeline "${document.id}", and "${id}" is to be updated. Give it that id, or create another pipeline.`, { field: 'id' })
      if (!allowOlder) await this.#mustNotBeOlder(scope, app, document, current)
    }, id)
  }

  async remove(scope: Scope, app: string, id: string, { announce, author }: WriteOptions): Promise<string> {
    applicationName(app)
    return this.#stored.alone(scope, async writer => {
      const current = await this.find(app, id)
      if (!current) throw await this.#unknown(app, id)
      const trailers = await announce({ action: 'pipeline.delete', app, id, ...(current.document && { version: versionText(current.document) }) })
      return writer.change(scope, { files: new Map([[current.file, undefined]]), message: `${app}: pipeline ${id} is deleted`, author: author ?? scope.caller.subject, trailers })
    })
  }

  /** What `create` and `update` would refuse of a document by its own text. */
  checked(app: string, xml: string): PipelineDocument {
    const document = pipelineOf(xml)
    mustNotBeHidden(xml)
    fileOf(app, document.layer, document.id)
    return document
  }

  async #put(scope: Scope, app: string, xml: string, { announce, author, guard }: WriteOptions, check: (document: PipelineDocument, current: Definition | undefined) => Promise<void>, id?: string): Promise<Written> {
    const document = this.checked(app, xml)
    const file = fileOf(app, document.layer, document.id)
    return this.#stored.alone(scope, async writer => {
      const current = await this.find(app, id ?? document.id)
      guard?.(current)
      await check(document, current)
      const place = placeOf(current, file)
      if (current?.xml === xml && current.file === place && (await this.#stored.placed(scope, place, xml))) return { definition: current }
      await this.#mustBeFree(app, document, place)
      await this.#mustBeNew(scope, app, document, xml, current)
      const version = versionText(document)
      const trailers = await announce({ action: current ? 'pipeline.update' : 'pipeline.create', app, id: document.id, version })
      // The new one first: whoever is interrupted between them has two, and none is lost.
      const files = new Map<string, string | undefined>([[place, xml], ...(current && current.file !== place ? [[current.file, undefined] as const] : [])])
      const commit = await writer.change(scope, { files, message: `${app}: pipeline ${document.id} is ${version}`, author: author ?? scope.caller.subject, trailers })
      const definition = await this.find(app, document.id)
      if (!definition) throw new HubError('CONFLICT', `The pipeline "${document.id}" of "${app}" was stored, and taken away by somebody else at once.`, { app, id: document.id, commit })
      return { definition, commit }
    })
  }

  /** A version that was ever stored means one text for ever. */
  async #mustBeNew(scope: Scope, app: string, document: PipelineDocument, xml: string, current: Definition | undefined): Promise<void> {
    const version = versionText(document)
    const same = (await this.versions(scope, app, document.id)).filter(one => one.version === version)
    const others = await Promise.all(same.map(async one => (await this.#stored.text(scope, one.content)) !== xml))
    const isOther = others.includes(true) || (current?.document && versionText(current.document) === version && current.xml !== xml)
    if (isOther) throw new HubError('CONFLICT', `Version ${version} of the pipeline "${document.id}" of "${app}" is there with another text. Give this one another version.`, { app, id: document.id, version })
  }

  async #mustNotBeOlder(scope: Scope, app: string, document: PipelineDocument, current: Definition): Promise<void> {
    const known = [...(await this.versions(scope, app, document.id)).flatMap(one => one.version ?? []), ...(current.document ? [versionText(current.document)] : [])]
    const newest = known.sort(byVersion).at(-1)
    const version = versionText(document)
    if (newest !== undefined && byVersion(version, newest) < 0) throw new HubError('CONFLICT', `Version ${version} is older than ${newest}, which the pipeline "${document.id}" of "${app}" had. Give it a newer version, or allow an older one.`, { app, id: document.id, version, newest })
  }

  /** The file of another pipeline is not written over. */
  async #mustBeFree(app: string, document: PipelineDocument, file: string): Promise<void> {
    const other = (await this.#registry.pipelines()).find(one => one.file.toLowerCase() === file.toLowerCase() && one.id !== document.id)
    if (other) throw new HubError('CONFLICT', `The pipeline "${other.id}" of "${app}" is in ${other.file}, where "${document.id}" would have to be. Rename one of them.`, { app, id: document.id })
  }

  async #unknown(app: string, id: string): Promise<HubError> {
    const own = (await this.#registry.pipelines()).filter(one => one.application === app)
    return new HubError('NOT_FOUND', `There is no pipeline "${id}" in "${app}".${didYouMean(id, own.map(one => one.id))}`, { app, id })
  }

  get #stored(): DefinitionStore {
    if (this.#store) return this.#store
    throw new HubError('NOT_FOUND', 'This hub has no folder of pipelines, which their definitions would be in. Set pipelines.folder.')
  }
}

/** A pipeline that stays in its layer stays in its file, whatever that is called. */
function placeOf(current: Definition | undefined, file: string): string {
  const folder = (path: string) => path.slice(0, path.lastIndexOf('/'))
  return current && folder(current.file) === folder(file) ? current.file : file
}

/** The pipeline of a text; all that is wrong with it → VALIDATION_ERROR, with line and column. */
function pipelineOf(xml: string): PipelineDocument {
  const { kind, document, findings } = readDocument(xml)
  if (kind === 'pipeline' && document) return document
  if (kind === 'job') throw new HubError('VALIDATION_ERROR', 'The document is a job; a <pipeline> is expected.', { problems: [{ path: 'xml[1][1]', message: 'The document is a job; a <pipeline> is expected.', line: 1, column: 1 }] })
  const problems = findings.filter(({ severity }) => severity === 'ERROR').map(({ line, column, message }): Problem => ({ path: `xml[${line}][${column}]`, message, line, column }))
  throw new HubError('VALIDATION_ERROR', problems.map(({ message }) => message).join(' '), { problems })
}

/** A text as it was shown, with a sign in the place of a password, would take the password away. */
function mustNotBeHidden(xml: string): void {
  const found = /jdbc:[a-z]+:\/\/[^/@?"'<\s:]*:\*\*\*@|[?;&](?:password|pwd)=\*\*\*/i.exec(xml)
  if (!found) return
  const lines = xml.slice(0, found.index).split('\n')
  const [line, column] = [lines.length, (lines.at(-1) ?? '').length + 1]
  const message = `"***" stands for the password in the URL in line ${line}: it hides one from readers, and is none. Write the password, or better name its secret in userSecretRef.`
  throw new HubError('VALIDATION_ERROR', message, { problems: [{ path: `xml[${line}][${column}]`, message, line, column }] })
}

function byVersion(one: string, other: string): number {
  const [a, b] = [one, other].map(text => text.split('.').map(Number))
  for (let part = 0; part < 3; part++) {
    const difference = (a?.[part] ?? 0) - (b?.[part] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
